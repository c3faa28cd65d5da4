// wrong_size_of_array HELD SAID: the same for operator delete[].
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  void* block = hidden(operator new[](number(arguments[1])));
  tell(block);
  operator delete[](block, number(arguments[2]));
}
