// What do blocks cost when every thread frees what all the others allocated?
#include <stdatomic.h>

#include "work.h"

enum { exchanges_full = 10 * 1000 * 1000, mailboxes = 1 << 16 };

static Arguments arguments;
static _Atomic(void*) mailbox[mailboxes];

static void work(int index) {
  Random random = random_of((uint64_t)index);
  const long exchanges = scaled_share(&arguments, exchanges_full);
  for (long i = 0; i < exchanges; ++i) {
    void* block = allocate_sealed(next_size(&random, 4, 10));
    // Release and acquire: what is taken out was sealed by whoever put it in.
    free_sealed(atomic_exchange_explicit(&mailbox[next_below(&random, mailboxes)], block, memory_order_acq_rel));
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  for (int i = 0; i < mailboxes; ++i) free_sealed(atomic_load_explicit(&mailbox[i], memory_order_acquire));
  return 0;
}
