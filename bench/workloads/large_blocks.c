// What do blocks of 1 to 64 MiB cost that come and go?
//
//   ends     only the first and the last page are written
//   whole    every byte is written, as a buffer that is read into
#include "work.h"

enum {
  replacements_ends_full = 160 * 1000,
  replacements_whole_full = 90,
  live_blocks = 4,
  bits_min = 20,
  bits_max = 26
};

static Arguments arguments;

static void work(int index) {
  void* live[live_blocks] = {NULL};
  Random random = random_of((uint64_t)index);
  const int whole = is_variant(&arguments, "whole");
  const long replacements = scaled_share(&arguments, whole ? replacements_whole_full : replacements_ends_full);
  for (long i = 0; i < replacements; ++i) {
    void** place = &live[next_below(&random, live_blocks)];
    free_sealed(*place);
    const size_t bytes = next_size_even(&random, bits_min, bits_max);
    *place = malloc(bytes);
    check(*place != NULL, "no memory");
    if (whole) memset(*place, (int)i, bytes);
    seal(*place, bytes);
  }
  for (int i = 0; i < live_blocks; ++i) free_sealed(live[i]);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  hold_others();
  run_threads(arguments.threads, work);
  return 0;
}
