// Works at random until it is killed, and tells in a file of its own what it has done: counted FILE SEED THREADS KINDS. After each call it
// adds to THREADS rows of KINDS_MAX entries, so that whoever reads the file knows what the account must have, but for the call under way.
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bursar/bursar.h"

#define THREADS_MAX 16
#define KINDS_MAX 8  // 0: outside of all tasks
#define KEPT 256
#define SHARED 64
#define DEPTH_MAX 4

#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "counted.c:%d: %s\n", line, fact);
  _exit(99);
}

struct Told {
  uint64_t allocations;
  uint64_t frees;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;
};
static struct Told (*told)[KINDS_MAX];

/// Blocks say at their beginning of which kind they are.
struct Block {
  uint64_t kind;
};
static struct Block* shared[SHARED];

struct Worker {
  uint64_t random;
  struct Told* told;
  struct Block* kept[KEPT];
  bursar_task* tasks[DEPTH_MAX];
  uint64_t kinds[DEPTH_MAX + 1];
  int depth;
};
static struct Worker workers[THREADS_MAX];
static int kinds;

static uint64_t below(struct Worker* worker, uint64_t bound) {
  worker->random ^= worker->random << 13;
  worker->random ^= worker->random >> 7;
  worker->random ^= worker->random << 17;
  return worker->random % bound;
}

static void tell(uint64_t* figure, uint64_t more) { __atomic_store_n(figure, *figure + more, __ATOMIC_RELEASE); }

static size_t some_bytes(struct Worker* worker) {
  if (below(worker, 1000) == 0) return 100000 + below(worker, 200000);
  if (below(worker, 50) == 0) return 1100 + below(worker, 30000);
  return sizeof(struct Block) + below(worker, 900);
}

static struct Block* allocate(struct Worker* worker) {
  const size_t bytes = some_bytes(worker);
  struct Block* block = below(worker, 8) == 0 ? calloc(1, bytes) : malloc(bytes);
  REQUIRE(block != NULL);
  block->kind = worker->kinds[worker->depth];
  struct Told* row = &worker->told[block->kind];
  tell(&row->allocated_bytes, malloc_usable_size(block));
  tell(&row->allocations, 1);
  return block;
}

static void deallocate(struct Worker* worker, struct Block* block) {
  if (block == NULL) return;
  struct Told* row = &worker->told[block->kind];
  const size_t bytes = malloc_usable_size(block);
  free(block);
  tell(&row->freed_bytes, bytes);
  tell(&row->frees, 1);
}

static void begin(struct Worker* worker) {
  if (worker->depth == DEPTH_MAX) return;
  char name[16];
  const uint64_t kind = 1 + below(worker, (uint64_t)kinds);
  snprintf(name, sizeof(name), "kind %d", (int)kind);
  worker->tasks[worker->depth] = bursar_task_begin(name, BURSAR_TASK_DEFAULT);
  REQUIRE(worker->tasks[worker->depth] != NULL);
  worker->kinds[++worker->depth] = kind;
}

static void end(struct Worker* worker) {
  if (worker->depth != 0) bursar_task_end(worker->tasks[--worker->depth]);
}

static void* work(void* argument) {
  struct Worker* worker = argument;
  for (;;) {
    const uint64_t what = below(worker, 64);
    struct Block** kept = &worker->kept[below(worker, KEPT)];
    if (kinds != 0 && what == 0) {
      begin(worker);
    } else if (kinds != 0 && what == 1) {
      end(worker);
    } else if (what < 8) {
      *kept = __atomic_exchange_n(&shared[below(worker, SHARED)], *kept, __ATOMIC_ACQ_REL);
    } else if (*kept == NULL) {
      *kept = allocate(worker);
    } else {
      struct Block* block = *kept;
      *kept = NULL;
      deallocate(worker, block);
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  REQUIRE(argc == 5);
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  const int threads = atoi(argv[3]);
  kinds = atoi(argv[4]);
  REQUIRE(threads <= THREADS_MAX && kinds < KINDS_MAX);
  const int file = open(argv[1], O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  told = mmap(NULL, THREADS_MAX * sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  REQUIRE(told != MAP_FAILED);
  for (int i = 0; i < threads; ++i) {
    workers[i].random = (seed + 1) * 0x9e3779b97f4a7c15 + (uint64_t)i * 0xbf58476d1ce4e5b9 + 1;
    workers[i].told = told[i];
    pthread_t thread;
    if (i != 0) REQUIRE(pthread_create(&thread, NULL, work, &workers[i]) == 0);
  }
  work(&workers[0]);
  return 0;
}
