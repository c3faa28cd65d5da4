// What do blocks cost that wait in a queue, so that the oldest is freed first?
#include "work.h"

enum { steps_full = 11 * 1000 * 1000, live_blocks = 100 * 1000 };

typedef struct Item {
  size_t seal;
  struct Item* next;
} Item;

static Arguments arguments;

static void work(int index) {
  Random random = random_of((uint64_t)index);
  const long steps = scaled_share(&arguments, steps_full);
  Item* first = allocate_sealed(sizeof(Item) + 8);
  Item* last = first;
  for (long i = 0; i < steps; ++i) {
    Item* item = allocate_sealed(next_size(&random, 5, 8));
    last->next = item;
    last = item;
    if (i >= live_blocks / arguments.threads) {
      Item* next = first->next;
      free_sealed(first);
      first = next;
    }
  }
  last->next = NULL;
  long left = 0;
  for (Item* next = NULL; first != NULL; first = next, ++left) {
    next = first->next;
    free_sealed(first);
  }
  const long live = live_blocks / arguments.threads;
  check(left == (steps < live ? steps : live) + 1, "the queue lost blocks");
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
