// Everything at random, many threads at a time: stressed SEED THREADS STEPS FORKS. Blocks of all sizes by all calls, freed by whoever comes; tasks begun,
// ended, left and taken up by others; threads that end, and children that do the same alone.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"

#define KEPT 200
#define SHARED 128
#define SUSPENDED 16
#define DEPTH_MAX 5
#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "stressed.c:%d: %s (errno %d)\n", line, fact, errno);
  _exit(99);
}

struct Worker {
  uint64_t random;
  int steps;
  void* kept[KEPT];
  bursar_task* tasks[DEPTH_MAX];
  int depth;
};

static void* shared[SHARED];
static bursar_task* suspended[SUSPENDED];
static int forks_left;
static int threads;
static int steps;

static uint64_t next(uint64_t* random) {
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return *random;
}

static uint64_t below(struct Worker* worker, uint64_t bound) { return next(&worker->random) % bound; }

static size_t some_bytes(struct Worker* worker) {
  switch (below(worker, 100)) {
    case 0: return below(worker, 3) == 0 ? 4000000 + below(worker, 3000000) : 40000 + below(worker, 500000);
    case 1:
    case 2: return 1025 + below(worker, 31000);
    default: return below(worker, 1025);
  }
}

static void* made(struct Worker* worker) {
  const size_t bytes = some_bytes(worker);
  void* block = NULL;
  switch (below(worker, 8)) {
    case 0: block = calloc(1, bytes); break;
    case 1: block = aligned_alloc((size_t)16 << below(worker, 10), bytes); break;
    case 2: REQUIRE(posix_memalign(&block, (size_t)8 << below(worker, 8), bytes) == 0); break;
    case 3: block = realloc(NULL, bytes); break;
    default: block = malloc(bytes);
  }
  REQUIRE(block != NULL);
  if (bytes != 0) *(char*)block = 1;
  return block;
}

static void resize(struct Worker* worker, void** kept) {
  const size_t bytes = 1 + some_bytes(worker);
  *kept = realloc(*kept, bytes);
  REQUIRE(*kept != NULL);
}

static void begin(struct Worker* worker) {
  if (worker->depth == DEPTH_MAX) return;
  char name[24];
  snprintf(name, sizeof(name), "kind %d", (int)below(worker, below(worker, 50) == 0 ? 2000 : 8));
  bursar_task* task = bursar_task_begin(name, below(worker, 8) == 0 ? BURSAR_TASK_ARENA : BURSAR_TASK_DEFAULT);
  if (task == NULL) return;
  if (below(worker, 3) == 0) bursar_task_label(task, name);
  if (below(worker, 10) == 0) (void)bursar_task_set_budget(task, 1U << 30);
  worker->tasks[worker->depth++] = task;
}

/// Nested tasks end with the one that they are in.
static void end(struct Worker* worker) {
  if (worker->depth == 0) return;
  worker->depth = (int)below(worker, (uint64_t)worker->depth);
  bursar_task_end(worker->tasks[worker->depth]);
}

/// Works for a moment in a task that another thread left, or leaves one for others.
static void hand_over(struct Worker* worker) {
  bursar_task** place = &suspended[below(worker, SUSPENDED)];
  bursar_task* taken = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
  bursar_task* own = bursar_task_switch(taken);
  if (taken == NULL) taken = bursar_task_begin("handed over", BURSAR_TASK_DEFAULT);
  for (int i = 0; i < 20; ++i) {
    void** kept = &worker->kept[below(worker, KEPT)];
    free(*kept);
    *kept = made(worker);
  }
  bursar_task_switch(own);
  if (below(worker, 4) != 0) taken = __atomic_exchange_n(place, taken, __ATOMIC_ACQ_REL);
  if (taken != NULL) bursar_task_end(taken);
}

static void work(struct Worker* worker);

static void have_a_child(struct Worker* worker) {
  if (__atomic_fetch_sub(&forks_left, 1, __ATOMIC_RELAXED) <= 0) return;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child != 0) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0 || status == SIGKILL);
    return;
  }
  forks_left = below(worker, 4) == 0 ? 1 : 0;
  worker->steps = steps / 10;
  work(worker);
  switch (below(worker, 3)) {
    case 0: exit(0);
    case 1: _exit(0);
    default: raise(SIGKILL);
  }
}

static void step(struct Worker* worker) {
  void** kept = &worker->kept[below(worker, KEPT)];
  const uint64_t what = below(worker, 200);
  if (what < 4) return begin(worker);
  if (what < 7) return end(worker);
  if (what < 9) return hand_over(worker);
  if (what < 25) return resize(worker, kept);
  if (what < 60) {
    *kept = __atomic_exchange_n(&shared[below(worker, SHARED)], *kept, __ATOMIC_ACQ_REL);
    return;
  }
  if (what == 60 && below(worker, 40) == 0) return have_a_child(worker);
  void* former = *kept;
  *kept = former == NULL || below(worker, 4) == 0 ? made(worker) : NULL;
  free(former);
}

static void work(struct Worker* worker) {
  while (worker->steps-- > 0) step(worker);
}

/// Lives of some thousand steps, one after the other; what is kept at the end of one is freed, or left to the others, or lost.
static void* live(void* argument) {
  uint64_t random = (uint64_t)(uintptr_t)argument;
  struct Worker* worker = calloc(1, sizeof(*worker));
  REQUIRE(worker != NULL);
  worker->random = next(&random);
  worker->steps = 1000 + (int)below(worker, 4000);
  if (below(worker, 2) == 0) {
    char name[16];
    snprintf(name, sizeof(name), "worker-%d", (int)below(worker, 100));
    pthread_setname_np(pthread_self(), name);
  }
  work(worker);
  for (int i = 0; i < KEPT; ++i) {
    if (below(worker, 50) != 0) free(worker->kept[i]);
  }
  if (below(worker, 2) == 0) {
    while (worker->depth != 0) end(worker);
  }
  free(worker);
  return NULL;
}

static void* follow_lives(void* argument) {
  uint64_t random = (uint64_t)(uintptr_t)argument;
  for (int done = 0; done < steps; done += 3000) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, live, (void*)(uintptr_t)next(&random)) == 0);
    pthread_join(thread, NULL);
  }
  return NULL;
}

int main(int argc, char** argv) {
  REQUIRE(argc == 5);
  uint64_t random = strtoull(argv[1], NULL, 10) * 2 + 1;
  threads = atoi(argv[2]);
  steps = atoi(argv[3]);
  forks_left = atoi(argv[4]);
  pthread_t* started = calloc((size_t)threads, sizeof(*started));
  for (int i = 0; i < threads; ++i) {
    REQUIRE(pthread_create(&started[i], NULL, follow_lives, (void*)(uintptr_t)(next(&random) | 1)) == 0);
  }
  for (int i = 0; i < threads; ++i) pthread_join(started[i], NULL);
  for (int i = 0; i < SUSPENDED; ++i) bursar_task_end(suspended[i]);
  return 0;
}
