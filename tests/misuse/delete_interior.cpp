// delete_interior BYTES OFFSET: an address inside a large block is deleted.
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  char* block = static_cast<char*>(operator new(number(arguments[1])));
  void* pointer = hidden(block + number(arguments[2]));
  tell(pointer);
  tell(block);
  operator delete(pointer);
}
