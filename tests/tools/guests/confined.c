// Enters a sandbox that kills for whatever it does not know, and works on: confined HOW.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bursar/bursar.h"

#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "confined.c:%d: %s (errno %d)\n", line, fact, errno);
  _exit(99);
}

static void churn(int count) {
  for (int i = 0; i < count; ++i) {
    void* block = malloc(100);
    REQUIRE(block != NULL);
    free(block);
  }
}

/// What a server's process allows itself before it knows who calls: memory, time, what is open already.
static void allow_little(void) {
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  static struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(brk),
      ALLOW(clock_gettime),
      ALLOW(close),
      ALLOW(exit),
      ALLOW(exit_group),
      ALLOW(futex),
      ALLOW(getpid),
      ALLOW(getrandom),
      ALLOW(gettid),
      ALLOW(madvise),
      ALLOW(mmap),
      ALLOW(mprotect),
      ALLOW(mremap),
      ALLOW(munmap),
      ALLOW(read),
      ALLOW(rt_sigprocmask),
      ALLOW(write),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  static struct sock_fprog fprog = {sizeof(filter) / sizeof(filter[0]), filter};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) == 0);
}

static void work(void) {
  for (int i = 0; i < 20; ++i) {
    bursar_task* task = bursar_task_begin(i % 2 == 0 ? "even" : "odd", BURSAR_TASK_DEFAULT);
    churn(1000);
    bursar_task_end(task);
  }
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  free(malloc(1));
  if (strcmp(argv[1], "strict") == 0) {
    work();  // Memory enough, so that nothing has to be asked of the system.
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    for (int i = 0; i < 20; ++i) churn(1000);
    syscall(SYS_exit, 7);
  }
  if (strcmp(argv[1], "child") == 0) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child != 0) {
      int status = 0;
      REQUIRE(waitpid(child, &status, 0) == child);
      REQUIRE(status == 7 << 8);
      return 7;
    }
  }
  allow_little();
  work();
  _exit(7);
}
