// Does a known amount of work in tasks: known_tasks CASE [NUMBER...]. Blocks have 100 bytes, of which 112 are handed out.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"
#include "known_work.h"

void bursar_loop_enter(void) __attribute__((weak));
void bursar_loop_leave(void) __attribute__((weak));

static int numbers[2];

static void name_thread(const char* pattern, int number) {
  char name[16];
  snprintf(name, sizeof(name), pattern, number);
  pthread_setname_np(pthread_self(), name);
}

// --- NUMBER threads with NUMBER tasks each. Of the five blocks of a task one is freed in it, one by the next task of the thread, one by a task of another
// thread and one outside all tasks; one stays.

#define HANDED_OVER_MAX 64
static void* handed_over[HANDED_OVER_MAX];

static void* shared_work(void* argument) {
  const int index = (int)(intptr_t)argument;
  const char* kind = index % 2 == 0 ? "even" : "odd";
  void* of_former_task = NULL;
  for (int i = 0; i < numbers[1]; ++i) {
    bursar_task* task = bursar_task_begin(kind, BURSAR_TASK_DEFAULT);
    free(block());
    free(of_former_task);
    of_former_task = block();
    free(__atomic_exchange_n(&handed_over[(index + i) % HANDED_OVER_MAX], block(), __ATOMIC_ACQ_REL));
    void* freed_outside = block();
    (void)block();
    bursar_task_end(task);
    free(freed_outside);
  }
  free(of_former_task);
  return NULL;
}

static void run_shared(void) {
  in_threads(numbers[0], shared_work);
  for (int i = 0; i < HANDED_OVER_MAX; ++i) free(handed_over[i]);
}

// --- coroutines: two tasks in turn on one thread, one of them with a task inside

static void run_switch(void) {
  bursar_task* one = bursar_task_begin("one", BURSAR_TASK_DEFAULT);
  REQUIRE(bursar_task_switch(NULL) == one);
  bursar_task* two = bursar_task_begin("two", BURSAR_TASK_DEFAULT);
  bursar_task* inner = bursar_task_begin("two.inner", BURSAR_TASK_DEFAULT);
  REQUIRE(bursar_task_switch(NULL) == inner);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(bursar_task_switch(one) == NULL);
    blocks(1);
    REQUIRE(bursar_task_switch(inner) == one);
    REQUIRE(bursar_task_current() == inner);
    blocks(2);
    REQUIRE(bursar_task_switch(NULL) == inner);
  }
  REQUIRE(bursar_task_switch((bursar_task*)(uintptr_t)12345) == NULL);
  REQUIRE(bursar_task_current() == NULL);
  bursar_task_switch(inner);
  bursar_task_end(inner);
  REQUIRE(bursar_task_current() == two);
  blocks(3);
  bursar_task_end(two);
  REQUIRE(bursar_task_current() == NULL);
  bursar_task_end(one);
}

// --- a pool: the main thread begins tasks within one of its own; its threads work on each in turn, and the last one ends it

#define POOL_TASKS 40
static bursar_task* pooled[POOL_TASKS];
static int steps_left[POOL_TASKS];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

static void* pool_work(void* unused) {
  (void)unused;
  for (int i = 0; i < POOL_TASKS; ++i) {
    bursar_task* former = bursar_task_switch(pooled[i]);
    REQUIRE(former == NULL);
    churn(10);
    pthread_mutex_lock(&pool_lock);
    const int is_last = --steps_left[i] == 0;
    pthread_mutex_unlock(&pool_lock);
    // Others may be in it still.
    if (is_last)
      bursar_task_end(pooled[i]);
    else
      bursar_task_switch(NULL);
    REQUIRE(bursar_task_current() == NULL);
  }
  return NULL;
}

static void run_pool(void) {
  bursar_task* outer = bursar_task_begin("server", BURSAR_TASK_DEFAULT);
  for (int i = 0; i < POOL_TASKS; ++i) {
    pooled[i] = bursar_task_begin("pooled", BURSAR_TASK_DEFAULT);
    blocks(1);
    steps_left[i] = numbers[0];
    REQUIRE(bursar_task_switch(outer) == pooled[i]);
  }
  in_threads(numbers[0], pool_work);
  REQUIRE(bursar_task_current() == outer);
  bursar_task_end(outer);
}

// --- threads end within tasks

static bursar_task* suspended;

