// double_free_of_aligned ALIGNMENT: the same for a block with an alignment of its own.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  void* block = NULL;
  if (posix_memalign(&block, number(arguments[1]), 100) != 0) return 1;
  block = hidden(block);
  tell(block);
  free(block);
  free(hidden(block));
  return 0;
}
