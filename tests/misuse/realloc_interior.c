// realloc_interior BYTES OFFSET: an address inside a large block is resized.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  char* block = malloc(number(arguments[1]));
  char* pointer = hidden(block + number(arguments[2]));
  tell(pointer);
  tell(block);
  return realloc(pointer, 1000) == NULL;
}
