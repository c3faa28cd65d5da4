// How long does malloc(64) and free take when the block just freed comes back at once?
#include "work.h"

enum { pairs = 60 * 1000 * 1000, block_bytes = 64 };

int main(void) {
  for (long i = 0; i < pairs; ++i) {
    void* volatile block = malloc(block_bytes);
    free(block);
  }
  return 0;
}
