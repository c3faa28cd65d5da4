// Serves a known number of requests, each a task: requests [wait|die|fork]
//
//   Four threads, worker-0 to worker-3, serve 500 searches and 50 uploads each. A search makes 71 blocks of 100 bytes, one in fifty 2,000;
//   number 77 of worker-1 makes 4,000 of 12,000 bytes, and keeps one. An upload makes seven blocks of 1,000 bytes.
//   wait, die: then begins to build an index, in a block of 5,000,000 bytes, and says so; in the middle of it, it waits for input, or kills itself.
//   fork: a task `init` keeps a block of 10,000,000 bytes and ends; then eight children end, the last of which frees it.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"

enum { workers = 4, searches = 500, blocks_max = 4000 };

static void allocate(int count, size_t bytes, int kept) {
  static __thread void* blocks[blocks_max];
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(bytes);
    if (blocks[i] == NULL) _exit(98);
  }
  for (int i = kept; i < count; ++i) free(blocks[i]);
}

static void search(intptr_t worker, int number) {
  char label[48];
  snprintf(label, sizeof label, "GET /search?q=%d", number);
  bursar_task* task = bursar_task_begin("GET /search", BURSAR_TASK_DEFAULT);
  bursar_task_label(task, label);
  if (worker == 1 && number == 77) {
    allocate(4000, 12000, 1);
  } else {
    allocate(number % 50 == 49 ? 2000 : 71, 100, 0);
  }
  bursar_task_end(task);
}

static void upload(void) {
  bursar_task* task = bursar_task_begin("POST /upload", BURSAR_TASK_DEFAULT);
  allocate(7, 1000, 0);
  bursar_task_end(task);
}

static void* serve(void* number) {
  const intptr_t worker = (intptr_t)number;
  char name[16];
  snprintf(name, sizeof name, "worker-%d", (int)worker);
  pthread_setname_np(pthread_self(), name);
  for (int i = 0; i < searches; ++i) {
    search(worker, i);
    if (i % 10 == 0) upload();
  }
  return NULL;
}

static void fork_children(void) {
  bursar_task* task = bursar_task_begin("init", BURSAR_TASK_DEFAULT);
  void* volatile kept = malloc(10000000);
  if (kept == NULL) _exit(98);
  bursar_task_end(task);
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      if (i == 7) free(kept);
      free(malloc(100));
      _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child) _exit(94);
  }
}

static void build_index(const char* how) {
  bursar_task* task = bursar_task_begin("reindex", BURSAR_TASK_DEFAULT);
  bursar_task_label(task, "index 7");
  void* volatile index = malloc(5000000);
  if (index == NULL) _exit(98);
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) _exit(97);
  char input;
  if (strcmp(how, "die") == 0) raise(SIGKILL);
  if (read(STDIN_FILENO, &input, 1) < 0) _exit(96);
  free(index);
  bursar_task_end(task);
}

int main(int count, char** words) {
  pthread_t threads[workers];
  for (intptr_t i = 0; i < workers; ++i) {
    if (pthread_create(&threads[i], NULL, serve, (void*)i) != 0) return 95;
  }
  for (int i = 0; i < workers; ++i) pthread_join(threads[i], NULL);
  if (count > 1 && strcmp(words[1], "fork") == 0) {
    fork_children();
  } else if (count > 1) {
    build_index(words[1]);
  }
  return 0;
}
