// What do blocks of 32 KiB to 4 MiB cost that come and go?
#include "work.h"

enum { replacements = 300 * 1000, live_blocks = 32 };

static void* live[live_blocks];

int main(void) {
  Random random = {.state = 7};
  for (long i = 0; i < replacements; ++i) {
    void** slot = &live[next_random(&random) % live_blocks];
    free(*slot);
    const size_t bytes = next_size(&random, 15, 21);
    *slot = malloc(bytes);
    touch(*slot, bytes);
  }
  return 0;
}
