// usable_size_foreign NAME: the size is asked of what no heap gave.
#include <malloc.h>

#include "foreign.h"

int main(int count, char** arguments) {
  (void)count;
  char on_stack[64] __attribute__((aligned(16)));
  void* pointer = hidden(foreign(arguments[1], on_stack));
  tell(pointer);
  return malloc_usable_size(pointer) == 0;
}
