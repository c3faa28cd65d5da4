// Telling a forked child from its parent.
#include "allocator/fork_guard.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/allocator/fake_os.h"

namespace bursar {
namespace {

ForkGuard guard;

/// The exit status of a child that was forked by `fork_child` and runs `work`.
template <typename Fork, typename Work>
int status_of(Fork fork_child, Work work) {
  const pid_t child = fork_child();
  if (child == 0) _exit(work());
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int adopt_once() {
  if (!guard.is_new_child() || !guard.begin_adoption()) return 1;
  if (!guard.is_new_child()) return 2;
  guard.adopted();
  return guard.is_new_child() ? 3 : 0;
}

TEST(ForkGuard, TheProcessThatStartedIsNoChild) {
  EXPECT_FALSE(guard.is_new_child());
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  EXPECT_FALSE(guard.is_new_child());
}

TEST(ForkGuard, AForkedChildIsNewUntilItAdopted) {
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  EXPECT_EQ(status_of(fork, adopt_once), 0);
  EXPECT_FALSE(guard.is_new_child()) << "the parent stays as it is";
}

TEST(ForkGuard, AChildThatNoHandlerSawIsNewToo) {
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  EXPECT_EQ(status_of([] { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }, adopt_once), 0);
}

TEST(ForkGuard, EachGenerationIsNew) {
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  const int status = status_of(fork, [] {
    if (adopt_once() != 0) return 1;
    return status_of(fork, adopt_once);
  });
  EXPECT_EQ(status, 0);
}

TEST(ForkGuard, AChildOfAChildThatNeverAdoptedIsNew) {
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  EXPECT_EQ(status_of(fork, [] { return status_of(fork, adopt_once); }), 0);
}

TEST(ForkGuard, OneThreadOfAChildAdoptsAndTheOthersWait) {
  guard.start();
  ASSERT_TRUE(guard.is_wiped_by_kernel());
  const int status = status_of(fork, [] {
    std::atomic<int> adoptions{0};
    std::atomic<bool> is_in_order{false};
    std::atomic<int> early{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (guard.begin_adoption()) {
          ++adoptions;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          is_in_order = true;
          guard.adopted();
        } else if (!is_in_order) {
          ++early;
        }
      });
    }
    for (std::thread& one : threads) one.join();
    return adoptions == 1 && early == 0 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(ForkGuard, SaysSoWhereTheKernelCannot) {
  fake_os::fail(fake_os::Call::wipe_in_child, 1, fake_os::Failure::once);
  guard.start();
  EXPECT_FALSE(guard.is_wiped_by_kernel());
  EXPECT_FALSE(guard.is_new_child());
  const int status = status_of(fork, [] {
    if (guard.is_new_child()) return 10;
    guard.note_child();
    return adopt_once();
  });
  EXPECT_EQ(status, 0) << "then the handler of a fork notes the child";
}

TEST(ForkGuard, SaysSoWhenThereIsNoMemory) {
  fake_os::fail(fake_os::Call::reserve, 1, fake_os::Failure::once);
  guard.start();
  EXPECT_FALSE(guard.is_wiped_by_kernel());
  fake_os::fail(fake_os::Call::commit, 1, fake_os::Failure::once);
  guard.start();
  EXPECT_FALSE(guard.is_wiped_by_kernel());
  EXPECT_FALSE(guard.is_new_child());
}

}  // namespace
}  // namespace bursar
