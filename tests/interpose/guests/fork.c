// fork, _Fork, vfork and posix_spawn, from programs whose other threads allocate, hold streams, or are in a handler.
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

static void wait_for(pid_t child) {
  int status = -1;
  pid_t done;
  do done = waitpid(child, &status, 0);
  while (done < 0 && errno == EINTR);
  EXPECT(done == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static pthread_t start(void* (*body)(void*), void* argument) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, body, argument) == 0);
  return thread;
}

static int stop_flag;
static int stopping(void) { return __atomic_load_n(&stop_flag, __ATOMIC_RELAXED); }
static void stop(void) { __atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED); }

static void* use_heap(void* argument) {
  uint64_t state = (uintptr_t)argument + 1;
  void* blocks[200] = {NULL};
  size_t sizes[200] = {0};
  for (int i = 0; i < 4000; ++i) {
    const size_t at = next_random(&state) % 200;
    if (blocks[at] != NULL) EXPECT(all_bytes_are(blocks[at], (unsigned char)at, sizes[at]));
    free(blocks[at]);
    sizes[at] = next_random(&state) % (i % 100 == 0 ? 400000 : 2000);
    blocks[at] = i % 2 == 0 ? malloc(sizes[at]) : calloc(1, sizes[at]);
    EXPECT(blocks[at] != NULL);
    memset(blocks[at], (int)at, sizes[at]);
  }
  for (size_t at = 0; at < 200; ++at) free(blocks[at]);
  return NULL;
}

static void use_heap_with_threads(void) {
  use_heap(NULL);
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) threads[i] = start(use_heap, (void*)(intptr_t)(i + 1));
  for (int i = 0; i < 2; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
}

// --- other threads allocate

enum { shared_count = 4000 };
static void* shared_blocks[4][shared_count];

static void* allocate_at_full_speed(void* argument) {
  void** mine = shared_blocks[(intptr_t)argument];
  uint64_t state = (uintptr_t)argument + 7;
  while (!stopping()) {
    const size_t at = next_random(&state) % shared_count;
    void* old = __atomic_exchange_n(&mine[at], NULL, __ATOMIC_ACQ_REL);
    free(old);
    const size_t bytes = at % 500 == 0 ? 300000 : 16 + at % 1500;
    void* block = malloc(bytes);
    EXPECT(block != NULL);
    memset(block, (int)(at & 0xff), bytes < 1500 ? bytes : 1500);
    // A thief may have put another there meanwhile.
    free(__atomic_exchange_n(&mine[at], block, __ATOMIC_ACQ_REL));
    if (at % 16 == 0) {
      void* stolen = __atomic_exchange_n(&shared_blocks[((intptr_t)argument + 1) % 4][at], NULL, __ATOMIC_ACQ_REL);
      free(stolen);
    }
  }
  return NULL;
}

// The child owns what its parent's threads allocated, although those threads are not in it.
static void free_all_shared(void) {
  for (int owner = 0; owner < 4; ++owner)
    for (size_t at = 0; at < shared_count; ++at) {
      void* block = shared_blocks[owner][at];
      if (block == NULL) continue;
      EXPECT(all_bytes_are(block, (unsigned char)at, 16));
      free(block);
      shared_blocks[owner][at] = NULL;
    }
}

CASE(the_child_of_an_allocating_program_uses_the_heap) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) threads[i] = start(allocate_at_full_speed, (void*)(intptr_t)i);
  usleep(5000);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      alarm(60);
      if (round % 2 == 0) free_all_shared();
      use_heap_with_threads();
      if (round % 2 == 1) free_all_shared();
      if (round % 8 == 0) exit(0);
      _exit(0);
    }
    wait_for(child);
    free(malloc(100));
  }
  stop();
  for (int i = 0; i < 4; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
  free_all_shared();
}

static void* fork_from_here(void* argument) {
  for (int round = 0; round < 20; ++round) {
    void* block = malloc(1000);
    memset(block, 0x19, 1000);
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      alarm(60);
      EXPECT(all_bytes_are(block, 0x19, 1000));
      free(block);
      use_heap_with_threads();
      _exit(0);
    }
    wait_for(child);
    free(block);
  }
  return argument;
}

CASE(several_threads_fork_at_once) {
  pthread_t threads[3];
  threads[0] = start(allocate_at_full_speed, NULL);
  for (int i = 1; i < 3; ++i) threads[i] = start(fork_from_here, NULL);
  for (int i = 1; i < 3; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
  stop();
  EXPECT(pthread_join(threads[0], NULL) == 0);
}

CASE(what_the_child_frees_of_its_parents_threads_is_used_again) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) threads[i] = start(allocate_at_full_speed, (void*)(intptr_t)i);
  usleep(50000);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(60);
    free_all_shared();
    const size_t before = resident_bytes();
    for (int round = 0; round < 20; ++round) {
      for (size_t at = 0; at < shared_count; ++at) shared_blocks[0][at] = calloc(1, 16 + at % 1500);
      for (size_t at = 0; at < shared_count; ++at) free(shared_blocks[0][at]);
    }
    EXPECT_AT_MOST(resident_bytes(), before + 16 * MIB);
    _exit(0);
  }
  wait_for(child);
  stop();
  for (int i = 0; i < 4; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
}

