// free_interior_small BYTES OFFSET: an address inside a small block. The fast path takes it on trust; it is seen when
// the list it went to is given back, so many blocks of the size are freed after it.
#include "misuse.h"

enum { blocks_count = 20000 };
static char* blocks[blocks_count];

int main(int count, char** arguments) {
  (void)count;
  const size_t bytes = number(arguments[1]);
  for (int i = 0; i < blocks_count; i++) blocks[i] = malloc(bytes);
  char* pointer = hidden(blocks[blocks_count / 2] + number(arguments[2]));
  tell(pointer);
  tell(blocks[blocks_count / 2]);
  free(pointer);
  for (int i = 0; i < blocks_count; i++)
    if (i != blocks_count / 2) free(blocks[i]);
  return 0;
}
