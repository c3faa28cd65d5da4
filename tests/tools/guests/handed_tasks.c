// Tasks that are handed to other threads: handed_tasks CASE NUMBER.
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "bursar/bursar.h"
#include "known_work.h"

static int number;
static sem_t is_in_part;
static sem_t may_leave_part;

// --- a request ends before, while and after another thread is in the task of a part of it

static void* do_part(void* part) {
  bursar_task* former = bursar_task_switch(part);
  churn(3);
  sem_post(&is_in_part);
  sem_wait(&may_leave_part);
  churn(4);
  bursar_task_end(part);
  REQUIRE(bursar_task_current() == NULL);
  bursar_task_switch(former);
  return NULL;
}

static void run_part(bursar_task* part, bursar_task* ends_before, bursar_task* ends_meanwhile,
                     bursar_task* ends_after) {
  pthread_t thread;
  if (ends_before != NULL) bursar_task_end(ends_before);
  REQUIRE(pthread_create(&thread, NULL, do_part, part) == 0);
  sem_wait(&is_in_part);
  if (ends_meanwhile != NULL) {
    bursar_task_end(ends_meanwhile);
    REQUIRE(bursar_task_current() == NULL);
  }
  sem_post(&may_leave_part);
  pthread_join(thread, NULL);
  if (ends_after != NULL) bursar_task_end(ends_after);
  REQUIRE(bursar_task_current() == NULL);
}

static void run_parts(void) {
  sem_init(&is_in_part, 0, 0);
  sem_init(&may_leave_part, 0, 0);
  for (int i = 0; i < 3 * number; ++i) {
    bursar_task* request = bursar_task_begin("request", BURSAR_TASK_DEFAULT);
    churn(1);
    bursar_task* part = bursar_task_begin("part", BURSAR_TASK_DEFAULT);
    bursar_task_switch(request);
    churn(1);
    bursar_task* ends[3] = {NULL, NULL, NULL};
    ends[i % 3] = request;
    run_part(part, ends[0], ends[1], ends[2]);
  }
  churn(50);
}

// --- the end of a request races with a thread that enters and ends a task begun in it

static bursar_task* _Atomic handed_part;
static atomic_int are_all_handed;

static void* end_parts(void* unused) {
  (void)unused;
  for (;;) {
    const int is_last = are_all_handed;
    bursar_task* part = atomic_exchange(&handed_part, NULL);
    if (part == NULL && is_last) return NULL;
    if (part == NULL) continue;
    bursar_task* former = bursar_task_switch(part);
    bursar_task_switch(former);
    bursar_task_end(part);
  }
}

static void run_racing_ends(void) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, end_parts, NULL) == 0);
  for (int i = 0; i < number; ++i) {
    bursar_task* request = bursar_task_begin("request", BURSAR_TASK_DEFAULT);
    bursar_task* part = bursar_task_begin("part", BURSAR_TASK_DEFAULT);
    bursar_task_switch(request);
    handed_part = part;
    bursar_task_end(request);
    REQUIRE(bursar_task_current() == NULL);
    while (handed_part != NULL) {
    }
  }
  are_all_handed = 1;
  pthread_join(thread, NULL);
}

// --- a task ends in another thread than the one that is in it

static void* end_task(void* task) {
  churn(5);
  bursar_task_end(task);
  return NULL;
}

static void run_moved(void) {
  for (int i = 0; i < number; ++i) {
    bursar_task* task = bursar_task_begin("moved", BURSAR_TASK_DEFAULT);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, end_task, task) == 0);
    pthread_join(thread, NULL);
    REQUIRE(bursar_task_switch(task) == NULL);  // it has ended: outside all
    churn(7);
  }
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } cases[] = {{"parts", run_parts}, {"racing_ends", run_racing_ends}, {"moved", run_moved}};
  if (argc != 3) return 2;
  number = atoi(argv[2]);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    if (strcmp(argv[1], cases[i].name) == 0) return cases[i].run(), 0;
  }
  return 2;
}
