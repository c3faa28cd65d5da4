// What does a block cost that one thread allocates and another frees?
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "work.h"

enum { blocks = 8 * 1000 * 1000, queue_slots = 4096, block_bytes = 80 };

static void* queue[queue_slots];
static _Alignas(64) atomic_long produced;
static _Alignas(64) atomic_long consumed;

static void* consume(void* unused) {
  for (long i = 0; i < blocks; ++i) {
    while (atomic_load_explicit(&produced, memory_order_acquire) <= i) sched_yield();
    free(queue[i % queue_slots]);
    atomic_store_explicit(&consumed, i + 1, memory_order_release);
  }
  return unused;
}

int main(void) {
  pthread_t consumer;
  if (pthread_create(&consumer, NULL, consume, NULL) != 0) return 1;
  for (long i = 0; i < blocks; ++i) {
    while (i - atomic_load_explicit(&consumed, memory_order_acquire) >= queue_slots) sched_yield();
    void* block = malloc(block_bytes);
    touch(block, block_bytes);
    queue[i % queue_slots] = block;
    atomic_store_explicit(&produced, i + 1, memory_order_release);
  }
  return pthread_join(consumer, NULL);
}
