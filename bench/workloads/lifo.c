// What do blocks cost that are pushed onto a stack and popped from it?
#include "work.h"

enum { rounds_full = 110, blocks_each_round = 100 * 1000 };

typedef struct Item {
  size_t seal;
  struct Item* below;
} Item;

static Arguments arguments;

static void work(int index) {
  Random random = random_of((uint64_t)index);
  const long rounds = scaled_share(&arguments, rounds_full);
  for (long round = 0; round < rounds; ++round) {
    Item* top = NULL;
    for (int i = 0; i < blocks_each_round / arguments.threads; ++i) {
      Item* item = allocate_sealed(next_size(&random, 5, 8));
      item->below = top;
      top = item;
      // A stack also shrinks while it grows.
      if (next_below(&random, 4) == 0) {
        top = item->below;
        free_sealed(item);
      }
    }
    while (top != NULL) {
      Item* item = top;
      top = item->below;
      free_sealed(item);
    }
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
