// What arenas and pools tell the process's figures: here a function of the test stands where bursar's is.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

#include "bursar/arena_pool.h"
#include "bursar/bursar.h"
#include "bursar/object_pool.h"
#include "tests/runtime/failing_memory.h"

namespace {

std::array<std::atomic<std::int64_t>, BURSAR_CACHE_MISSES + 1> counters{};
std::atomic<int> calls{0};

}  // namespace

extern "C" void bursar_metrics_count(bursar_counter counter, int64_t change) {
  counters[counter] += change;
  ++calls;
}

namespace {

using bursar::Arena;
using bursar::ArenaPool;
using bursar::ObjectPool;

/// The ancestor's name.
TEST(Metrics, MetricsTracking) {
  {
    Arena arena;
    for (int number = 0; number < 100; ++number) static_cast<void>(arena.allocate(1000));
    auto scope = arena.scope();
    static_cast<void>(arena.allocate(1000));
  }
  EXPECT_EQ(counters[BURSAR_ARENA_ALLOCATIONS], 101);
  EXPECT_GE(counters[BURSAR_ARENA_BYTES], 101'000);
  {
    ObjectPool<int> pool;
    for (int number = 0; number < 10; ++number) static_cast<void>(*pool.acquire(number));
  }
  EXPECT_EQ(counters[BURSAR_POOL_HITS], 9);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 1);
}

TEST(Metrics, ArenasAreToldAboutSeldom) {
  Arena arena;
  for (int round = 0; round < 1000; ++round) {
    for (int number = 0; number < 10; ++number) static_cast<void>(arena.allocate(100));
    arena.reset();
  }
  EXPECT_LE(calls, 4);
}

TEST(Metrics, AnArenaIsToldAboutWhenItIsReleased) {
  Arena arena;
  static_cast<void>(arena.allocate(100'000));
  arena.release();
  EXPECT_EQ(counters[BURSAR_ARENA_ALLOCATIONS], 1);
}

TEST(Metrics, AMovedArenaIsToldAboutOnce) {
  {
    Arena arena;
    static_cast<void>(arena.allocate(100));
    Arena moved = std::move(arena);
    static_cast<void>(moved.allocate(100));
    arena = std::move(moved);
    Arena other;
    static_cast<void>(other.allocate(100));
    other = std::move(arena);
  }
  EXPECT_EQ(counters[BURSAR_ARENA_ALLOCATIONS], 3);
}

TEST(Metrics, ArenaPoolsTellHitsAndMisses) {
  {
    ArenaPool pool;
    for (int number = 0; number < 10; ++number) static_cast<void>(pool.checkout()->allocate(10));
  }
  EXPECT_EQ(counters[BURSAR_POOL_HITS], 9);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 1);
  EXPECT_EQ(counters[BURSAR_ARENA_ALLOCATIONS], 10);
}

/// A pool that never ends, as a server's, is told about all the same.
TEST(Metrics, ObjectPoolsAreToldAboutOnTheWay) {
  ObjectPool<int> pool;
  for (int number = 0; number < 10'000; ++number) static_cast<void>(*pool.acquire(number));
  EXPECT_GE(counters[BURSAR_POOL_HITS], 10'000 - 1'024);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 1);
  EXPECT_LE(calls, 20);
}

TEST(Metrics, ObjectPoolsTellEachObjectOnce) {
  {
    ObjectPool<int> pool;
    for (int number = 0; number < 5'000; ++number) static_cast<void>(*pool.acquire(number));
    EXPECT_EQ(pool.stats().hits, 4'999u);
  }
  EXPECT_EQ(counters[BURSAR_POOL_HITS], 4'999);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 1);
}

TEST(Metrics, ArenaPoolsAreToldAboutOnTheWay) {
  ArenaPool pool;
  for (int number = 0; number < 10'000; ++number) static_cast<void>(pool.checkout());
  EXPECT_GE(counters[BURSAR_POOL_HITS], 10'000 - 256);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 1);
}

TEST(Metrics, ArenaPoolsTellEachCheckoutOnce) {
  {
    ArenaPool pool;
    const auto held = pool.checkout();
    for (int number = 0; number < 999; ++number) static_cast<void>(pool.checkout());
  }
  EXPECT_EQ(counters[BURSAR_POOL_HITS], 998);
  EXPECT_EQ(counters[BURSAR_POOL_MISSES], 2);
}

/// The ancestor's name: it asked for fewer than 150 calls of the heap for a task, and had 75.
TEST(Metrics, AllocationsPerTask) {
  ArenaPool pool;
  const auto task = [&] {
    const auto arena = pool.checkout();
    for (int number = 0; number < 75; ++number) static_cast<void>(arena->allocate(48));
  };
  task();
  const auto before = bursar::testing::allocation_calls();
  task();
  EXPECT_EQ(bursar::testing::allocation_calls() - before, 0u);
}

/// The ancestor's name: how many calls of the heap 1,000 objects take. (Time is the bench's.)
TEST(Metrics, ArenaPerformance) {
  const auto before = bursar::testing::allocation_calls();
  Arena arena;
  for (std::uint64_t number = 0; number < 1000; ++number) *arena.make<std::uint64_t>(0U) = number;
  EXPECT_LE(bursar::testing::allocation_calls() - before, 3u);
}

}  // namespace
