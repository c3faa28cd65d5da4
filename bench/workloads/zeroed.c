// What does calloc cost, where the pages are fresh and where they are not?
#include "work.h"

enum { replacements_full = 3500 * 1000, live_small = 5000, live_large = 24, large_every = 200 };

static Arguments arguments;

static int is_zero(const char* block, size_t bytes) {
  const size_t step = bytes < 4096 ? 8 : bytes / 64 & ~(size_t)7;
  for (size_t i = 0; i + 8 <= bytes; i += step) {
    if (*(const uint64_t*)(const void*)(block + i) != 0) return 0;
  }
  return block[bytes - 1] == 0;
}

static void replace(void** place, size_t bytes) {
  free_sealed(*place);
  char* block = calloc(1, bytes);
  check(block != NULL, "no memory");
  check(is_zero(block, bytes), "calloc gave what is not zero");
  // Dirty through and through, for whoever gets it next; of a large table only a part is ever used.
  memset(block, 0x5a, bytes < 4096 ? bytes : bytes / 8);
  seal(block, bytes);
  *place = block;
}

static void work(int index) {
  static void* small[threads_max][live_small];
  void* large[live_large] = {NULL};
  Random random = random_of((uint64_t)index);
  const long replacements = scaled_share(&arguments, replacements_full);
  for (long i = 0; i < replacements; ++i) {
    replace(&small[index][next_below(&random, live_small)], next_size(&random, 5, 12));
    if (i % large_every == 0) replace(&large[next_below(&random, live_large)], next_size(&random, 15, 21));
  }
  for (int i = 0; i < live_small; ++i) free_sealed(small[index][i]);
  for (int i = 0; i < live_large; ++i) free_sealed(large[i]);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
