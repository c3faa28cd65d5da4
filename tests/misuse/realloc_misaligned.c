// realloc_misaligned BYTES OFFSET: an address no block can have is resized.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  char* block = malloc(number(arguments[1]));
  char* pointer = hidden(block + number(arguments[2]));
  tell(pointer);
  return realloc(pointer, 1000) == NULL;
}
