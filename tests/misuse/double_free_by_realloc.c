// double_free_by_realloc BYTES: the block just freed is resized.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  const size_t bytes = number(arguments[1]);
  void* block = hidden(malloc(bytes));
  tell(block);
  free(block);
  return realloc(hidden(block), bytes * 2) == NULL;
}
