// Makes 1000 blocks of 100 bytes within a task, does what no account may mind, makes 1000 more where it can, and ends: endings HOW.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"

#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "endings.c:%d: %s (errno %d)\n", line, fact, errno);
  _exit(99);
}

static const char* program;
static bursar_task* task;

static void blocks(int count) {
  for (int i = 0; i < count; ++i) REQUIRE(malloc(100) != NULL);
}

static void in_thread(void* (*work)(void*)) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, work, NULL) == 0);
  pthread_join(thread, NULL);
}

// --- endings

static void end_by_abort(void) { abort(); }
static void end_by_exit(void) { exit(3); }
static void end_at_once(void) { _exit(3); }
static void end_quickly(void) { quick_exit(3); }

static void end_by_segv(void) {
  int* volatile nowhere = (int*)(uintptr_t)16;
  *nowhere = 1;
}

static void end_by_kill(void) { raise(SIGKILL); }

static void* exit_here(void* unused) {
  (void)unused;
  (void)bursar_task_begin("of the thread", BURSAR_TASK_DEFAULT);
  blocks(10);
  exit(3);
}

static void end_in_a_thread(void) { in_thread(exit_here); }

static void* exit_later(void* unused) {
  (void)unused;
  usleep(50000);
  exit(3);
}

static void end_after_main(void) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, exit_later, NULL) == 0);
  pthread_exit(NULL);
}

static void end_by_exec(void) { execl(program, program, "by_exit", (char*)NULL); }

static void* execute(void* unused) {
  (void)unused;
  end_by_exec();
  return NULL;
}

static void end_by_exec_in_a_thread(void) { in_thread(execute); }

/// Touches what it gets, until the kernel ends it, or there is no more: then it aborts, as many programs do.
static void end_without_memory(void) {
  for (;;) {
    char* block = malloc(100000);
    if (block == NULL) abort();
    memset(block, 1, 100000);
  }
}

static void end_without_address_space(void) {
  const struct rlimit limit = {256 << 20, 256 << 20};
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  end_without_memory();
}

static void end_without_data(void) {
  const struct rlimit limit = {64 << 20, 64 << 20};
  REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
  end_without_memory();
}

// --- what changes under way

static void go_on(void) {
  blocks(1000);
  bursar_task_end(task);
  bursar_task* after = bursar_task_begin("after", BURSAR_TASK_DEFAULT);
  blocks(10);
  bursar_task_end(after);
}

static void* ten_more(void* unused) {
  (void)unused;
  blocks(10);
  return NULL;
}

static void close_all(void) {
  for (int i = 0; i < 4096; ++i) close(i);
  go_on();
}

static void close_the_range(void) {
  REQUIRE(close_range(0, ~0U, 0) == 0);
  go_on();
  in_thread(ten_more);
}

static void change_the_root(void) {
  REQUIRE(mkdir("empty", 0755) == 0 && chroot("empty") == 0 && chdir("/") == 0);
  go_on();
  in_thread(ten_more);
}

static void change_the_user(void) {
  REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
  go_on();
  in_thread(ten_more);
}

static void remove_the_ledger(void) {
  REQUIRE(unlink("ledger") == 0);
  go_on();
}

/// The ledger has its size by now; writing to it is no growth.
static void limit_files(void) {
  const struct rlimit none = {0, 0};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  go_on();
  for (int i = 0; i < 40; ++i) in_thread(ten_more);
}

// --- children

static void wait_for(pid_t child, int status_expected) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == status_expected);
}

static void fork_many(void) {
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      blocks(i);
      _exit(0);
    }
    wait_for(child, 0);
  }
  go_on();
}

static void have_grandchildren(void) {
  const pid_t child = fork();
  if (child != 0) return wait_for(child, 0), go_on();
  blocks(20);
  const pid_t grandchild = fork();
  if (grandchild == 0) {
    blocks(30);
    const pid_t last = fork();
    if (last == 0) {
      blocks(40);
      raise(SIGKILL);
    }
    wait_for(last, SIGKILL);
    exit(0);
  }
  wait_for(grandchild, 0);
  exit(0);
}

static void free_in_a_child(void) {
  void* large[] = {malloc(100 << 20), malloc(3 << 20), malloc(200000)};
  for (int i = 0; i < 3; ++i) REQUIRE(large[i] != NULL);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) free(large[i]);
    exit(0);
  }
  wait_for(child, 0);
}

static void execute_in_children(void) {
  char* arguments[] = {(char*)(uintptr_t)program, (char*)(uintptr_t) "by_exit", NULL};
  extern char** environ;
  const pid_t forked = vfork();
  if (forked == 0) {
    execv(program, arguments);
    _exit(98);
  }
  wait_for(forked, 3 << 8);
  pid_t spawned = 0;
  REQUIRE(posix_spawn(&spawned, program, NULL, NULL, arguments, environ) == 0);
  wait_for(spawned, 3 << 8);
  go_on();
}

