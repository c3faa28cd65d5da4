// no_bytes BYTES read|write [free]: a block of no bytes is used all the same.
#include "survey.h"

int main(int count, char** arguments) {
  if (count < 3) return 2;
  volatile char* block = take(0);
  if (block == NULL) return 1;
  if (is(arguments[2], "read"))
    putchar(*block);
  else
    *block = 'A';
  if (count == 4) give((char*)block);
  return not_caught();
}
