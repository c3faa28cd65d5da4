// Makes the calls that its arguments name, and nothing else that allocates: known_calls STEP...
//
//   malloc:COUNT:BYTES   calloc:COUNT:BYTES   aligned:COUNT:BYTES   blocks that stay
//   churn:COUNT:BYTES    as many blocks, each freed before the next
//   grow:COUNT:BYTES     realloc from BYTES to twice that, and so on
//   threads:COUNT:BYTES  as many threads one after the other, each with one block that stays
//   together:COUNT:BYTES as many threads that hold 999 blocks each, all at the same time, before they free them
//   handlers:COUNT:BYTES churn under a timer whose handler allocates and frees; prints how often it did
//   fork   the child makes the steps that follow, the parent waits and ends
//   exit:STATUS   kill:SIGNAL   exec (itself, with the steps that follow)
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t block_bytes;

static void* allocate_one(void* unused) {
  (void)unused;
  return malloc(block_bytes);
}

static void run_threads(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, allocate_one, NULL) != 0) _exit(99);
    pthread_join(thread, NULL);
  }
}

static pthread_barrier_t all_hold;

static void* hold_many(void* unused) {
  (void)unused;
  enum { count = 999 };
  void** blocks = alloca(count * sizeof(void*));
  for (int i = 0; i < count; ++i) blocks[i] = malloc(block_bytes);
  pthread_barrier_wait(&all_hold);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  return NULL;
}

static void run_together(size_t count) {
  pthread_t* threads = alloca(count * sizeof(pthread_t));
  pthread_barrier_init(&all_hold, NULL, (unsigned)count);
  for (size_t i = 0; i < count; ++i) {
    if (pthread_create(&threads[i], NULL, hold_many, NULL) != 0) _exit(99);
  }
  for (size_t i = 0; i < count; ++i) pthread_join(threads[i], NULL);
}

static volatile size_t handled;

static void on_timer(int signal) {
  (void)signal;
  void* block = malloc(48);
  if (block == NULL) _exit(95);
  free(block);
  ++handled;
}

static void churn_under_timer(size_t count) {
  const struct itimerval often = {{0, 50}, {0, 50}};
  const struct itimerval never = {{0, 0}, {0, 0}};
  signal(SIGALRM, on_timer);
  setitimer(ITIMER_REAL, &often, NULL);
  for (size_t i = 0; i < count; ++i) free(malloc(block_bytes));
  setitimer(ITIMER_REAL, &never, NULL);
  char text[32];
  const int length = snprintf(text, sizeof text, "%zu\n", handled);
  if (write(1, text, (size_t)length) != length) _exit(94);
}

static void make_blocks(const char* name, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    void* block = NULL;
    if (strcmp(name, "calloc") == 0) {
      block = calloc(1, block_bytes);
    } else if (strcmp(name, "aligned") == 0) {
      block = aligned_alloc(64, block_bytes);
    } else {
      block = malloc(block_bytes);
    }
    if (block == NULL) _exit(98);
    if (strcmp(name, "churn") == 0) free(block);
  }
}

static void grow(size_t count) {
  void* block = NULL;
  for (size_t i = 0; i < count; ++i) {
    block = realloc(block, block_bytes << i);
    if (block == NULL) _exit(98);
  }
}

static void step(const char* name, size_t count) {
  if (strcmp(name, "exit") == 0) exit((int)count);
  if (strcmp(name, "kill") == 0) {
    raise((int)count);
  } else if (strcmp(name, "threads") == 0) {
    run_threads(count);
  } else if (strcmp(name, "together") == 0) {
    run_together(count);
  } else if (strcmp(name, "handlers") == 0) {
    churn_under_timer(count);
  } else if (strcmp(name, "grow") == 0) {
    grow(count);
  } else {
    make_blocks(name, count);
  }
}

static void wait_for_child(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) _exit(97);
  exit(0);
}

int main(int count, char** words) {
  for (int i = 1; i < count; ++i) {
    if (strcmp(words[i], "fork") == 0) {
      const pid_t child = fork();
      if (child != 0) wait_for_child(child);
    } else if (strcmp(words[i], "exec") == 0) {
      words[i] = words[0];
      execv(words[0], words + i);
      _exit(96);
    } else {
      const char* name = strtok(words[i], ":");
      const char* number = strtok(NULL, ":");
      const char* bytes = strtok(NULL, ":");
      block_bytes = bytes != NULL ? strtoul(bytes, NULL, 10) : 0;
      step(name, number != NULL ? strtoul(number, NULL, 10) : 0);
    }
  }
  return 0;
}