static void* end_within(void* unused) {
  (void)unused;
  suspended = bursar_task_begin("suspended", BURSAR_TASK_DEFAULT);
  blocks(1);
  bursar_task_switch(NULL);
  (void)bursar_task_begin("outer", BURSAR_TASK_DEFAULT);
  blocks(2);
  (void)bursar_task_begin("inner", BURSAR_TASK_DEFAULT);
  blocks(3);
  return NULL;
}

static void run_thread_end(void) {
  in_threads(1, end_within);
  REQUIRE(bursar_task_switch(suspended) == NULL);
  blocks(4);
  bursar_task_end(suspended);
}

// --- what is no task

static void run_misuse(void) {
  bursar_task* stale = bursar_task_begin("stale", BURSAR_TASK_DEFAULT);
  bursar_task_end(stale);
  bursar_task_end(stale);
  bursar_task_end(NULL);
  bursar_task_end((bursar_task*)(uintptr_t)1);
  bursar_task_end((bursar_task*)&stale);
  bursar_task* of_main = bursar_task_begin("main", BURSAR_TASK_DEFAULT);
  bursar_task_label(stale, "nobody");
  bursar_task_label(NULL, "nobody");
  blocks(1);
  bursar_task_end(of_main);
}

static void run_names(void) {
  static char huge[1 << 20];
  memset(huge, 'h', sizeof(huge) - 1);
  const char* const names[] = {NULL, "", huge, "\x1b[2J\xff\xfe\n",
                               "gr\xc3\xb6\xc3\x9f"
                               "e"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
    bursar_task* task = bursar_task_begin(names[i], BURSAR_TASK_DEFAULT);
    bursar_task_label(task, names[i]);
    blocks((int)i + 1);
    bursar_task_end(task);
  }
}

static void run_kinds(void) {
  for (int i = 0; i < numbers[0]; ++i) {
    char kind[32];
    snprintf(kind, sizeof(kind), "kind %d", i);
    bursar_task* task = bursar_task_begin(kind, BURSAR_TASK_DEFAULT);
    churn(1);
    bursar_task_end(task);
  }
}

static void run_alive(void) {
  bursar_task** tasks = malloc((size_t)numbers[0] * sizeof(*tasks));
  for (int i = 0; i < numbers[0]; ++i) {
    tasks[i] = bursar_task_begin("alive", BURSAR_TASK_DEFAULT);
    REQUIRE((tasks[i] != NULL) == (i < 65535));
    if (tasks[i] != NULL) churn(1);
    bursar_task_switch(NULL);
  }
  for (int i = 0; i < numbers[0]; ++i) bursar_task_end(tasks[i]);
  bursar_task* after = bursar_task_begin("after", BURSAR_TASK_DEFAULT);
  REQUIRE(after != NULL);
  bursar_task_end(after);
}

static void run_million(void) {
  void* kept = NULL;
  for (int i = 0; i < numbers[0]; ++i) {
    bursar_task* task = bursar_task_begin("short", BURSAR_TASK_DEFAULT);
    free(kept);
    if (i == 0) (void)block();
    kept = block();
    bursar_task_end(task);
  }
  free(kept);
}

// --- fork

static void* wait_for_ever(void* begun) {
  (void)bursar_task_begin("of another thread", BURSAR_TASK_DEFAULT);
  blocks(1);
  __atomic_store_n((bursar_task**)begun, bursar_task_current(), __ATOMIC_RELEASE);
  for (;;) pause();
  return NULL;
}

static void run_fork(void) {
  bursar_task* of_other = NULL;
  pthread_t other;
  REQUIRE(pthread_create(&other, NULL, wait_for_ever, &of_other) == 0);
  while (__atomic_load_n(&of_other, __ATOMIC_ACQUIRE) == NULL) usleep(1000);
  suspended = bursar_task_begin("suspended", BURSAR_TASK_DEFAULT);
  blocks(1);
  bursar_task_switch(NULL);
  bursar_task* outer = bursar_task_begin("outer", BURSAR_TASK_DEFAULT);
  blocks(2);
  bursar_task* inner = bursar_task_begin("inner", BURSAR_TASK_DEFAULT);
  void* mine = block();
  blocks(2);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    REQUIRE(bursar_task_current() == inner);
    blocks(10);
    free(mine);
    bursar_task_end(inner);
    REQUIRE(bursar_task_current() == outer);
    blocks(20);
    bursar_task_switch(suspended);
    blocks(30);
    bursar_task_end(suspended);
    bursar_task_end(outer);
    bursar_task_end(of_other);  // told: it is gone here
    bursar_task* own = bursar_task_begin("of the child", BURSAR_TASK_DEFAULT);
    blocks(5);
    bursar_task_end(own);
    exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  blocks(1);
  bursar_task_end(outer);
  bursar_task_end(suspended);
}

