// What do random sizes with random lifetimes cost, in time and in memory held?
#include "work.h"

enum { replacements = 12 * 1000 * 1000, live_blocks = 50 * 1000 };

static void* live[live_blocks];

int main(void) {
  Random random = {.state = 20260101};
  for (long i = 0; i < replacements; ++i) {
    void** slot = &live[next_random(&random) % live_blocks];
    free(*slot);
    const size_t bytes = next_size(&random, 3, 13);
    *slot = malloc(bytes);
    touch(*slot, bytes);
  }
  return 0;
}
