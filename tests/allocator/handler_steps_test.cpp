// Signal handlers that allocate: one comes at every single instruction of what a thread does to its bins on slow paths. The fast
// path itself may not be interrupted by malloc, as in glibc.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <vector>

#include "allocator/depot.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

constexpr unsigned child_seconds_max = 100;

/// In the second word of a block in use; the heap writes into the first one alone.
constexpr uint64_t in_use = 0x5ca1ab1e5ca1ab1e;

uint64_t& mark_of(void* block) { return static_cast<uint64_t*>(block)[1]; }

void* take(size_t bytes) {
  void* block = allocate(bytes);
  if (block == nullptr || mark_of(block) == in_use) _exit(10);  // handed out twice
  mark_of(block) = in_use;
  return block;
}

void give(void* block) {
  if (mark_of(block) != in_use) _exit(11);
  mark_of(block) = 0;
  deallocate(block);
}

constexpr size_t handler_sizes[] = {16, 64, 80};

void handle(int /*signal*/) {
  for (const size_t bytes : handler_sizes) (void)take(bytes);
  raise(SIGSTOP);  // tells the tracer that it is done
}

/// Runs both in a child: `prepare`, and then `work`, whose instructions are interrupted one by one.
[[noreturn]] void run_traced(const std::function<void()>& prepare, const std::function<void()>& work) {
  alarm(child_seconds_max);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(12);
  fake_os::set_clock_ms(1'000'000);
  settings.purge_ms = 500;
  {
    const AttachedThread here;
    prepare();
    signal(SIGUSR1, handle);
    raise(SIGSTOP);
    work();
    raise(SIGSTOP);
    signal(SIGUSR1, SIG_IGN);
    thread.heap->validate();
    for (const size_t bytes : handler_sizes) {
      for (size_t i = 0; i < slab::capacity_of(size_class_of(bytes)); ++i) (void)take(bytes);
    }
  }
  test::validate_heap();
  _exit(0);
}

/// Continues the child until it stops, with a signal; which one it stopped for, 0 when it is gone.
int go_on(pid_t child, decltype(PTRACE_CONT) how, int with_signal, int& status) {
  if (ptrace(how, child, nullptr, pointer_to(static_cast<uintptr_t>(with_signal))) != 0) return 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 0;
  return WSTOPSIG(status);
}

bool is_in_handler(pid_t child) {
  uint64_t blocked = 0;
  (void)ptrace(PTRACE_GETSIGMASK, child, pointer_to(sizeof(blocked)), &blocked);
  return (blocked >> (SIGUSR1 - 1) & 1) != 0;
}

/// Which instructions of the work are interrupted, and how many were.
struct Interruptions {
  size_t first;
  size_t last;
  size_t count;
};

/// Steps to the last wanted instruction, or to the end of the work. The handler's steps are none.
void step_through(pid_t child, Interruptions& wanted, int& status) {
  for (size_t step = 0; step <= wanted.last; ++step) {
    if (go_on(child, PTRACE_SINGLESTEP, 0, status) != SIGTRAP) return;
    if (step < wanted.first) continue;
    if (go_on(child, PTRACE_CONT, SIGUSR1, status) != SIGSTOP) return;
    ++wanted.count;
    while (is_in_handler(child)) {
      if (go_on(child, PTRACE_SINGLESTEP, 0, status) != SIGTRAP) return;
    }
  }
}

