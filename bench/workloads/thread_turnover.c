// What does a server cost whose threads come and go, each handing the blocks that survive it to a successor?
#include "work.h"

enum {
  generations_full = 240,
  replacements_each = 40 * 1000,  // of a generation, over all its threads
  live_blocks = 40 * 1000,
  bytes_min = 16,
  bytes_spread = 1000
};

static Arguments arguments;
static void* live[live_blocks];
static int generation;  // written while no other thread runs

// Every generation, each part of the blocks goes to the thread of another index.
static void work(int index) {
  const uint32_t part = live_blocks / (uint32_t)arguments.threads;
  void** blocks = &live[part * (uint32_t)((index + generation) % arguments.threads)];
  Random random = random_of((uint64_t)(generation * threads_max + index));
  for (long i = replacements_each / arguments.threads; i > 0; --i) {
    void** place = &blocks[next_below(&random, part)];
    free_sealed(*place);
    *place = allocate_sealed(bytes_min + next_below(&random, bytes_spread));
  }
}

static void* live_and_die(void* index) {
  work((int)(intptr_t)index);
  return NULL;
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  for (const long end = scaled(&arguments, generations_full); generation < end; ++generation) {
    pthread_t threads[threads_max];
    for (int i = 0; i < arguments.threads; ++i) {
      check(pthread_create(&threads[i], NULL, live_and_die, (void*)(intptr_t)i) == 0, "no thread");
    }
    for (int i = 0; i < arguments.threads; ++i) pthread_join(threads[i], NULL);
  }
  for (int i = 0; i < live_blocks; ++i) free_sealed(live[i]);
  return 0;
}
