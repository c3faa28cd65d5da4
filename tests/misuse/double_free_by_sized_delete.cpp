// double_free_by_sized_delete BYTES: the same where the compiler passes the size, as it does for most types.
#include <new>

#include "misuse.h"

int main(int, char** arguments) {
  const size_t bytes = number(arguments[1]);
  void* block = hidden(operator new(bytes));
  tell(block);
  operator delete(block, bytes);
  operator delete(hidden(block), bytes);
}
