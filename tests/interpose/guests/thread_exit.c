// malloc and free while a thread or the process is going away.
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>

static void use(size_t bytes) {
  char* block = malloc(bytes);
  EXPECT(block != NULL);
  memset(block, 1, bytes);
  block = realloc(block, bytes * 2);
  EXPECT(block != NULL && block[bytes - 1] == 1);
  free(block);
  block = calloc(1, bytes);
  EXPECT(block != NULL && all_bytes_are(block, 0, bytes));
  free(block);
}

static void use_small(void) {
  use(24);
  use(1000);
  use(20000);
}

static void use_some(void) {
  use_small();
  use(2 * MIB);
}

static void run_threads(int count, void* (*body)(void*)) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, body, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
  }
}

// --- keys

enum { keys_max = 100, destructor_rounds = 4 };  // PTHREAD_DESTRUCTOR_ITERATIONS, which some <limits.h> hide
static pthread_key_t keys[keys_max];
static int key_count;
static int destructor_calls;

struct value {
  size_t index;
  int rounds;
  char text[40];
};

static void set_value(size_t index, int rounds) {
  struct value* value = malloc(sizeof *value);
  EXPECT(value != NULL);
  value->index = index;
  value->rounds = rounds;
  memset(value->text, 0x3d, sizeof value->text);
  EXPECT(pthread_setspecific(keys[index], value) == 0);
}

// Runs in each of the rounds that POSIX promises, with a value made in the round before.
static void destroy_and_set_again(void* argument) {
  struct value* value = argument;
  EXPECT(all_bytes_are(value->text, 0x3d, sizeof value->text));
  __atomic_fetch_add(&destructor_calls, 1, __ATOMIC_RELAXED);
  use_small();
  if (value->rounds > 1) set_value(value->index, value->rounds - 1);
  free(value);
}

static void* set_all_keys(void* argument) {
  (void)argument;
  for (int i = 0; i < key_count; ++i) set_value((size_t)i, destructor_rounds);
  return NULL;
}

static void expect_all_rounds(int count, int threads) {
  key_count = count;
  for (int i = 0; i < count; ++i) EXPECT(pthread_key_create(&keys[i], destroy_and_set_again) == 0);
  run_threads(threads, set_all_keys);
  EXPECT(destructor_calls == count * destructor_rounds * threads);
  for (int i = 0; i < count; ++i) EXPECT(pthread_key_delete(keys[i]) == 0);
}

CASE(key_destructors_allocate_in_all_rounds) { expect_all_rounds(5, 20); }

// Beyond 32 keys, pthread_setspecific itself allocates.
CASE(many_key_destructors_allocate_in_all_rounds) { expect_all_rounds(keys_max, 5); }

static void* set_all_keys_before_the_first_malloc(void* argument) {
  for (int i = 0; i < key_count; ++i) EXPECT(pthread_setspecific(keys[i], argument) == 0);
  return NULL;
}

static void allocate_first(void* argument) {
  (void)argument;
  __atomic_fetch_add(&destructor_calls, 1, __ATOMIC_RELAXED);
  use_some();
}

CASE(the_first_malloc_of_a_thread_may_be_in_a_key_destructor) {
  key_count = 3;
  for (int i = 0; i < key_count; ++i) EXPECT(pthread_key_create(&keys[i], allocate_first) == 0);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, set_all_keys_before_the_first_malloc, &key_count) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
  }
  EXPECT(destructor_calls == 60);
}

// What is allocated when the thread's own cleanup has run must not add up.
CASE(blocks_of_late_destructors_leave_nothing_behind) {
  key_count = 2;
  for (int i = 0; i < key_count; ++i) EXPECT(pthread_key_create(&keys[i], destroy_and_set_again) == 0);
  run_threads(100, set_all_keys);
  const size_t before = resident_bytes();
  for (int i = 0; i < 20; ++i) {
    run_threads(100, set_all_keys);
    EXPECT_AT_MOST(resident_bytes(), before + 12 * MIB);
  }
}

// The blocks that a last destructor leaves are freed by another thread.
static void* left_behind[64];
static int left_count;

static void leave_a_block(void* argument) {
  const intptr_t round = (intptr_t)argument;
  char* block = malloc(300);
  EXPECT(block != NULL);
  memset(block, 0x4e, 300);
  left_behind[left_count++] = block;
  if (round < destructor_rounds) EXPECT(pthread_setspecific(keys[0], (void*)(round + 1)) == 0);
}

static void* set_first_key(void* argument) {
  (void)argument;
  free(malloc(300));
  EXPECT(pthread_setspecific(keys[0], (void*)1) == 0);
  return NULL;
}

CASE(blocks_of_late_destructors_outlive_the_thread) {
  EXPECT(pthread_key_create(&keys[0], leave_a_block) == 0);
  run_threads(10, set_first_key);
  EXPECT(left_count == 10 * destructor_rounds);
  for (int i = 0; i < left_count; ++i) {
    EXPECT(all_bytes_are(left_behind[i], 0x4e, 300));
    free(left_behind[i]);
  }
  use_some();
}

static void* leave_alone(void* argument) {
  free(malloc(100));
  sem_post(argument);
  return NULL;
}

CASE(detached_threads_end_while_the_process_goes_on) {
  sem_t done;
  sem_init(&done, 0, 0);
  for (int i = 0; i < 1000; ++i) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 * KIB);
    EXPECT(pthread_create(&thread, &attributes, leave_alone, &done) == 0);
    pthread_attr_destroy(&attributes);
    while (sem_wait(&done) != 0) {
    }
    use(100);
  }
}

// --- the process

static char* freed_at_exit;

static void at_exit_first(void) {
  EXPECT(all_bytes_are(freed_at_exit, 0x2f, 5000));
  free(freed_at_exit);
  use_some();
}

static void at_exit_second(void) { use_some(); }

__attribute__((destructor)) static void after_everything(void) {
  // Runs after the handlers of atexit.
  if (guest_selected != NULL && strncmp(guest_selected, "thread_exit.", 12) == 0) use_some();
}

CASE(exit_handlers_allocate_and_free) {
  freed_at_exit = malloc(5000);
  EXPECT(freed_at_exit != NULL);
  memset(freed_at_exit, 0x2f, 5000);
  EXPECT(atexit(at_exit_first) == 0);
  for (int i = 0; i < 100; ++i) EXPECT(atexit(at_exit_second) == 0);  // Beyond 32, atexit itself allocates.
}

CASE(quick_exit_handlers_allocate_and_free) {
  freed_at_exit = malloc(5000);
  EXPECT(freed_at_exit != NULL);
  memset(freed_at_exit, 0x2f, 5000);
  EXPECT(at_quick_exit(at_exit_first) == 0);
  quick_exit(0);
}

static void* exit_from_here(void* argument) {
  (void)argument;
  use_some();
  exit(0);
}

CASE(another_thread_may_end_the_process) {
  pthread_t thread;
  EXPECT(atexit(at_exit_second) == 0);
  EXPECT(pthread_create(&thread, NULL, exit_from_here, NULL) == 0);
  pthread_join(thread, NULL);
}