// --- threads as tasks

static void* named_work(void* index) {
  name_thread("worker-%d", (int)(intptr_t)index);
  blocks(numbers[1]);
  bursar_task* inner = bursar_task_begin("inner", BURSAR_TASK_DEFAULT);
  churn(3);
  bursar_task_end(inner);
  return NULL;
}

static void run_named_threads(void) { in_threads(numbers[0], named_work); }

static void* renamed_work(void* index) {
  name_thread("early-%d", (int)(intptr_t)index);
  blocks(8);
  name_thread("late-%d", (int)(intptr_t)index);
  blocks(1000);
  return NULL;
}

static void run_renamed_threads(void) { in_threads(numbers[0], renamed_work); }

static void* churning_work(void* index) {
  name_thread("early-%d", (int)(intptr_t)index);
  churn(8);
  name_thread("late-%d", (int)(intptr_t)index);
  churn(10000);
  return NULL;
}

static void run_churning_threads(void) { in_threads(numbers[0], churning_work); }

static void* late_work(void* index) {
  blocks(6);
  name_thread("late-%d", (int)(intptr_t)index);
  return NULL;
}

static void run_named_at_the_end(void) { in_threads(numbers[0], late_work); }

static void* nested_work(void* unused) {
  (void)unused;
  name_thread("pool-%d", 1);
  bursar_task* task = bursar_task_begin("request", BURSAR_TASK_DEFAULT);
  blocks(2);
  bursar_task_switch(NULL);
  blocks(3);
  bursar_task_switch(task);
  blocks(4);
  bursar_task_end(task);
  blocks(5);
  return NULL;
}

static void run_nested(void) { in_threads(1, nested_work); }

// --- turns

static void run_turns(void) {
  if (bursar_loop_enter == NULL) fail(__FILE__, "no bursar", __LINE__);
  name_thread("reactor-%d", 7);
  blocks(1);
  bursar_loop_leave();
  for (int i = 0; i < numbers[0]; ++i) {
    bursar_loop_enter();
    bursar_loop_enter();  // as by a poll that only looks
    blocks(2);
    bursar_task* task = bursar_task_begin("request", BURSAR_TASK_DEFAULT);
    churn(3);
    bursar_loop_leave();  // waits within a task: the turn goes on
    bursar_loop_enter();
    bursar_task_end(task);
    blocks(1);
    bursar_loop_leave();
    bursar_loop_leave();
  }
  blocks(1);
}

// --- endings

static void* execute(void* program) {
  (void)bursar_task_begin("before", BURSAR_TASK_DEFAULT);
  blocks(3);
  execl(program, program, "names", (char*)NULL);
  return NULL;
}

static void run_exec(const char* program) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, execute, (void*)(uintptr_t)program) == 0);
  pthread_join(thread, NULL);
}

static void run_killed(void) {
  for (int i = 0; i < 7; ++i) {
    bursar_task* task = bursar_task_begin("request", BURSAR_TASK_DEFAULT);
    bursar_task_label(task, "the last one");
    blocks(2);
    if (i < 6) bursar_task_end(task);
  }
  raise(SIGKILL);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } cases[] = {
      {"shared", run_shared},
      {"switch", run_switch},
      {"pool", run_pool},
      {"thread_end", run_thread_end},
      {"misuse", run_misuse},
      {"names", run_names},
      {"kinds", run_kinds},
      {"alive", run_alive},
      {"million", run_million},
      {"fork", run_fork},
      {"named_threads", run_named_threads},
      {"renamed_threads", run_renamed_threads},
      {"churning_threads", run_churning_threads},
      {"named_at_the_end", run_named_at_the_end},
      {"nested", run_nested},
      {"turns", run_turns},
      {"killed", run_killed},
  };
  if (argc < 2) return 98;
  if (bursar_task_begin == NULL) fail(__FILE__, "no bursar", __LINE__);
  for (int i = 2; i < argc && i < 4; ++i) numbers[i - 2] = atoi(argv[i]);
  if (strcmp(argv[1], "exec") == 0) run_exec(argv[0]);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    if (strcmp(argv[1], cases[i].name) != 0) continue;
    cases[i].run();
    return 0;
  }
  return 98;
}
