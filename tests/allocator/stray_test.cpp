// Blocks of other heaps that stay where they are freed, to serve the next allocation there.
#include "allocator/thread_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <vector>

#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

/// Of a class whose blocks share cache lines so many go home before the first one stays.
constexpr size_t sent_before_straying = 64;

/// How many blocks of a class may stay.
size_t strays_max(size_t bytes) {
  const size_t block_bytes = block_bytes_of(size_class_of(bytes));
  return std::min<size_t>(32, (16 * KiB + block_bytes - 1) / block_bytes);
}

/// More than may stay, and less than makes the sender take the owner's place.
size_t many(size_t bytes) { return std::min<size_t>(200, 512 * KiB / bytes); }

/// Frees all blocks; then how many of them serve as many allocations.
size_t count_kept(const std::vector<void*>& blocks, size_t bytes) {
  for (void* block : blocks) deallocate(block);
  const std::vector<void*> next = allocate_many(blocks.size(), bytes);
  const std::set<void*> freed(blocks.begin(), blocks.end());
  size_t kept = 0;
  for (void* block : next) kept += freed.count(block);
  deallocate_all(next, bytes);
  return kept;
}

/// A class each whose blocks fill whole cache lines.
class OfWholeLines : public testing::TestWithParam<size_t> {
 protected:
  const AttachedThread here_;
};

TEST_P(OfWholeLines, ABlockServesTheNextAllocationWhereItWasFreed) {
  const size_t bytes = GetParam();
  void* block = allocate(bytes);
  const Slab& slab = slab_of(block);
  run_attached([&] {
    deallocate(block);
    EXPECT_EQ(allocate(bytes), block);
    EXPECT_NE(allocate(bytes), block);
    thread.heap->validate();
  });
  empty_bins();
  EXPECT_EQ(slab.out(), 1) << "it is in use, by another thread";
}

TEST_P(OfWholeLines, SoManyBlocksStay) {
  const size_t bytes = GetParam();
  const std::vector<void*> blocks = allocate_many(many(bytes), bytes);
  run_attached([&] { EXPECT_EQ(count_kept(blocks, bytes), strays_max(bytes)); });
  empty_bins();
  test::validate_heap();
}

TEST_P(OfWholeLines, WhatStayedGoesHomeWhenTheThreadEnds) {
  const size_t bytes = GetParam();
  const std::vector<void*> blocks = allocate_many(many(bytes), bytes);
  run_attached([&] { deallocate_all(blocks, bytes); });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST_P(OfWholeLines, WhatStayedGoesHomeWhenAllMemoryIsWantedBack) {
  const size_t bytes = GetParam();
  const std::vector<void*> blocks = allocate_many(many(bytes), bytes);
  run_attached([&] {
    deallocate_all(blocks, bytes);
    (void)heap::purge_all();
    thread.heap->validate();
    const void* next = allocate(bytes);
    EXPECT_EQ(std::count(blocks.begin(), blocks.end(), next), 0);
  });
}

TEST_P(OfWholeLines, ABlockThatStayedIsSeenWhenItIsFreedAgain) {
  const size_t bytes = GetParam();
  void* block = allocate(bytes);
  const auto free_twice = [block] {
    run_attached([block] {
      deallocate(block);
      deallocate(block);
    });
  };
  EXPECT_EXIT(free_twice(), aborted, "^bursar: double free of 0x");
}

INSTANTIATE_TEST_SUITE_P(Strays, OfWholeLines, testing::Values(64, 128, 1024, 1025, 5000, 9000, medium_bytes_max));

/// A class each whose blocks share their first or last line with a neighbour.
class SharingLines : public testing::TestWithParam<size_t> {
 protected:
  const AttachedThread here_;
};

TEST_P(SharingLines, AFewBlocksGoHome) {
  const size_t bytes = GetParam();
  const std::vector<void*> blocks = allocate_many(sent_before_straying, bytes);
  run_attached([&] { EXPECT_EQ(count_kept(blocks, bytes), 0U); });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST_P(SharingLines, BlocksStayOnceTheirClassWanders) {
  const size_t bytes = GetParam();
  const std::vector<void*> sent = allocate_many(sent_before_straying, bytes);
  const std::vector<void*> blocks = allocate_many(many(bytes), bytes);
  run_attached([&] {
    deallocate_all(sent, bytes);
    EXPECT_EQ(count_kept(blocks, bytes), strays_max(bytes));
    thread.heap->validate();
  });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST_P(SharingLines, EachClassWandersForItself) {
  const size_t bytes = GetParam();
  const std::vector<void*> sent = allocate_many(sent_before_straying, bytes);
  void* other = allocate(bytes + 32);
  run_attached([&] {
    deallocate_all(sent, bytes);
    deallocate(other);
    EXPECT_NE(allocate(bytes + 32), other);
  });
}

INSTANTIATE_TEST_SUITE_P(Strays, SharingLines, testing::Values(16, 80, 112, 720, 1008 - 32));

TEST(Strays, TheOneFreedLastServesFirst) {
  const AttachedThread here;
  std::vector<void*> blocks = allocate_many(10, 64);
  run_attached([&] {
    for (void* block : blocks) deallocate(block);
    std::reverse(blocks.begin(), blocks.end());
    for (const void* block : blocks) EXPECT_EQ(allocate(64), block);
  });
}

TEST(Strays, TheyServeBeforeTheSlabsOwnBlocks) {
  const AttachedThread here;
  for (const size_t bytes : {64, 5000}) {
    void* stray = allocate(bytes);
    run_attached([&] {
      const std::vector<void*> own = allocate_slab(bytes);
      for (void* block : own) deallocate(block);
      deallocate(stray);
      EXPECT_EQ(allocate(bytes), stray);
      EXPECT_EQ(allocate(bytes), own.front());
      thread.heap->validate();
    });
  }
}

TEST(Strays, TheyServeWithoutALock) {
  const AttachedThread here;
  void* block = allocate(64);
  run_attached([&] {
    deallocate(block);
    const LockGuard heap_guard(thread.heap->lock());
    EXPECT_EQ(heap::try_recycle_small(64), block);
    EXPECT_EQ(heap::try_recycle_small(64), nullptr);
  });
}

TEST(Strays, AHandlerThatInterruptsTheHeapLeavesNone) {
  const AttachedThread here;
  void* block = allocate(64);
  const Slab& slab = slab_of(block);
  run_attached([&] {
    (void)allocate(64);
    const InsideScope inside;
    heap::deallocate(block, Caller::free);
  });
  (void)allocate(5000);
  EXPECT_EQ(slab.out(), slab.carved - 1) << "it went home at once";
}

TEST(Strays, TheyAreServedAndFreedWithoutGrowth) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(32, 64);
  run_attached([&] {
    deallocate_all(blocks, 64);
    const size_t used = used_bytes();
    for (int round = 0; round < 1000; ++round) deallocate_all(allocate_many(32, 64), 64);
    EXPECT_LE(used_bytes(), used);
  });
}

}  // namespace
}  // namespace bursar::test
