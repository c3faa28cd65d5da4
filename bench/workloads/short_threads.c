// What does a thread cost that allocates a little and ends, in time and in memory left behind?
#include "work.h"

enum { short_threads_full = 30 * 1000, blocks_each = 100, survivors = 20 * 1000 };

static Arguments arguments;
static void* survivor[survivors];

// One block of a hundred outlives its thread, until a later thread takes its place.
static void* live_and_die(void* number) {
  Random random = random_of((uint64_t)(uintptr_t)number);
  void* blocks[blocks_each];
  for (int i = 0; i < blocks_each; ++i) blocks[i] = allocate_sealed(next_size(&random, 5, 11));
  for (int i = 1; i < blocks_each; ++i) free_sealed(blocks[i]);
  void** place = &survivor[(uintptr_t)number % survivors];
  free_sealed(*place);
  *place = blocks[0];
  return NULL;
}

static void work(int index) {
  const long threads = scaled_share(&arguments, short_threads_full);
  for (long i = 0; i < threads; ++i) {
    pthread_t thread;
    void* number = (void*)(uintptr_t)(i * arguments.threads + index);
    check(pthread_create(&thread, NULL, live_and_die, number) == 0, "no thread");
    pthread_join(thread, NULL);
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  for (int i = 0; i < survivors; ++i) free_sealed(survivor[i]);
  return 0;
}