CASE(children_of_children_use_the_heap) {
  void* block = malloc(5000);
  memset(block, 0x23, 5000);
  for (int depth = 0; depth < 12; ++depth) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child != 0) {
      wait_for(child);
      EXPECT(all_bytes_are(block, 0x23, 5000));
      free(block);
      _exit(0);
    }
    EXPECT(all_bytes_are(block, 0x23, 5000));
    use_heap_with_threads();
  }
}

CASE(parent_and_child_do_not_share_the_heap) {
  enum { count = 2000 };
  static unsigned char* blocks[count];
  for (int i = 0; i < count; ++i) {
    EXPECT((blocks[i] = malloc(300)) != NULL);
    memset(blocks[i], 1, 300);
  }
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    for (int i = 0; i < count; ++i) {
      EXPECT(all_bytes_are(blocks[i], 1, 300));
      memset(blocks[i], 2, 300);
      if (i % 2 == 0) free(blocks[i]);
    }
    use_heap(NULL);
    for (int i = 1; i < count; i += 2) EXPECT(all_bytes_are(blocks[i], 2, 300));
    _exit(0);
  }
  wait_for(child);
  use_heap(NULL);
  for (int i = 0; i < count; ++i) {
    EXPECT(all_bytes_are(blocks[i], 1, 300));
    free(blocks[i]);
  }
}

// --- other threads hold streams

// Takes the list of streams, a stream's lock, and memory, in this order; fork takes the list after the handlers ran.
static void* open_and_close_streams(void* argument) {
  while (!stopping()) {
    FILE* stream = fopen("/dev/null", "w");
    EXPECT(stream != NULL);
    fprintf(stream, "%d", 1);
    flockfile(stream);
    for (int i = 0; i < 20; ++i) {
      void* block = malloc((size_t)i * 1000);
      EXPECT(block != NULL);
      free(block);
    }
    funlockfile(stream);
    fclose(stream);
  }
  return argument;
}

static void* write_into_memory_streams(void* argument) {
  while (!stopping()) {
    char* text = NULL;
    size_t bytes = 0;
    FILE* stream = open_memstream(&text, &bytes);
    EXPECT(stream != NULL);
    for (int i = 0; i < 200; ++i) fprintf(stream, "%0100d", i);
    EXPECT(fclose(stream) == 0 && bytes == 20000);
    free(text);
  }
  return argument;
}

static void* flush_everything(void* argument) {
  while (!stopping()) {
    fflush(NULL);  // Each stream's lock under the lock of the list.
    free(malloc(100));
  }
  return argument;
}

CASE(fork_does_not_deadlock_with_threads_that_hold_streams) {
  pthread_t threads[4];
  threads[0] = start(open_and_close_streams, NULL);
  threads[1] = start(write_into_memory_streams, NULL);
  threads[2] = start(flush_everything, NULL);
  threads[3] = start(allocate_at_full_speed, NULL);
  for (int round = 0; round < 150; ++round) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      alarm(60);
      char* text = NULL;
      size_t bytes = 0;
      FILE* stream = open_memstream(&text, &bytes);
      EXPECT(stream != NULL);
      fprintf(stream, "%01000d", round);
      EXPECT(fclose(stream) == 0 && bytes == 1000);
      free(text);
      FILE* other = fopen("/dev/null", "w");
      EXPECT(other != NULL);
      fclose(other);
      _exit(0);
    }
    wait_for(child);
  }
  stop();
  for (int i = 0; i < 4; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
}

// --- handlers of fork

static void* prepared;
static int prepare_calls, parent_calls, child_calls;

static void prepare(void) {
  ++prepare_calls;
  free(prepared);
  prepared = malloc(3000);
  memset(prepared, 0x66, 3000);
  free(calloc(1, 2 * MIB));
}
static void in_parent(void) {
  ++parent_calls;
  EXPECT(all_bytes_are(prepared, 0x66, 3000));
  prepared = realloc(prepared, 100000);
}
static void in_child(void) {
  ++child_calls;
  EXPECT(all_bytes_are(prepared, 0x66, 3000));
  free(prepared);
  prepared = malloc(5000);
  memset(prepared, 0x66, 5000);
  use_heap(NULL);
}

CASE(handlers_of_fork_use_the_heap) {
  EXPECT(pthread_atfork(prepare, in_parent, in_child) == 0);
  use_heap(NULL);
  for (int i = 0; i < 60; ++i) EXPECT(pthread_atfork(prepare, in_parent, in_child) == 0);
  pthread_t thread = start(allocate_at_full_speed, NULL);
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      EXPECT(child_calls == 61);
      use_heap_with_threads();
      _exit(0);
    }
    wait_for(child);
  }
  EXPECT(prepare_calls == 610 && parent_calls == 610);
  stop();
  EXPECT(pthread_join(thread, NULL) == 0);
}
