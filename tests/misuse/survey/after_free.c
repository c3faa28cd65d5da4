// after_free BYTES write|write_then_reuse|zeroed: use of a block after its free, and what is left in it.
#include "survey.h"

enum { many = 256 * 1024 };

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0);
  volatile char* block = take(bytes);
  if (is(arguments[2], "zeroed")) {
    memset((char*)block, 'A', bytes);
    give((char*)block);
    for (size_t i = 0; i < bytes; i++)
      if (block[i] != 0) return not_caught();
    return 0;
  }
  give((char*)block);
  memset((char*)block, 'A', bytes);
  if (is(arguments[2], "write_then_reuse"))
    for (int i = 0; i < many; i++) give(take(bytes));
  return not_caught();
}
