// usable_size_interior BYTES OFFSET: the size is asked of an address inside a large block.
#include <malloc.h>

#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  char* block = malloc(number(arguments[1]));
  char* pointer = hidden(block + number(arguments[2]));
  tell(pointer);
  tell(block);
  return malloc_usable_size(pointer) == 0;
}
