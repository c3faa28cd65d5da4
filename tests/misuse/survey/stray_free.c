// stray_free BYTES one|alloca|array|page_on|gigabyte_on|byte_on|word_on: a free of what malloc did not return.
#include <alloca.h>
#include <stdint.h>

#include "survey.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0);
  const char* what = arguments[2];
  char array[bytes];
  memset(array, 0, bytes);
  if (is(what, "one")) give((void*)(uintptr_t)1);
  if (is(what, "alloca")) give(alloca(bytes));
  if (is(what, "array")) give(array);
  if (is(what, "page_on")) give((char*)take(bytes) + 4096);
  if (is(what, "gigabyte_on")) give((char*)take(bytes) + (1 << 30));
  if (is(what, "byte_on")) give((char*)take(bytes) + 1);
  if (is(what, "word_on")) give((char*)take(bytes) + 8);
  return not_caught();
}
