// Threads that come and go, that have little stack, that only free, and that outlive the first thread.
#include "expect.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static pthread_t start(void* (*body)(void*), void* argument, size_t stack_bytes) {
  pthread_attr_t attributes;
  pthread_t thread;
  EXPECT(pthread_attr_init(&attributes) == 0);
  const size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);  // 128 KiB on arm64
  EXPECT(pthread_attr_setstacksize(&attributes, stack_bytes < least ? least : stack_bytes) == 0);
  EXPECT(pthread_create(&thread, &attributes, body, argument) == 0);
  pthread_attr_destroy(&attributes);
  return thread;
}

static void* join(pthread_t thread) {
  void* result = NULL;
  EXPECT(pthread_join(thread, &result) == 0);
  return result;
}

// --- small stacks

static void* use_everything(void* argument) {
  (void)argument;
  for (int round = 0; round < 3; ++round)
    for (size_t bytes = 1; bytes < 8 * MIB; bytes = bytes * 7 + 5) {
      char* block = malloc(bytes);
      char* zeroed = calloc(1, bytes);
      char* aligned = aligned_alloc(4096, bytes);
      EXPECT(block != NULL && zeroed != NULL && aligned != NULL);
      block[bytes - 1] = zeroed[bytes - 1] = aligned[bytes - 1] = 1;
      block = realloc(block, bytes * 2);
      zeroed = realloc(zeroed, bytes / 2 + 1);
      EXPECT(block != NULL && zeroed != NULL && block[bytes - 1] == 1);
      free(aligned);
      free(block);
      free(zeroed);
    }
  return NULL;
}

CASE(a_stack_of_32_kib_is_enough) {
  for (int i = 0; i < 20; ++i) join(start(use_everything, NULL, 32 * KIB));
}

CASE(the_smallest_stack_is_enough) {
  const long smallest = sysconf(_SC_THREAD_STACK_MIN);
  EXPECT(smallest > 0);
  for (int i = 0; i < 5; ++i) join(start(use_everything, NULL, (size_t)smallest + 4 * KIB));
}

static void* call_once(void* which) {
  // What the loader and the C library need of the stack is not measured: main has bound and called all of these.
  void* block = NULL;
  switch ((int)(intptr_t)which) {
    case 0: block = malloc(100); break;
    case 1: block = malloc(100000); break;
    case 2: block = malloc(10 * MIB); break;
    case 3: block = calloc(100, 100); break;
    case 4: block = calloc(1000, 10000); break;
    case 5: block = realloc(malloc(3000000), 6000000); break;
    case 6: block = aligned_alloc(1 << 22, 100); break;
    case 7: free(malloc(20 * MIB)); break;
    default:
      for (int i = 0; i < 5000; ++i) {
        void* next = malloc((size_t)i % 3000);
        EXPECT(next != NULL);
        if (i % 3 == 0) free(next);
      }
  }
  free(block);
  return NULL;
}

CASE_WITH(slow_paths_use_at_most_8_kib_of_stack, bursar_only) {
  enum { kinds = 9 };
  const size_t bytes = 256 * KIB;
  unsigned char* stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(stack != MAP_FAILED);
  size_t used[kinds];
  for (int kind = 0; kind < kinds; ++kind) call_once((void*)(intptr_t)kind);
  for (int kind = 0; kind < kinds; ++kind) {
    memset(stack, 0xcc, bytes);
    pthread_attr_t attributes;
    pthread_t thread;
    EXPECT(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, bytes) == 0);
    EXPECT(pthread_create(&thread, &attributes, call_once, (void*)(intptr_t)kind) == 0);
    join(thread);
    used[kind] = 0;
    while (used[kind] < bytes && stack[used[kind]] == 0xcc) ++used[kind];
    used[kind] = bytes - used[kind];
  }
  // The least malloc stands for what a thread uses anyway.
  for (int kind = 0; kind < kinds; ++kind) {
    EXPECT_AT_MOST(used[kind], used[0] + 8 * KIB);
    EXPECT_AT_MOST(used[kind], 16 * KIB);
  }
}

// --- many threads

static void* allocate_and_free(void* argument) {
  void* blocks[100];
  const size_t seed = (size_t)argument;
  for (size_t i = 0; i < 100; ++i) {
    blocks[i] = malloc(16 + (seed + i) * 37 % 2000);
    EXPECT(blocks[i] != NULL);
    *(char*)blocks[i] = 1;
  }
  for (size_t i = 0; i < 100; ++i) free(blocks[i]);
  return NULL;
}

static void* allocate_a_survivor(void* argument) {
  allocate_and_free(argument);
  size_t* survivor = malloc(64);
  EXPECT(survivor != NULL);
  *survivor = (size_t)argument;
  return survivor;
}

enum { short_threads = 10000, at_once = 4 };

