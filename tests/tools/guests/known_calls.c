// Makes the calls that its arguments name, and nothing else that allocates: known_calls STEP...
//
//   malloc:COUNT:BYTES   calloc:COUNT:BYTES   aligned:COUNT:BYTES   blocks that stay
//   churn:COUNT:BYTES    as many blocks, each freed before the next
//   grow:COUNT:BYTES     realloc from BYTES to twice that, and so on
//   threads:COUNT:BYTES  as many threads one after the other, each with one block that stays
//   fork   the child makes the steps that follow, the parent waits and ends
//   exit:STATUS   kill:SIGNAL   exec (itself, with the steps that follow)
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
