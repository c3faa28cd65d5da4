// no_misuse_size_of_the_same_class: the size that was asked for, and one that rounds to the same block, both pass.
#include <new>

#include "misuse.h"

int main() {
  for (size_t bytes = 1; bytes < 300000; bytes += bytes / 16 + 1) {
    operator delete(hidden(operator new(bytes)), bytes);
    operator delete[](hidden(operator new[](bytes)), bytes);
    operator delete (hidden(operator new (bytes, std::align_val_t{64})), bytes, std::align_val_t{64});
  }
  for (size_t bytes = 33; bytes <= 48; bytes++) operator delete(hidden(operator new(40)), bytes);
}
