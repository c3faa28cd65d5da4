// How long does malloc(64) and free take when each pair replaces one of 64 live blocks?
#include "work.h"

enum { pairs = 60 * 1000 * 1000, block_bytes = 64, live_blocks = 64 };

static void* live[live_blocks];

int main(void) {
  for (int i = 0; i < live_blocks; ++i) live[i] = malloc(block_bytes);
  for (long i = 0; i < pairs; ++i) {
    void** slot = &live[i % live_blocks];
    free(*slot);
    *slot = malloc(block_bytes);
  }
  return 0;
}
