// double_free_by_delete BYTES: what operator delete just freed is deleted again.
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  void* block = hidden(operator new(number(arguments[1])));
  tell(block);
  operator delete(block);
  operator delete(hidden(block));
}
