// delete_misaligned BYTES OFFSET: an address no block can have is deleted.
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  char* block = static_cast<char*>(operator new(number(arguments[1])));
  void* pointer = hidden(block + number(arguments[2]));
  tell(pointer);
  operator delete(pointer);
}
