// double_free_after_realloc_to_zero BYTES: realloc to no bytes frees, so a free after it is the second.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  void* block = hidden(malloc(number(arguments[1])));
  tell(block);
  if (realloc(block, 0) != NULL) return 1;
  free(hidden(block));
  return 0;
}
