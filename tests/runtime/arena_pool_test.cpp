// Arenas that are lent to one task after another, and one that threads share.
#include "bursar/arena_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "bursar/shared_arena.h"
#include "tests/runtime/failing_memory.h"

namespace {

using bursar::Arena;
using bursar::ArenaPool;
using bursar::ArenaPoolOptions;
using bursar::PooledArena;
using bursar::SharedArena;

void work_in(Arena& arena) {
  for (int number = 0; number < 75; ++number)
    static_cast<void>(arena.make<std::string>(static_cast<std::size_t>(number), 'x'));
}

/// The ancestor's name.
TEST(ArenaPool, ArenaPoolReuse) {
  ArenaPool pool;
  Arena* first = nullptr;
  {
    const PooledArena arena = pool.checkout();
    first = &*arena;
    work_in(*arena);
  }
  const PooledArena again = pool.checkout();
  EXPECT_EQ(&*again, first);
  EXPECT_EQ(again->stats().allocations, 0u);
}

TEST(ArenaPool, AWarmOneCallsTheHeapNoMore) {
  ArenaPool pool;
  const auto task = [&] {
    const PooledArena arena = pool.checkout();
    for (int number = 0; number < 7500; ++number) static_cast<void>(arena->allocate(48));
  };
  task();
  task();
  const auto before = bursar::testing::allocation_calls();
  for (int round = 0; round < 100; ++round) task();
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

/// How many pages the kernel has given this thread.
long page_faults() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
  return usage.ru_minflt;
}

TEST(ArenaPool, AWarmOneMeetsNoPageFault) {
  ArenaPool pool;
  const auto task = [&](int blocks) {
    const PooledArena arena = pool.checkout();
    for (int number = 0; number < blocks; ++number) *static_cast<int*>(arena->allocate(48)) = number;
  };
  // The second size is beyond what malloc keeps for the next time.
  for (const int blocks : {75, 7'500}) {
    for (int round = 0; round < 3; ++round) task(blocks);
    // The least of some: the kernel may take a page for itself at any time.
    long least = std::numeric_limits<long>::max();
    for (int attempt = 0; attempt < 5; ++attempt) {
      const long before = page_faults();
      for (int round = 0; round < 100; ++round) task(blocks);
      least = std::min(least, page_faults() - before);
    }
    EXPECT_EQ(least, 0) << blocks;
  }
}

/// The ancestor's name. It asked for 80 of 100.
TEST(ArenaPool, PoolHitRate) {
  ArenaPool pool;
  for (int round = 0; round < 1000; ++round) work_in(*pool.checkout());
  EXPECT_EQ(pool.stats().misses, 1u);
  EXPECT_EQ(pool.stats().hits, 999u);
}

TEST(ArenaPool, KeepsNoMoreThanItsPolicySays) {
  ArenaPoolOptions options;
  options.idle_arenas_max = 2;
  ArenaPool pool(options);
  {
    std::vector<PooledArena> lent;
    for (int number = 0; number < 10; ++number) lent.push_back(pool.checkout());
    EXPECT_EQ(pool.stats().arenas, 10u);
  }
  // One more is at hand for this thread.
  EXPECT_EQ(pool.stats().arenas, 3u);
  EXPECT_EQ(pool.stats().idle_arenas, 3u);
}

TEST(ArenaPool, KeepsNoMoreBytesThanItsPolicySays) {
  ArenaPoolOptions options;
  options.idle_bytes_max = 100'000;
  ArenaPool pool(options);
  {
    std::vector<PooledArena> lent;
    for (int number = 0; number < 10; ++number) {
      lent.push_back(pool.checkout());
      static_cast<void>(lent.back()->allocate(10'000));
    }
  }
  EXPECT_LE(pool.stats().idle_bytes, 100'000u);
  EXPECT_LT(pool.stats().arenas, 10u);
}

TEST(ArenaPool, TrimGivesEverythingBack) {
  const auto before = bursar::testing::live_blocks();
  ArenaPool pool;
  {
    const PooledArena one = pool.checkout();
    const PooledArena two = pool.checkout();
    work_in(*one);
    work_in(*two);
  }
  pool.trim();
  EXPECT_EQ(bursar::testing::live_blocks(), before);
  EXPECT_EQ(pool.stats().arenas, 0u);
}

TEST(ArenaPool, AHandleMovesAndComesBackOnce) {
  ArenaPool pool;
  PooledArena arena = pool.checkout();
  PooledArena moved = std::move(arena);
  EXPECT_FALSE(arena);
  arena.reset();
  moved.reset();
  moved.reset();
  EXPECT_EQ(pool.stats().idle_arenas, 1u);
}

TEST(ArenaPool, AnArenaMayComeBackFromAnotherThread) {
  ArenaPool pool;
  for (int round = 0; round < 50; ++round) {
    PooledArena arena = pool.checkout();
    std::thread([lent = std::move(arena)]() mutable {
      work_in(*lent);
      lent.reset();
    }).join();
  }
  EXPECT_LE(pool.stats().arenas, 3u);
}

TEST(ArenaPool, ServesManyThreads) {
  ArenaPool pool;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const PooledArena outer = pool.checkout();
        const PooledArena inner = pool.checkout();
        *outer->make<int>(0) = round;
        *inner->make<int>(0) = round;
        if (round % 100 == 0) pool.trim();
        if (round % 101 == 0) static_cast<void>(pool.stats());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto stats = pool.stats();
  EXPECT_EQ(stats.hits + stats.misses, 8u * 2000 * 2);
}

TEST(ArenaPoolDeathTest, EndingBeforeItsArenasIsTold) {
  EXPECT_DEATH(
      {
        PooledArena arena;
        ArenaPool pool;
        arena = pool.checkout();
      },
      "bursar: ArenaPool: it ends before arenas that it lent");
}

TEST(ArenaPool, WithoutMemoryNothingIsLost) {
  const auto before = bursar::testing::live_blocks();
  const auto failures = bursar::testing::for_each_allocation_failure([](std::uint64_t) {
    ArenaPool pool;
    for (int round = 0; round < 3; ++round) {
      const PooledArena one = pool.try_checkout();
      try {
        const PooledArena two = pool.checkout();
        static_cast<void>(two->allocate(100));
      } catch (const std::bad_alloc&) {
      }
    }
  });
  EXPECT_GE(failures, 3u);
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(SharedArena, GivesEachThreadAPartOfItsOwn) {
  SharedArena arena;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<int*> made;
      for (int number = 0; number < 1000; ++number) made.push_back(arena.make<int>(thread * 1000 + number));
      for (int number = 0; number < 1000; ++number)
        wrong += *made[static_cast<std::size_t>(number)] != thread * 1000 + number ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(arena.parts(), 4u);
}

TEST(SharedArena, AThreadFindsItsPartAgain) {
  SharedArena one;
  SharedArena two;
  Arena* part = &one.local();
  EXPECT_NE(&two.local(), part);
  EXPECT_EQ(&one.local(), part);
}

TEST(SharedArena, ALaterOneIsNotTakenForAnEarlier) {
  for (int round = 0; round < 10; ++round) {
    SharedArena arena;
    *arena.make<int>(0) = round;
    EXPECT_EQ(arena.parts(), 1u);
  }
}

}  // namespace
