// free_foreign NAME: what no heap gave is freed.
#include "foreign.h"

int main(int count, char** arguments) {
  (void)count;
  char on_stack[64] __attribute__((aligned(16)));
  void* pointer = hidden(foreign(arguments[1], on_stack));
  tell(pointer);
  free(pointer);
  return 0;
}