/// The child's exit status.
int status_interrupted(const std::function<void()>& prepare, const std::function<void()>& work,
                       Interruptions& interruptions) {
  const pid_t child = fork();
  if (child == 0) run_traced(prepare, work);
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) step_through(child, interruptions, status);
  while (WIFSTOPPED(status)) {
    const bool is_of_tracing = WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP;
    const int signal = is_of_tracing ? 0 : WSTOPSIG(status);
    if (go_on(child, PTRACE_CONT, signal, status) == 0) break;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class HandlerSteps : public testing::Test {
 protected:
  void SetUp() override {
    if (test::is_slow_build()) GTEST_SKIP() << "instructions of others are too many, and may not be interrupted";
  }
  /// The first instructions, all in one run.
  static void interrupt_all(const std::function<void()>& prepare, const std::function<void()>& work) {
    Interruptions all{0, 1999, 0};
    EXPECT_EQ(status_interrupted(prepare, work, all), 0);
    EXPECT_GE(all.count, 100U);
  }

  /// Each instruction, so many in a row: in runs of one, where a handler that filled the bin makes the next one meet a fast path,
  /// and in longer ones where a bin has so many blocks for the handlers.
  static void interrupt_in_runs_of(size_t count, const std::function<void()>& prepare,
                                   const std::function<void()>& work) {
    size_t at = 0;
    for (Interruptions some{0, 0, count}; some.count == count; at += count) {
      some = {at, at + count - 1, 0};
      ASSERT_EQ(status_interrupted(prepare, work, some), 0) << "from instruction " << at;
    }
    EXPECT_GE(at, 100U);
  }

  /// As many blocks of the handler's sizes as a page has lie in the bins.
  static void fill_bins() {
    for (const size_t bytes : handler_sizes) give(take(bytes));
  }

  /// As many as a slab has.
  static void fill_bins_well() {
    for (const size_t bytes : handler_sizes) {
      std::vector<void*> blocks(slab::capacity_of(size_class_of(bytes)));
      for (void*& block : blocks) block = take(bytes);
      for (void* block : blocks) give(block);
      give(take(bytes));
    }
  }

  static void take_memory(std::vector<bursar::Run*>& runs) {
    Zeroed zeroed{};
    for (int i = 0; i < 18; ++i) runs.push_back(depot.acquire(segment_granules, 1, RunKind::pages, zeroed));
  }
  static void let_memory_wait(std::vector<bursar::Run*>& runs) {
    for (bursar::Run* run : runs) depot.retire(run);
    runs.clear();
  }
};

TEST_F(HandlerSteps, WhereSparingBegins) {
  interrupt_all(
      [] {
        fill_bins_well();
        std::vector<bursar::Run*> runs;
        take_memory(runs);
        let_memory_wait(runs);
      },
      [] { give(take(3000)); });
}

TEST_F(HandlerSteps, WhereSparingEnds) {
  interrupt_in_runs_of(
      14,
      [] {
        fill_bins();
        for (const size_t bytes : handler_sizes) {  // but for a few: all are walked over
          for (size_t i = 24; i < 4 * KiB / bytes; ++i) (void)take(bytes);
        }
        std::vector<bursar::Run*> runs;
        take_memory(runs);
        let_memory_wait(runs);
        give(take(3000));
        for (int i = 0; i < 2; ++i) fill_bins();  // who calls often gets some more
        if (!thread.heap->is_sparing()) _exit(13);
        take_memory(runs);
      },
      [] { give(take(6000)); });
}

TEST_F(HandlerSteps, WhereABinIsFilledWithFreedBlocks) {
  interrupt_in_runs_of(
      1,
      [] {
        std::vector<void*> blocks(slab::capacity_of(size_class_of(64)));
        for (void*& block : blocks) block = take(64);
        for (void* block : blocks) give(block);
      },
      [] { (void)take(64); });
}

TEST_F(HandlerSteps, WhereABinIsFilledWithFreshBlocks) {
  interrupt_all([] { fill_bins(); }, [] { (void)take(1000); });
}

TEST_F(HandlerSteps, WhereABinIsFilledWithStrays) {
  interrupt_in_runs_of(
      1,
      [] {
        std::vector<void*> blocks(30);
        run_attached([&blocks] {
          for (void*& block : blocks) block = take(64);
        });
        for (void* block : blocks) give(block);
      },
      [] { (void)take(64); });
}

TEST_F(HandlerSteps, WhereABlockOfAnotherHeapIsFreed) {
  static void* stray;
  static void* sent;
  interrupt_all(
      [] {
        fill_bins();
        run_attached([] {
          stray = take(64);
          sent = take(80);
        });
      },
      [] {
        give(stray);
        give(sent);
      });
}

TEST_F(HandlerSteps, WhereBinsAreEmptied) {
  interrupt_all([] { fill_bins(); }, [] { empty_bins(); });
}

}  // namespace
}  // namespace bursar::test
