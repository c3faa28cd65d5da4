// double_free BYTES at_once|across|delayed|after_reuse|then_reuse: a second free of the same block.
#include "survey.h"

enum { few = 1024, many = 256 * 1024 };

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0);
  const char* how = arguments[2];
  void *block = take(bytes), *other = NULL;
  if (is(how, "across")) other = take(bytes);
  give(block);
  if (is(how, "across")) give(other);
  if (is(how, "delayed"))
    for (int i = 0; i < few; i++) give(take(bytes));
  if (is(how, "after_reuse")) other = take(bytes);
  give(block);
  if (is(how, "after_reuse")) give(other);
  if (is(how, "then_reuse"))
    for (int i = 0; i < many; i++) give(take(bytes));
  return not_caught();
}
