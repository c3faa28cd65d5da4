// Where the runtime's memory comes from.
#include "bursar/memory.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/runtime/failing_memory.h"

namespace {

TEST(Memory, ABlockIsAlignedAndGoesBack) {
  const std::int64_t before = bursar::testing::live_blocks();
  void* block = bursar::try_allocate_memory(100, bursar::memory_alignment);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % bursar::memory_alignment, 0u);
  bursar::deallocate_memory(block, 100, bursar::memory_alignment);
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(Memory, WithoutMemoryItIsNull) {
  bursar::testing::FailNthAllocation failure(1);
  EXPECT_EQ(bursar::try_allocate_memory(100, bursar::memory_alignment), nullptr);
}

TEST(Memory, TheErrorsAreBadAllocs) {
  EXPECT_THROW(bursar::throw_bad_alloc(), std::bad_alloc);
  EXPECT_THROW(bursar::throw_bad_array_length(), std::bad_alloc);
}

}  // namespace
