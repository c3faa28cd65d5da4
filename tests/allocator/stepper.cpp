// Stops a program before any one of its instructions.
#include "tests/allocator/stepper.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace bursar::test {
namespace {

constexpr unsigned process_seconds_max = 60;
constexpr int not_allowed = 77;

const Steps* handled = nullptr;

void on_signal(int) { handled->meanwhile(); }

long trace(int request, pid_t thread, int signal = 0) {
  return ptrace(static_cast<__ptrace_request>(request), thread, nullptr, static_cast<intptr_t>(signal));
}

int wait_for(pid_t thread) {
  int status = 0;
  return waitpid(thread, &status, __WALL) == thread ? status : -1;
}

/// Lets the process go on to its end, whose status it returns; signals are its own.
int run_to_end(pid_t process, int signal) {
  for (;;) {
    if (trace(PTRACE_CONT, process, signal) != 0) return -1;
    const int status = wait_for(process);
    if (!WIFSTOPPED(status)) return status;
    const int stop = WSTOPSIG(status);
    signal = stop == SIGSTOP || stop == SIGTRAP ? 0 : stop;
  }
}

/// True when the process still acts after so many instructions: a stop tells where it begins, and another where it ends.
bool step(pid_t process, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (trace(PTRACE_SINGLESTEP, process) != 0) return false;
    const int status = wait_for(process);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) return false;
  }
  return true;
}

[[noreturn]] void act_to_be_stopped(const Steps& steps) {
  alarm(process_seconds_max);
  handled = &steps;
  if (trace(PTRACE_TRACEME, 0) != 0) _exit(not_allowed);
  steps.prepare();
  (void)signal(SIGUSR1, on_signal);
  (void)raise(SIGSTOP);
  steps.act();
  (void)raise(SIGSTOP);
  const bool is_good = steps.holds() && !testing::Test::HasFailure();
  fflush(stdout);
  _exit(is_good ? 0 : 1);
}

/// How many instructions the act has; 0 where processes may not be traced.
size_t count_instructions(const Steps& steps) {
  const pid_t process = fork();
  if (process == 0) act_to_be_stopped(steps);
  if (WIFEXITED(wait_for(process))) return 0;
  size_t count = 0;
  while (step(process, 1)) ++count;
  EXPECT_EQ(run_to_end(process, 0), 0) << "never interrupted";
  return count;
}

/// Every instruction of a short act, so many of a long one, others each time.
size_t stride_of(const Steps& steps, size_t instructions) {
  const size_t mean = instructions / steps.stops_max;
  return mean == 0 ? 1 : 1 + static_cast<size_t>(rand()) % (2 * mean);
}

/// What the three processes of a fork share: this one that steps, the one that is stepped, and its child.
struct Shared {
  std::atomic<pid_t> actor{0};
  std::atomic<bool> may_act{false};
  std::atomic<bool> has_acted{false};
  std::atomic<bool> may_fork{false};
  std::atomic<int> childs_status{-1};
};

[[noreturn]] void act_and_fork(const Steps& steps, Shared& shared) {
  alarm(process_seconds_max);
  std::thread actor([&] {
    steps.prepare();
    shared.actor = static_cast<pid_t>(syscall(SYS_gettid));
    while (!shared.may_act) std::this_thread::yield();
    steps.act();
    shared.has_acted = true;
    for (;;) pause();
  });
  while (!shared.may_fork) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    alarm(process_seconds_max);
    steps.meanwhile();
    const bool is_good = steps.holds() && !testing::Test::HasFailure();
    fflush(stdout);
    _exit(is_good ? 0 : 1);
  }
  int status = -1;
  (void)waitpid(child, &status, 0);
  shared.childs_status = status;
  for (;;) pause();
}

/// Steps the actor so far and has the other thread fork. False when nothing may be traced; `is_over` when it had acted before.
bool fork_behind(const Steps& steps, size_t count, int& status, bool& is_over) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& shared = *new (memory) Shared;
  const pid_t process = fork();
  if (process == 0) act_and_fork(steps, shared);
  while (shared.actor == 0) std::this_thread::yield();
  const bool is_traced = trace(PTRACE_SEIZE, shared.actor) == 0 && trace(PTRACE_INTERRUPT, shared.actor) == 0;
  if (is_traced) {
    (void)wait_for(shared.actor);
    shared.may_act = true;
    for (size_t i = 0; i < count && !shared.has_acted; ++i) {
      EXPECT_EQ(trace(PTRACE_SINGLESTEP, shared.actor), 0);
      EXPECT_TRUE(WIFSTOPPED(wait_for(shared.actor)));
    }
    is_over = shared.has_acted;
    shared.may_fork = true;
    while (shared.childs_status == -1) std::this_thread::yield();
    status = shared.childs_status;
  }
  (void)kill(process, SIGKILL);
  if (is_traced) (void)wait_for(shared.actor);
  (void)wait_for(process);
  (void)munmap(memory, sizeof(Shared));
  return is_traced;
}

}  // namespace

size_t interrupt_at_each_instruction(const Steps& steps) {
  const size_t instructions = count_instructions(steps);
  for (size_t count = 0; count <= instructions; count += stride_of(steps, instructions)) {
    const pid_t process = fork();
    if (process == 0) act_to_be_stopped(steps);
    (void)wait_for(process);
    const bool is_over = !step(process, count);
    EXPECT_EQ(run_to_end(process, is_over ? 0 : SIGUSR1), 0) << "interrupted before instruction " << count;
    if (testing::Test::HasFailure()) break;
  }
  return instructions;
}

size_t fork_at_each_instruction(const Steps& steps) {
  const size_t instructions = count_instructions(steps);
  if (instructions == 0) return 0;
  for (size_t count = 0;; count += stride_of(steps, instructions)) {
    int status = -1;
    bool is_over = false;
    if (!fork_behind(steps, count, status, is_over)) return 0;
    EXPECT_EQ(status, 0) << "forked before instruction " << count;
    if (is_over || testing::Test::HasFailure()) return count;
  }
}

}  // namespace bursar::test
