// no_misuse_free_of_nothing: a null pointer may be freed and deleted, a block of no bytes too.
#include <malloc.h>

#include <new>

#include "misuse.h"

int main() {
  free(hidden(nullptr));
  operator delete(hidden(nullptr));
  operator delete(hidden(nullptr), 48);
  operator delete[](hidden(nullptr), 1 << 20);
  operator delete (hidden(nullptr), std::align_val_t{64});
  if (malloc_usable_size(hidden(nullptr)) != 0) return 1;
  for (int i = 0; i < 1000; i++) {
    free(hidden(malloc(0)));
    operator delete (hidden(operator new(0)), size_t{0});
    free(hidden(realloc(hidden(nullptr), 100)));
  }
}
