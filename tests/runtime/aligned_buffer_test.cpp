// Buffers that vector code may read past.
#include "bursar/aligned_buffer.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <numeric>

#include "tests/runtime/failing_memory.h"

namespace {

using bursar::AlignedBuffer;
using bursar::Arena;

template <typename Buffer>
void expect_the_promise(const Buffer& buffer, std::size_t alignment) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % alignment, 0u);
  const auto* tail = reinterpret_cast<const unsigned char*>(buffer.data() + buffer.size());
  for (int index = 0; index < 64; ++index) EXPECT_EQ(tail[index], 0);
  EXPECT_TRUE(buffer.tail_is_zero());
}

TEST(AlignedBuffer, IsAlignedAndItsTailIsReadableAndZero) {
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 1000U}) {
    expect_the_promise(AlignedBuffer<float>(count), 64);
    expect_the_promise(AlignedBuffer<char, 4096>::for_overwrite(count), 4096);
  }
}

TEST(AlignedBuffer, IsTheSameInAnArena) {
  Arena arena;
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 1000U, 100'000U}) {
    expect_the_promise(AlignedBuffer<double>(arena, count), 64);
    expect_the_promise(AlignedBuffer<char, 256>::for_overwrite(arena, count), 256);
  }
}

TEST(AlignedBuffer, BeginsWithZeros) {
  Arena arena;
  {
    auto scope = arena.scope();
    auto dirty = AlignedBuffer<int>::for_overwrite(arena, 1000);
    std::iota(dirty.begin(), dirty.end(), 1);
  }
  const AlignedBuffer<int> buffer(arena, 1000);
  EXPECT_EQ(std::accumulate(buffer.begin(), buffer.end(), 0), 0);
}

TEST(AlignedBuffer, CopiesElements) {
  const std::array<int, 3> numbers = {1, 2, 3};
  Arena arena;
  EXPECT_EQ(AlignedBuffer<int>::copy_of(numbers)[2], 3);
  EXPECT_EQ(AlignedBuffer<int>::copy_of(arena, numbers)[2], 3);
  EXPECT_TRUE(AlignedBuffer<int>::copy_of(std::span<const int>()).is_allocated());
}

TEST(AlignedBuffer, MovesAndLeavesNothingBehind) {
  AlignedBuffer<int> buffer(10);
  buffer[3] = 7;
  AlignedBuffer<int> moved(std::move(buffer));
  EXPECT_FALSE(buffer.is_allocated());
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_TRUE(buffer.tail_is_zero());
  buffer = std::move(moved);
  EXPECT_EQ(buffer[3], 7);
}

TEST(AlignedBuffer, TellsAWritePastItsEnd) {
  auto buffer = AlignedBuffer<char>(10);
  buffer.data()[10] = 'x';
  EXPECT_FALSE(buffer.tail_is_zero());
}

TEST(AlignedBuffer, RefusesCountsBeyondTheAddressSpace) {
  Arena arena;
  for (std::size_t count : {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 8 + 1, SIZE_MAX / 2}) {
    EXPECT_THROW(AlignedBuffer<double>{count}, std::bad_array_new_length);
    EXPECT_THROW((AlignedBuffer<double>{arena, count}), std::bad_array_new_length);
    EXPECT_FALSE(AlignedBuffer<double>::try_for_overwrite(count).is_allocated());
    EXPECT_FALSE(AlignedBuffer<double>::try_for_overwrite(arena, count).is_allocated());
  }
}

TEST(AlignedBuffer, WithoutMemoryNothingIsLost) {
  const auto before = bursar::testing::live_blocks();
  const auto failures = bursar::testing::for_each_allocation_failure([](std::uint64_t) {
    try {
      AlignedBuffer<int> kept(10);
      AlignedBuffer<int> other = AlignedBuffer<int>::copy_of(kept.span());
      EXPECT_EQ(other.size(), 10u);
      kept = std::move(other);
    } catch (const std::bad_alloc&) {
    }
    static_cast<void>(AlignedBuffer<int>::try_for_overwrite(10));
  });
  EXPECT_EQ(failures, 3u);
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

}  // namespace
