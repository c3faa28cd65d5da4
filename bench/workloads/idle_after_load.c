// How much of its memory does a program give back after a load, while it hardly does anything or nothing at all?
//
//   calling    every thread allocates and frees one small block every 50 ms
//   silent     nothing is called after the load
// Reports how many percent of what the load added are gone one and two seconds after its end.
#include "work.h"

enum {
  load_mib_full = 1024,
  load_mib_min = 256,
  smoke_percent_max = 10,  // a smoke test neither loads nor idles as long
  idle_ms = 1000,
  smoke_idle_ms = 50,
  calls_every_ms = 50
};

static Arguments arguments;
static pthread_barrier_t loaded;    // every block is there
static pthread_barrier_t measured;  // the first thread knows how much that is
static pthread_barrier_t freed;     // the idle time begins
static size_t load_bytes;           // of each thread
static long idle_each_ms;
static size_t bytes_before;

typedef struct Item {
  size_t seal;
  struct Item* below;
} Item;

// Three quarters of the bytes are in blocks of less than a page.
static size_t next_bytes(Random* random) {
  return next_below(random, 2000) == 0 ? next_size_even(random, 15, 21) : next_size(random, 5, 14);
}

static Item* load(int index) {
  Random random = random_of((uint64_t)index);
  Item* top = NULL;
  for (size_t bytes = 0; bytes < load_bytes;) {
    const size_t block_bytes = next_bytes(&random);
    Item* item = malloc(block_bytes);
    check(item != NULL, "no memory");
    touch_pages(item, block_bytes);
    seal(item, block_bytes);
    item->below = top;
    top = item;
    bytes += block_bytes;
  }
  return top;
}

// First two blocks of three, then what is left: no program frees in the order of its allocations alone.
static void unload(Item* top) {
  for (Item* item = top; item != NULL && item->below != NULL;) {
    Item* kept = item;
    for (int i = 0; i < 2 && kept->below != NULL; ++i) {
      Item* below = kept->below;
      kept->below = below->below;
      free_sealed(below);
    }
    item = kept->below;
  }
  while (top != NULL) {
    Item* below = top->below;
    free_sealed(top);
    top = below;
  }
}

static void idle(void) {
  for (long passed_ms = 0; passed_ms < idle_each_ms; passed_ms += calls_every_ms) {
    sleep_ms(calls_every_ms);
    if (!is_variant(&arguments, "silent")) free_sealed(allocate_sealed(48));
  }
}

static double returned_percent(size_t bytes_loaded) {
  const double added = (double)bytes_loaded - (double)bytes_before;
  return added > 0 ? 100 * ((double)bytes_loaded - (double)resident_bytes()) / added : 0;
}

static void work(int index) {
  Item* top = load(index);
  pthread_barrier_wait(&loaded);
  const size_t bytes_loaded = resident_bytes();
  pthread_barrier_wait(&measured);
  unload(top);
  pthread_barrier_wait(&freed);
  // Said at the end: printf allocates.
  double returned[2];
  for (int i = 0; i < 2; ++i) {
    idle();
    if (index == 0) returned[i] = returned_percent(bytes_loaded);
  }
  if (index != 0) return;
  report_metric("returned_after_1s", returned[0], "%");
  report_metric("returned_after_2s", returned[1], "%");
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  const int smoke = arguments.percent <= smoke_percent_max;
  const long load_mib = scaled(&arguments, load_mib_full);
  load_bytes =
      (size_t)(load_mib < load_mib_min && !smoke ? load_mib_min : load_mib) * bytes_per_mib / (size_t)arguments.threads;
  idle_each_ms = smoke ? smoke_idle_ms : idle_ms;
  pthread_barrier_init(&loaded, NULL, (unsigned)arguments.threads);
  pthread_barrier_init(&measured, NULL, (unsigned)arguments.threads);
  pthread_barrier_init(&freed, NULL, (unsigned)arguments.threads);
  bytes_before = resident_bytes();
  run_threads(arguments.threads, work);
  return 0;
}
