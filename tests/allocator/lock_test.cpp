// The lock of slow paths.
#include "allocator/lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace bursar {
namespace {

TEST(Lock, LetsOneThreadInAtATime) {
  Lock lock;
  uint64_t counter = 0;  // not atomic: two threads inside would lose steps, and ThreadSanitizer would see them
  constexpr size_t threads = 4;
  constexpr uint64_t steps = 50'000;
  std::vector<std::thread> all;
  for (size_t i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (uint64_t step = 0; step < steps; ++step) {
        const LockGuard guard(lock);
        ++counter;
      }
    });
  }
  for (std::thread& one : all) one.join();
  EXPECT_EQ(counter, threads * steps);
  EXPECT_FALSE(lock.is_held());
}

TEST(Lock, TryAcquireGivesUpOnAHeldLock) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  EXPECT_TRUE(lock.is_held());
  std::thread([&] { EXPECT_FALSE(lock.try_acquire()); }).join();
  lock.release();
  EXPECT_FALSE(lock.is_held());
  EXPECT_TRUE(lock.try_acquire());
}

TEST(Lock, TryAcquireKeepsOthersOut) {
  Lock lock;
  uint64_t counter = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < 2; ++i) {
    all.emplace_back([&] {
      for (int step = 0; step < 20'000; ++step) {
        while (!lock.try_acquire()) std::this_thread::yield();
        ++counter;
        lock.release();
        lock.acquire();
        ++counter;
        lock.release();
      }
    });
  }
  for (std::thread& one : all) one.join();
  EXPECT_EQ(counter, 80'000U);
}

TEST(Lock, SleepersAreWokenOneAfterTheOther) {
  Lock lock;
  lock.acquire();
  std::atomic<int> inside{0};
  std::atomic<int> finished{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i) {
    all.emplace_back([&] {
      lock.acquire();
      EXPECT_EQ(++inside, 1);
      --inside;
      lock.release();
      ++finished;
    });
  }
  // Long enough that most of them sleep in the kernel; nothing depends on it.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(finished, 0);
  lock.release();
  for (std::thread& one : all) one.join();
  EXPECT_EQ(finished, 8);
}

TEST(Lock, WhatOneWroteInsideTheNextReads) {
  Lock lock;
  size_t values[64] = {};
  std::vector<std::thread> all;
  for (int i = 0; i < 3; ++i) {
    all.emplace_back([&] {
      for (size_t step = 0; step < 10'000; ++step) {
        const LockGuard guard(lock);
        for (size_t& value : values) ASSERT_EQ(value, values[0]);
        for (size_t& value : values) ++value;
      }
    });
  }
  for (std::thread& one : all) one.join();
  EXPECT_EQ(values[63], 30'000U);
}

TEST(Lock, AChildOpensWhatAnotherThreadHeldAtTheFork) {
  Lock lock;
  std::atomic<bool> is_held{false};
  std::atomic<bool> may_end{false};
  std::thread holder([&] {
    lock.acquire();
    is_held = true;
    while (!may_end) std::this_thread::yield();
    lock.release();
  });
  while (!is_held) std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    if (!lock.is_held()) _exit(1);
    lock.reset();
    if (lock.is_held() || !lock.try_acquire()) _exit(2);
    lock.release();
    _exit(lock.is_held() ? 3 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  may_end = true;
  holder.join();
}

}  // namespace
}  // namespace bursar
