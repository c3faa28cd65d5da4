// wrong_size HELD SAID: a delete names a size of another class than the block's.
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  void* block = hidden(operator new(number(arguments[1])));
  tell(block);
  operator delete(block, number(arguments[2]));
}
