// What does a thread cost that allocates a little and ends, in time and in memory left behind?
#include <pthread.h>

#include "work.h"

enum { threads = 20 * 1000, blocks_each = 50 };

static void* work(void* seed) {
  Random random = {.state = (uint64_t)(uintptr_t)seed + 1};
  void* blocks[blocks_each];
  for (int i = 0; i < blocks_each; ++i) {
    const size_t bytes = next_size(&random, 4, 11);
    blocks[i] = malloc(bytes);
    touch(blocks[i], bytes);
  }
  for (int i = 0; i < blocks_each; ++i) free(blocks[i]);
  return NULL;
}

int main(void) {
  for (uintptr_t i = 0; i < threads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void*)i) != 0) return 1;
    pthread_join(thread, NULL);
  }
  return 0;
}
