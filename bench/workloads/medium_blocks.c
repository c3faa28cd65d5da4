// What do blocks of 32 KiB to 1 MiB cost that come and go, every page of them written?
#include "work.h"

enum { replacements_full = 170 * 1000, live_blocks = 64, bits_min = 15, bits_max = 20 };

static Arguments arguments;

static void work(int index) {
  void* live[live_blocks] = {NULL};
  Random random = random_of((uint64_t)index);
  const long replacements = scaled_share(&arguments, replacements_full);
  for (long i = 0; i < replacements; ++i) {
    void** place = &live[next_below(&random, live_blocks)];
    free_sealed(*place);
    const size_t bytes = next_size_even(&random, bits_min, bits_max);
    *place = malloc(bytes);
    check(*place != NULL, "no memory");
    touch_pages(*place, bytes);
    seal(*place, bytes);
  }
  for (int i = 0; i < live_blocks; ++i) free_sealed(live[i]);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