CASE(ten_thousand_threads_leave_nothing_behind) {
  for (size_t i = 0; i < 20; ++i) join(start(allocate_and_free, (void*)i, 64 * KIB));
  const size_t before = resident_bytes();
  const size_t mapped_before = mapped_bytes();
  for (size_t i = 0; i < short_threads; i += at_once) {
    pthread_t threads[at_once];
    for (size_t k = 0; k < at_once; ++k) threads[k] = start(allocate_and_free, (void*)(i + k), 64 * KIB);
    for (size_t k = 0; k < at_once; ++k) join(threads[k]);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 12 * MIB);
  EXPECT_AT_MOST(mapped_bytes(), mapped_before + 512 * MIB);
}

CASE(ten_thousand_threads_leave_their_survivors_only) {
  static size_t* survivors[short_threads];
  for (size_t i = 0; i < 20; ++i) free(join(start(allocate_a_survivor, (void*)i, 64 * KIB)));
  const size_t before = resident_bytes();
  for (size_t i = 0; i < short_threads; i += at_once) {
    pthread_t threads[at_once];
    for (size_t k = 0; k < at_once; ++k) threads[k] = start(allocate_a_survivor, (void*)(i + k), 64 * KIB);
    for (size_t k = 0; k < at_once; ++k) survivors[i + k] = join(threads[k]);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 24 * MIB);
  for (size_t i = 0; i < short_threads; ++i) {
    EXPECT(*survivors[i] == i);
    free(survivors[i]);
  }
  for (size_t i = 0; i < 20; ++i) free(join(start(allocate_a_survivor, (void*)i, 64 * KIB)));
  EXPECT_AT_MOST(resident_bytes(), before + 24 * MIB);
}

// --- threads that only free

struct gate {
  sem_t ready, leave;
  void* block;
};

static void* free_one_and_stay(void* argument) {
  struct gate* gate = argument;
  free(gate->block);
  sem_post(&gate->ready);
  while (sem_wait(&gate->leave) != 0) {
  }
  return NULL;
}

// Resident memory that so many idle threads cost which each freed this block of main's.
static size_t cost_of_idle_threads(int count, int with_block) {
  enum { most = 300 };
  static struct gate gates[most];
  static pthread_t threads[most];
  const size_t before = resident_bytes();
  for (int i = 0; i < count; ++i) {
    gates[i].block = with_block ? malloc(100) : NULL;
    sem_init(&gates[i].ready, 0, 0);
    sem_init(&gates[i].leave, 0, 0);
    threads[i] = start(free_one_and_stay, &gates[i], 64 * KIB);
    while (sem_wait(&gates[i].ready) != 0) {
    }
  }
  const size_t after = resident_bytes();
  for (int i = 0; i < count; ++i) sem_post(&gates[i].leave);
  for (int i = 0; i < count; ++i) join(threads[i]);
  return after > before ? after - before : 0;
}

CASE(threads_that_only_free_have_no_heap) {
  void* warm[300];
  for (int i = 0; i < 300; ++i) warm[i] = malloc(100);
  for (int i = 0; i < 300; ++i) free(warm[i]);
  cost_of_idle_threads(300, 1);
  const size_t without = cost_of_idle_threads(300, 0);
  const size_t with = cost_of_idle_threads(300, 1);
  EXPECT_AT_MOST(with, without + 300 * 4 * KIB);
}

struct batch {
  void** blocks;
  int count;
};

static void* free_batch(void* argument) {
  struct batch* batch = argument;
  for (int i = 0; i < batch->count; ++i) free(batch->blocks[i]);
  return NULL;
}

CASE(what_others_free_is_used_again) {
  enum { count = 40000 };
  static void* blocks[count];
  struct batch batch = {blocks, count};
  size_t peak = 0;
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < count; ++i) {
      EXPECT((blocks[i] = malloc(100 + (size_t)(i % 7) * 50)) != NULL);
      memset(blocks[i], 1, 100);
    }
    if (round == 2) peak = resident_bytes();
    join(start(free_batch, &batch, 64 * KIB));
  }
  EXPECT_AT_MOST(resident_bytes(), peak + peak / 2 + 8 * MIB);
}

// --- owners that sleep

enum { owners = 10, owned = 65536 };  // 16 MiB each, in blocks of 256 bytes

struct owner {
  sem_t full, leave;
  void* blocks[owned];
};

static void* own_and_sleep(void* argument) {
  struct owner* owner = argument;
  for (int i = 0; i < owned; ++i) {
    owner->blocks[i] = malloc(256);
    EXPECT(owner->blocks[i] != NULL);
    memset(owner->blocks[i], 1, 256);
  }
  sem_post(&owner->full);
  while (sem_wait(&owner->leave) != 0) {
  }
  return NULL;
}