static void become_a_daemon(void) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE(setsid() >= 0);
    if (fork() != 0) _exit(0);
    go_on();
    exit(0);  // closes the pipe
  }
  close(ends[1]);
  char byte;
  REQUIRE(read(ends[0], &byte, 1) == 0);
  wait_for(child, 0);
}

static volatile int is_over;

// --- what comes late or in between

/// The descriptor of the closed standard error is a file's by then, which must stay empty.
static void complain_late(void) {
  close(STDERR_FILENO);
  const int data = open("data", O_RDWR | O_CREAT | O_EXCL, 0600);
  if (data != STDERR_FILENO) _exit(99);
  if (chdir("/") != 0) _exit(98);
  const pid_t child = fork();
  if (child == 0) {
    free(malloc(1));
    exit(0);
  }
  wait_for(child, 0);
  bursar_task_end((bursar_task*)(uintptr_t)4711);
  struct stat found;
  if (fstat(data, &found) != 0 || found.st_size != 0) _exit(97);
}

static volatile int signals;

static void allocate_in_a_handler(int unused) {
  (void)unused;
  ++signals;
  void* volatile block = malloc(100);
  free(block);
}

static void allocate_while_signals_come(void) {
  REQUIRE(signal(SIGALRM, allocate_in_a_handler) != SIG_ERR);
  const struct itimerval often = {{0, 50}, {0, 50}};
  REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
  void* kept[64] = {NULL};
  for (uint32_t random = 1; signals < 5000;) {
    random = random * 1103515245 + 12345;
    free(kept[random >> 26]);
    kept[random >> 26] = malloc((random >> 8) % 3000);
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
  for (int i = 0; i < 64; ++i) free(kept[i]);
}

/// The child's first call is one for memory from the arena of its task.
static void fork_unseen_in_an_arena(void) {
  bursar_task* arena = bursar_task_begin("in an arena", BURSAR_TASK_ARENA);
  void* volatile kept = malloc(100);
  const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  REQUIRE(child >= 0);
  if (child == 0) {
    void* volatile left = malloc(50);
    (void)left;
    free(kept);
    bursar_task_end(arena);
    _exit(0);
  }
  wait_for(child, 0);
  free(kept);
  bursar_task_end(arena);
}

static void* allocate_meanwhile(void* unused) {
  (void)unused;
  bursar_task* own = bursar_task_begin("meanwhile", BURSAR_TASK_DEFAULT);
  while (!is_over) free(malloc(200));
  bursar_task_end(own);
  return NULL;
}

static void* fork_meanwhile(void* unused) {
  (void)unused;
  for (int i = 0; i < 20; ++i) {
    bursar_task* own = bursar_task_begin("forks", BURSAR_TASK_DEFAULT);
    blocks(10);
    const pid_t child = fork();
    if (child == 0) {
      blocks(7);
      bursar_task_end(own);
      exit(0);
    }
    wait_for(child, 0);
    bursar_task_end(own);
  }
  return NULL;
}

static void fork_while_others_allocate(void) {
  pthread_t threads[6];
  for (int i = 0; i < 6; ++i) {
    REQUIRE(pthread_create(&threads[i], NULL, i < 3 ? allocate_meanwhile : fork_meanwhile, NULL) == 0);
  }
  for (int i = 3; i < 6; ++i) pthread_join(threads[i], NULL);
  is_over = 1;
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  go_on();
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } ways[] = {
      {"by_abort", end_by_abort},
      {"by_exit", end_by_exit},
      {"at_once", end_at_once},
      {"quickly", end_quickly},
      {"by_segv", end_by_segv},
      {"by_kill", end_by_kill},
      {"in_a_thread", end_in_a_thread},
      {"after_main", end_after_main},
      {"by_exec", end_by_exec},
      {"by_exec_in_a_thread", end_by_exec_in_a_thread},
      {"without_memory", end_without_memory},
      {"without_address_space", end_without_address_space},
      {"without_data", end_without_data},
      {"close_all", close_all},
      {"close_the_range", close_the_range},
      {"change_the_root", change_the_root},
      {"change_the_user", change_the_user},
      {"remove_the_ledger", remove_the_ledger},
      {"limit_files", limit_files},
      {"fork_many", fork_many},
      {"grandchildren", have_grandchildren},
      {"free_in_a_child", free_in_a_child},
      {"execute_in_children", execute_in_children},
      {"daemon", become_a_daemon},
      {"complain_late", complain_late},
      {"allocate_while_signals_come", allocate_while_signals_come},
      {"fork_unseen_in_an_arena", fork_unseen_in_an_arena},
      {"fork_while_others_allocate", fork_while_others_allocate},
  };
  program = argv[0];
  for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); ++i) {
    if (strcmp(argv[1], ways[i].name) != 0) continue;
    task = bursar_task_begin("work", BURSAR_TASK_DEFAULT);
    blocks(1000);
    ways[i].run();
    return 0;
  }
  return 2;
}
