// Makes more and more of what a ledger keeps, after the file system of the ledger has been filled: filling WHAT COUNT [FILE]. Says "done" at the end.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"

#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "filling.c:%d: %s (errno %d)\n", line, fact, errno);
  _exit(99);
}

static int count;

static void blocks(int number) {
  for (int i = 0; i < number; ++i) REQUIRE(malloc(100) != NULL);
}

static pthread_barrier_t all_are_here;

static void* stay(void* unused) {
  (void)unused;
  blocks(10);
  pthread_barrier_wait(&all_are_here);
  return NULL;
}

/// All at a time: each would like a row of its own.
static void make_threads(void) {
  pthread_t* threads = calloc((size_t)count, sizeof(*threads));
  pthread_barrier_init(&all_are_here, NULL, (unsigned)count);
  for (int i = 0; i < count; ++i) REQUIRE(pthread_create(&threads[i], NULL, stay, NULL) == 0);
  for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
}

static void make_kinds(void) {
  for (int i = 0; i < count; ++i) {
    char name[32];
    snprintf(name, sizeof(name), "kind %d", i);
    bursar_task* task = bursar_task_begin(name, BURSAR_TASK_DEFAULT);
    REQUIRE(task != NULL);
    blocks(1);
    bursar_task_end(task);
  }
}

/// All at a time, as above, of a kind that is there.
static void make_tasks(void) {
  bursar_task** tasks = calloc((size_t)count, sizeof(*tasks));
  for (int i = 0; i < count; ++i) {
    tasks[i] = bursar_task_begin("work", BURSAR_TASK_DEFAULT);
    REQUIRE(tasks[i] != NULL);
    blocks(1);
    bursar_task_switch(NULL);
  }
  for (int i = 0; i < count; ++i) bursar_task_end(tasks[i]);
}

static void have_children(void (*end)(int status)) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      blocks(1);
      end(7);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child && status == 7 << 8);
  }
}

static void make_children(void) { have_children(_exit); }
static void make_children_that_exit(void) { have_children(exit); }

static bool write_until_full(int file, size_t at_once) {
  static char zeros[4096];
  bool any = false;
  while (write(file, zeros, at_once) > 0) any = true;
  REQUIRE(errno == ENOSPC);
  return any;
}

/// A file system keeps more than it needs for what it has yet to write, and gives it back after that: so it is full where a sync brings nothing.
static void fill(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  REQUIRE(file >= 0);
  do {
    REQUIRE(fsync(file) == 0);
  } while (write_until_full(file, 4096) | write_until_full(file, 1));  // what is below a block's size fits still
  close(file);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } things[] = {{"threads", make_threads},
                {"kinds", make_kinds},
                {"tasks", make_tasks},
                {"children", make_children},
                {"exits", make_children_that_exit}};
  if (argc < 3) return 2;
  count = atoi(argv[2]);
  bursar_task* task = bursar_task_begin("work", BURSAR_TASK_DEFAULT);
  blocks(1000);
  bursar_task_end(task);
  if (argc == 4) fill(argv[3]);
  for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); ++i) {
    if (strcmp(argv[1], things[i].name) == 0) things[i].run();
  }
  puts("done");
  return 7;
}
