// Blocks for handlers that interrupted the heap.
#include "allocator/emergency.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "allocator/page_map.h"
#include "allocator/units.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;

TEST(Emergency, BlocksAreAlignedZeroedAndApart) {
  test::Random random(test::told_seed());
  struct Held {
    void* block;
    size_t bytes;
  };
  std::vector<Held> held;
  for (uint64_t i = 0; i < 2000; ++i) {
    const size_t bytes = random.one_in(50) ? random.bytes(4 * MiB) : random.bytes(2000);
    const size_t alignment = size_t{1} << random.between(0, 13);
    void* block = emergency::allocate(bytes, alignment);
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(address_of(block) % (alignment < 16 ? 16 : alignment), 0U);
    ASSERT_GE(emergency::usable_bytes(block), bytes);
    ASSERT_LT(emergency::usable_bytes(block), bytes + 16);
    ASSERT_TRUE(test::is_zero(block, bytes));
    test::fill(block, bytes, i);
    held.push_back({block, bytes});
  }
  for (uint64_t i = 0; i < held.size(); ++i) ASSERT_TRUE(test::holds(held[i].block, held[i].bytes, i));
}

TEST(Emergency, ZeroBytesAreServedAsOne) {
  void* block = emergency::allocate(0, 16);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(emergency::usable_bytes(block), 1U);
  EXPECT_NE(emergency::allocate(0, 16), block);
}

TEST(Emergency, ServesLargeAlignments) {
  for (size_t alignment = 16; alignment <= 64 * MiB; alignment *= 2) {
    void* block = emergency::allocate(100, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(address_of(block) % alignment, 0U);
    test::fill(block, 100, 1);
  }
}

TEST(Emergency, RefusesWhatNoAddressSpaceHolds) {
  EXPECT_EQ(emergency::allocate(request_bytes_max, 16), nullptr);
  EXPECT_EQ(emergency::allocate(request_bytes_max / 2, 16), nullptr);
  EXPECT_EQ(emergency::allocate(16, size_t{1} << 62), nullptr);
  EXPECT_EQ(emergency::allocate(size_t{1} << 47, 16), nullptr);
}

TEST(Emergency, ThePageMapKnowsItsBlocks) {
  void* small = emergency::allocate(100, 16);
  auto* large = static_cast<char*>(emergency::allocate(3 * MiB, 16));
  for (const void* pointer : {small, static_cast<void*>(large), static_cast<void*>(large + 3 * MiB - 1)}) {
    const bursar::Run* run = page_map.run_of(pointer);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(run->kind, RunKind::emergency);
  }
  const bursar::Run* run = page_map.run_of(small);
  EXPECT_TRUE(emergency::is_block(run, small));
  EXPECT_FALSE(emergency::is_block(run, pointer_to(run->start)));
  EXPECT_EQ(emergency::usable_bytes(pointer_to(run->start)), 0U);
}

TEST(Emergency, SaysSoWhenThereIsNoMemory) {
  for (const Call call : {Call::reserve, Call::commit, Call::reserve_readable}) {
    fake_os::fail(call, 1, Failure::from_then_on);
    EXPECT_EQ(emergency::allocate(100, 16), nullptr) << fake_os::name_of(call);
    fake_os::heal();
  }
  EXPECT_NE(emergency::allocate(100, 16), nullptr);
}

TEST(Emergency, ManyThreadsGetBlocksApart) {
  std::mutex mutex;
  std::set<uintptr_t> starts;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::vector<void*> mine;
      for (int step = 0; step < 3000; ++step) {
        mine.push_back(emergency::allocate(200, 16));
        ASSERT_NE(mine.back(), nullptr);
        test::fill(mine.back(), 200, address_of(mine.back()));
      }
      const std::lock_guard guard(mutex);
      for (void* block : mine) {
        EXPECT_TRUE(test::holds(block, 200, address_of(block)));
        EXPECT_TRUE(starts.insert(address_of(block)).second);
      }
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(starts.size(), 12'000U);
}

}  // namespace
}  // namespace bursar
