// Filters of system calls: from here on, some fail or end the program.
#ifndef GUESTS_DENIED_H
#define GUESTS_DENIED_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "expect.h"

static inline void install_filter(const struct sock_filter* code, size_t length) {
  const struct sock_fprog program = {(unsigned short)length, (struct sock_filter*)(uintptr_t)code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    guest_skip("this kernel or container allows no filter of system calls");
}

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))

// These calls get `action`, all others pass.
static inline void deny(const int* calls, size_t count, unsigned action) {
  struct sock_filter code[64];
  size_t length = 0;
  EXPECT(count < 30);
  code[length++] = (struct sock_filter)LOAD_NUMBER;
  for (size_t i = 0; i < count; ++i) {
    code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
    code[length++] = (struct sock_filter)ANSWER(action);
  }
  code[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
  install_filter(code, length);
}

// These calls pass, all others end the program.
static inline void allow_only(const int* calls, size_t count) {
  struct sock_filter code[64];
  size_t length = 0;
  EXPECT(count < 30);
  code[length++] = (struct sock_filter)LOAD_NUMBER;
  for (size_t i = 0; i < count; ++i) {
    code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
    code[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
  }
  code[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
  install_filter(code, length);
}

#define DENY(action, ...)                                             \
  do {                                                                \
    const int calls_[] = {__VA_ARGS__};                               \
    deny(calls_, sizeof calls_ / sizeof *calls_, (unsigned)(action)); \
  } while (0)

#define WITH_ERRNO(error) (SECCOMP_RET_ERRNO | (error))

#endif
