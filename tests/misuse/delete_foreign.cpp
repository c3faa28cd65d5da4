// delete_foreign NAME: what no heap gave is deleted.
#include <new>

#include "foreign.h"

int main(int, char** arguments) {
  alignas(16) char on_stack[64];
  void* pointer = hidden(foreign(arguments[1], on_stack));
  tell(pointer);
  operator delete(pointer);
}
