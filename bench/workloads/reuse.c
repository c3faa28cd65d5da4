// What does a block cost that comes back at once, in mixed small sizes?
#include "work.h"

enum { pairs_full = 64 * 1000 * 1000, sizes = 4096, bytes_max = 512 };

static Arguments arguments;
static uint16_t size_of[sizes];

static void work(int index) {
  const long pairs = scaled_share(&arguments, pairs_full);
  for (long i = index; i < pairs + index; ++i) free_sealed(allocate_sealed(size_of[i % sizes]));
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  hold_others();
  Random random = random_of(1);
  for (int i = 0; i < sizes; ++i) {
    const size_t bytes = next_size(&random, 4, 9);
    size_of[i] = (uint16_t)(bytes < bytes_max ? bytes : bytes_max);
  }
  run_threads(arguments.threads, work);
  return 0;
}
