// Does the time stay the same when as many threads more do as much work more, each with blocks of its own?
#include "work.h"

enum { replacements_each_full = 14 * 1000 * 1000, live_blocks = 40 * 1000 };

static Arguments arguments;

static void work(int index) {
  Random random = random_of((uint64_t)index);
  void** live = calloc(live_blocks, sizeof(void*));
  check(live != NULL, "no memory");
  for (long i = scaled(&arguments, replacements_each_full); i > 0; --i) {
    void** place = &live[next_below(&random, live_blocks)];
    free_sealed(*place);
    *place = allocate_sealed(next_size(&random, 4, 12));
  }
  for (int i = 0; i < live_blocks; ++i) free_sealed(live[i]);
  free(live);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
