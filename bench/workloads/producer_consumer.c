// What does a block cost that one thread allocates and another frees?
#include <sched.h>
#include <stdatomic.h>

#include "work.h"

// Blocks change hands in batches: the question is the allocator's, not the queue's.
enum { blocks_full = 6 * 1000 * 1000, batch_blocks = 64, batches = 512 };

typedef struct {
  void* blocks[batches][batch_blocks];
  _Alignas(64) atomic_long produced;  // batches; the release pairs with the consumer's acquire
  _Alignas(64) atomic_long consumed;
} Ring;

static Arguments arguments;
static Ring rings[threads_max / 2];

static void produce(Ring* ring, Random* random, long batch) {
  while (batch - atomic_load_explicit(&ring->consumed, memory_order_acquire) >= batches) sched_yield();
  for (int i = 0; i < batch_blocks; ++i) ring->blocks[batch % batches][i] = allocate_sealed(next_size(random, 5, 10));
  atomic_store_explicit(&ring->produced, batch + 1, memory_order_release);
}

static void consume(Ring* ring, long batch) {
  while (atomic_load_explicit(&ring->produced, memory_order_acquire) <= batch) sched_yield();
  for (int i = 0; i < batch_blocks; ++i) free_sealed(ring->blocks[batch % batches][i]);
  atomic_store_explicit(&ring->consumed, batch + 1, memory_order_release);
}

// Threads 0 and 1 are a pair, 2 and 3, and so on; a thread without a partner fills its ring and empties it.
static void work(int index) {
  const int pairs = (arguments.threads + 1) / 2;
  Ring* ring = &rings[index / 2];
  Random random = random_of((uint64_t)index);
  const long rounds = scaled(&arguments, blocks_full / batch_blocks) / pairs + 1;
  const int alone = index == arguments.threads - 1 && index % 2 == 0;
  if (alone) {
    for (long batch = 0; batch < rounds; ++batch) {
      produce(ring, &random, batch);
      if (batch % batches == batches - 1 || batch == rounds - 1) {
        for (long full = batch - batch % batches; full <= batch; ++full) consume(ring, full);
      }
    }
  } else if (index % 2 == 0) {
    for (long batch = 0; batch < rounds; ++batch) produce(ring, &random, batch);
  } else {
    for (long batch = 0; batch < rounds; ++batch) consume(ring, batch);
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
