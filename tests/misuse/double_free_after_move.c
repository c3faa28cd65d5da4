// double_free_after_move BYTES: a realloc that moves has freed the old block.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  const size_t bytes = number(arguments[1]);
  void* block = hidden(malloc(bytes));
  tell(block);
  if (realloc(block, bytes * 64) == block) return 1;
  free(hidden(block));
  return 0;
}
