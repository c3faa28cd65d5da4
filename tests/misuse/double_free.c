// double_free BYTES: the block just freed is freed again.
#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  void* block = hidden(malloc(number(arguments[1])));
  tell(block);
  free(block);
  free(hidden(block));
  return 0;
}
