// What an arena holds of the heap, and when it gives it back.
#include <gtest/gtest.h>

#include <array>
#include <memory_resource>
#include <string>

#include "bursar/arena.h"
#include "tests/runtime/failing_memory.h"

namespace {

using bursar::Arena;
using bursar::ArenaError;
using bursar::ArenaFault;
using bursar::ArenaOptions;
using bursar::testing::live_blocks;

TEST(ArenaMemory, CyclesOfLikeSizeCallTheHeapNoMore) {
  Arena arena;
  const auto cycle = [&] {
    for (int number = 0; number < 5000; ++number) static_cast<void>(arena.allocate(100));
    static_cast<void>(arena.allocate(300'000));
    arena.reset();
  };
  cycle();
  cycle();
  const auto acquired = arena.stats().chunks_acquired;
  for (int round = 0; round < 50; ++round) cycle();
  EXPECT_EQ(arena.stats().chunks_acquired, acquired);
}

TEST(ArenaMemory, CyclesOfOneLargeBlockCallTheHeapNoMore) {
  Arena arena;
  for (int round = 0; round < 10; ++round) {
    static_cast<void>(arena.allocate(300'000));
    arena.reset();
  }
  EXPECT_EQ(arena.stats().chunks_acquired, 2u);
}

TEST(ArenaMemory, AfterAPeakMemoryGoesBackSlowly) {
  Arena arena;
  static_cast<void>(arena.allocate(10'000'000));
  arena.reset();
  for (int round = 0; round < 500; ++round) {
    static_cast<void>(arena.allocate(100'000));
    arena.reset();
    const auto stats = arena.stats();
    ASSERT_LE(stats.held_bytes, stats.high_water_bytes + stats.high_water_bytes / 4 + 16 * 1024);
  }
  EXPECT_LT(arena.stats().held_bytes, 200'000u);
  EXPECT_EQ(arena.stats().peak_bytes / 10'000'000, 1u);
}

TEST(ArenaMemory, ReleaseGivesAllBack) {
  const auto before = live_blocks();
  Arena arena;
  for (int number = 0; number < 1000; ++number) static_cast<void>(arena.allocate(1000));
  arena.release();
  EXPECT_EQ(live_blocks(), before);
  EXPECT_EQ(arena.stats().held_bytes, 0u);
  EXPECT_NE(arena.allocate(10), nullptr);
}

TEST(ArenaMemory, ItsLimitIsOfMemoryHeld) {
  ArenaOptions options;
  options.limit_bytes = 100'000;
  options.name = "small";
  Arena arena(options);
  std::size_t bytes = 0;
  try {
    for (;;) {
      static_cast<void>(arena.allocate(100));
      bytes += 100;
    }
  } catch (const ArenaError& error) {
    EXPECT_EQ(error.fault(), ArenaFault::limit_exceeded);
    EXPECT_EQ(error.limit_bytes(), 100'000u);
    EXPECT_NE(std::string(error.what()).find("'small': over the limit (wanted 100 bytes"), std::string::npos)
        << error.what();
  }
  EXPECT_LE(arena.stats().held_bytes, 100'000u);
  EXPECT_GT(bytes, 40'000u);
  EXPECT_EQ(arena.try_allocate(200'000), nullptr);
  arena.reset();
  EXPECT_NE(arena.try_allocate(100), nullptr);
}

TEST(ArenaMemory, TakesItsMemoryFromItsUpstream) {
  std::array<std::byte, 200'000> buffer;
  std::pmr::monotonic_buffer_resource upstream(buffer.data(), buffer.size(), std::pmr::null_memory_resource());
  ArenaOptions options;
  options.upstream = &upstream;
  Arena arena(options);
  auto* block = static_cast<std::byte*>(arena.allocate(1000));
  EXPECT_TRUE(block >= buffer.data() && block < buffer.data() + buffer.size());
  EXPECT_EQ(arena.try_allocate(1'000'000), nullptr);
}

/// The ancestor's name: what an arena wastes.
TEST(ArenaMemory, ArenaEfficiency) {
  Arena arena;
  for (int number = 0; number < 10'000; ++number) static_cast<void>(arena.allocate(40));
  const auto stats = arena.stats();
  EXPECT_LE(stats.held_bytes, 2 * stats.bytes + 16 * 1024);
  arena.reset();
  for (int number = 0; number < 10'000; ++number) static_cast<void>(arena.allocate(40));
  EXPECT_LE(arena.stats().held_bytes, stats.bytes + stats.bytes / 4 + 4096);
}

}  // namespace