CASE(memory_of_sleeping_owners_stays_bounded) {
  static struct owner all[owners];
  pthread_t threads[owners];
  const size_t before = resident_bytes();
  for (int round = 0; round < owners; ++round) {
    sem_init(&all[round].full, 0, 0);
    sem_init(&all[round].leave, 0, 0);
    threads[round] = start(own_and_sleep, &all[round], 64 * KIB);
    while (sem_wait(&all[round].full) != 0) {
    }
    for (int i = 0; i < owned; ++i) free(all[round].blocks[i]);
  }
  // Each owner held 16 MiB at its peak, and none of them has moved since. The tables above are another 5 MiB.
  EXPECT_AT_MOST(resident_bytes(), before + 5 * MIB + 3 * 16 * MIB);
  for (int round = 0; round < owners; ++round) sem_post(&all[round].leave);
  for (int round = 0; round < owners; ++round) join(threads[round]);
}

// --- identities

static void* pass_on(void* argument) {
  size_t* previous = argument;
  size_t* mine = malloc(200);
  EXPECT(mine != NULL);
  *mine = *previous + 1;
  free(previous);
  // Most of these threads have the stack, and so the identity, of the one that is gone.
  for (int i = 0; i < 50; ++i) free(malloc(200));
  return mine;
}

CASE(a_reused_thread_identity_is_another_thread) {
  size_t* token = calloc(1, 200);
  for (size_t i = 0; i < 3000; ++i) token = join(start(pass_on, token, 64 * KIB));
  EXPECT(*token == 3000);
  free(token);
}

static void* free_and_exit(void* argument) {
  struct batch* batch = argument;
  usleep(20000);  // The first thread is gone by then; the case also holds if it is not.
  for (int i = 0; i < batch->count; ++i) {
    EXPECT(all_bytes_are(batch->blocks[i], 0x5e, 500));
    free(batch->blocks[i]);
  }
  for (int i = 0; i < 1000; ++i) EXPECT((batch->blocks[i] = calloc(1, 3000)) != NULL);
  for (int i = 0; i < 1000; ++i) free(batch->blocks[i]);
  exit(0);
}

CASE(the_first_thread_may_exit) {
  enum { count = 5000 };
  static void* blocks[count];
  static struct batch batch = {blocks, count};
  for (int i = 0; i < count; ++i) {
    EXPECT((blocks[i] = malloc(500)) != NULL);
    memset(blocks[i], 0x5e, 500);
  }
  start(free_and_exit, &batch, 64 * KIB);
  pthread_exit(NULL);
}

static void* run_again(void* argument) {
  (void)argument;
  for (int i = 0; i < 1000; ++i) EXPECT(malloc((size_t)i) != NULL);
  guest_again();
}

static void* allocate_forever(void* argument) {
  (void)argument;
  for (size_t i = 0;; ++i) {
    void* blocks[8];
    for (size_t k = 0; k < 8; ++k) blocks[k] = malloc((i * 8 + k) % 5000);
    for (size_t k = 0; k < 8; ++k) free(blocks[k]);
    if (i % 1024 == 0) free(malloc(2 * MIB));
  }
  return NULL;
}

CASE(a_thread_may_exec_while_others_allocate) {
  if (guest_is_again()) {
    use_everything(NULL);
    return;
  }
  start(allocate_forever, NULL, 64 * KIB);
  start(allocate_forever, NULL, 64 * KIB);
  join(start(run_again, NULL, 64 * KIB));
}

CASE(the_program_may_exit_while_others_allocate) {
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      start(allocate_forever, NULL, 64 * KIB);
      start(allocate_forever, NULL, 64 * KIB);
      usleep(2000);
      exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
}

// --- cancellation

static sem_t cancelled;

static void* allocate_after_cancel(void* argument) {
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
  while (sem_trywait(&cancelled) != 0) {
  }
  for (size_t i = 0; i < 2000; ++i) {
    void* small = malloc(i);
    void* large = malloc(i * 2000);
    large = realloc(large, i * 4000 + 1);
    EXPECT(small != NULL && large != NULL);
    free(calloc(i, 100));
    free(small);
    free(large);
  }
  *(int*)argument = 1;
  pthread_testcancel();
  *(int*)argument = 2;
  return NULL;
}

CASE(no_function_of_the_heap_is_a_cancellation_point) {
  int reached = 0;
  sem_init(&cancelled, 0, 0);
  pthread_t thread = start(allocate_after_cancel, &reached, 64 * KIB);
  EXPECT(pthread_cancel(thread) == 0);
  sem_post(&cancelled);
  EXPECT(join(thread) == PTHREAD_CANCELED);
  EXPECT(reached == 1);
}

CASE(a_program_without_threads_stays_without) {
  use_everything(NULL);
  EXPECT(task_count() == 1);
  join(start(use_everything, NULL, 64 * KIB));
  EXPECT(task_count() == 1);
}
