// What few freed blocks are good for: when their slab serves them, and how much memory waits until it does.
#include "allocator/slab.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <vector>

#include "allocator/thread_heap.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

/// Of classes with many blocks a slab, so that one freed block is few.
class Sweep : public testing::TestWithParam<size_t> {
 protected:
  [[nodiscard]] static size_t bytes() { return GetParam(); }
  [[nodiscard]] static size_t capacity() { return slab::capacity_of(size_class_of(bytes())); }
  [[nodiscard]] static size_t worthwhile() { return static_cast<size_t>(slab::worthwhile_of(capacity())); }
  [[nodiscard]] static size_t slab_bytes() { return slab_granules_of(size_class_of(bytes())) * granule_bytes; }

  const AttachedThread here_;
};

TEST_P(Sweep, ABlockFreedToTheCurrentSlabServesBeforeANewSlab) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const size_t used = used_bytes();
  deallocate(blocks[3]);
  EXPECT_EQ(allocate(bytes()), blocks[3]);
  EXPECT_EQ(used_bytes(), used);
  thread.heap->validate();
}

TEST_P(Sweep, AnAlmostFullSlabIsAskedForFewBlocksOnce) {
  ASSERT_GT(worthwhile(), 1U);
  const std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& slab = slab_of(blocks.front());
  deallocate(blocks[3]);
  EXPECT_EQ(allocate(bytes()), blocks[3]);
  deallocate(blocks[3]);
  const void* next = allocate(bytes());
  EXPECT_NE(&slab_of(next), &slab) << "else each block would cost a way out";
  EXPECT_EQ(slab.stage, SlabStage::exhausted);
  thread.heap->validate();
}

TEST_P(Sweep, EnoughBlocksServeAgainAndAgain) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const size_t used = used_bytes();
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < worthwhile(); ++i) deallocate(blocks[i]);
    for (size_t i = 0; i < worthwhile(); ++i) ASSERT_EQ(allocate(bytes()), blocks[i]);
  }
  EXPECT_EQ(used_bytes(), used);
}

TEST_P(Sweep, ABorderOfASlabIsCrossedWithoutGrowth) {
  std::vector<void*> blocks = allocate_slab(bytes());
  const size_t used = used_bytes();
  test::Random random(test::told_seed());
  for (int step = 0; step < 20'000; ++step) {
    void*& block = blocks[random.below(blocks.size())];
    deallocate(block);
    block = allocate(bytes());
  }
  EXPECT_LE(used_bytes(), used + slab_bytes());
  thread.heap->validate();
  std::set<void*> distinct(blocks.begin(), blocks.end());
  EXPECT_EQ(distinct.size(), blocks.size());
}

TEST_P(Sweep, AtMostAThirtySecondOfTheMemoryWaitsInExhaustedSlabs) {
  constexpr size_t slabs = 64;
  std::vector<std::vector<void*>> blocks;
  for (size_t i = 0; i < slabs; ++i) blocks.push_back(allocate_slab(bytes()));
  (void)allocate(bytes());
  size_t waiting = 0;
  for (const std::vector<void*>& of_slab : blocks) {
    for (size_t i = 0; i + 1 < worthwhile(); ++i, ++waiting) deallocate(of_slab[i]);
    ASSERT_EQ(slab_of(of_slab.front()).stage, SlabStage::exhausted);
  }
  EXPECT_LE(waiting * block_bytes_of(size_class_of(bytes())), slabs * slab_bytes() / 32);
  for (const std::vector<void*>& of_slab : blocks) {
    deallocate(of_slab.back());
    ASSERT_EQ(slab_of(of_slab.front()).stage, SlabStage::partial) << "one more, and it serves again";
  }
  thread.heap->validate();
}

INSTANTIATE_TEST_SUITE_P(ThreadHeap, Sweep, testing::Values(16, 48, 64, 240));

TEST(WorthwhileBlocks, NoClassLetsMoreThanAThirtySecondOfItsMemoryWait) {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const size_t capacity = slab::capacity_of(size_class);
    const auto waiting = static_cast<size_t>(slab::worthwhile_of(capacity)) - 1;
    EXPECT_LE(waiting * 32, capacity) << size_class;
  }
}

/// An exhausted slab to which blocks come back, the last of which makes it serve again.
class FreedEnds : public testing::Test {
 protected:
  FreedEnds() {
    blocks_ = allocate_slab(bytes);
    (void)allocate(bytes);
    blocks_.resize(static_cast<size_t>(slab_of(blocks_.front()).worthwhile));
  }
  void free_all() const {
    for (void* block : blocks_) deallocate(block);
  }
  static void* inside(void* block) { return pointer_to(address_of(block) + 16); }

  static constexpr size_t bytes = 64;

  const AttachedThread here_;
  std::vector<void*> blocks_;
};

TEST_F(FreedEnds, AnInteriorPointerFreedFirstIsSeen) {
  blocks_.front() = inside(blocks_.front());
  EXPECT_EXIT(free_all(), aborted, "^bursar: invalid free of 0x.*: inside the block at 0x");
}

TEST_F(FreedEnds, AnInteriorPointerFreedLastIsSeen) {
  blocks_.back() = inside(blocks_.back());
  EXPECT_EXIT(free_all(), aborted, "^bursar: invalid free of 0x.*: inside the block at 0x");
}

TEST_F(FreedEnds, BlocksAreNoMisuse) {
  free_all();
  EXPECT_EQ(slab_of(blocks_.front()).stage, SlabStage::partial);
  thread.heap->validate();
}

}  // namespace
}  // namespace bursar::test
