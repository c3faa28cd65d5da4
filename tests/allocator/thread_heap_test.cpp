// A thread's heap: bins, refills, and blocks that others free.
#include "allocator/thread_heap.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "allocator/depot.h"
#include "allocator/large.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

TEST(ThreadHeap, BlocksComeBackInTheOrderOfTheirFrees) {
  const AttachedThread here;
  test::Random random(test::told_seed());
  for (const size_t bytes : {1, 16, 64, 1000, 1024, 1025, 9000, 32768}) {
    std::vector<void*> blocks = allocate_slab(bytes);
    random.shuffle(blocks);
    for (void* block : blocks) deallocate(block);
    for (const void* block : blocks) EXPECT_EQ(allocate(bytes), block) << "neighbours stay neighbours";
  }
}

TEST(ThreadHeap, ABlockFreedAndAllocatedInTurnStaysInItsSlab) {
  const AttachedThread here;
  for (const size_t bytes : {16, 64, 1024, 4096, 32768}) {
    const size_t used = used_bytes();
    for (int i = 0; i < 10'000; ++i) deallocate(allocate(bytes));
    EXPECT_LE(used_bytes(), used + slab_granules_of(size_class_of(bytes)) * granule_bytes);
  }
}

TEST(ThreadHeap, TheFastPathLeavesForZeroBytesAndForAnEmptyHeap) {
  EXPECT_EQ(allocate_fast(0), nullptr);
  EXPECT_EQ(allocate_fast(64), nullptr) << "no heap yet";
  const AttachedThread here;
  EXPECT_EQ(allocate_fast(64), nullptr) << "an empty bin";
  EXPECT_EQ(allocate_fast(0), nullptr);
  void* block = allocate(0);
  EXPECT_NE(block, nullptr);
  deallocate(block);
  EXPECT_EQ(allocate_fast(0), nullptr);
}

TEST(ThreadHeap, TheFastPathLeavesForWhateverIsNotItsOwn) {
  Block local[4] = {};
  EXPECT_FALSE(try_deallocate_fast(nullptr));
  EXPECT_FALSE(try_deallocate_fast(local));
  const AttachedThread here;
  void* large = allocate(100'000);
  void* small = allocate(100);
  EXPECT_FALSE(try_deallocate_fast(nullptr));
  EXPECT_FALSE(try_deallocate_fast(local));
  EXPECT_FALSE(try_deallocate_fast(large));
  EXPECT_FALSE(try_deallocate_fast(pointer_to(address_of(small) + 8)));
  run_attached([&] { EXPECT_FALSE(try_deallocate_fast(small)); });
  std::thread([&] { EXPECT_FALSE(try_deallocate_fast(small)); }).join();
  EXPECT_TRUE(try_deallocate_fast(small));
  deallocate(large);
}

TEST(ThreadHeap, AFreeGoesToItsSlabAtOnce) {
  const AttachedThread here;
  for (const size_t bytes : {16, 64, 1024, 4096, 32768}) {
    const std::vector<void*> blocks = allocate_many(1000, bytes);
    for (void* block : blocks) {
      Slab& slab = slab_of(block);
      const int32_t out = slab.out();
      deallocate(block);
      // A slab that is unused now may be gone, its record with it.
      ASSERT_TRUE(page_map.run_of(block) == nullptr || slab.out() == out - 1);
    }
    thread.heap->validate();
  }
}

TEST(ThreadHeap, FreedMemoryServesTheNextBlocks) {
  const AttachedThread here;
  const int rounds = test::is_slow_build() ? 4 : 20;
  for (int round = 0; round < rounds; ++round) {
    deallocate_all(allocate_many(5000, 200), 200);
    EXPECT_LE(used_bytes(), 2 * MiB) << round;
  }
}

TEST(ThreadHeap, SlabsWithoutBlocksGoBackToTheDepot) {
  const size_t some_bytes = test::is_slow_build() ? 1 * MiB : 4 * MiB;
  const AttachedThread here;
  for (const size_t bytes : {16, 200, 1024, 5000, 32768}) {
    const std::vector<void*> blocks = allocate_many(some_bytes / bytes, bytes);
    EXPECT_GE(used_bytes(), some_bytes);
    deallocate_all(blocks, bytes);
    EXPECT_LE(used_bytes(), some_bytes / 4) << "the slab that serves stays";
    empty_bins();
    EXPECT_EQ(used_bytes(), 0U);
    thread.heap->validate();
  }
}

/// A class each, with slabs of many blocks and of few, of one granule and of more.
class EachSize : public testing::TestWithParam<size_t> {
 protected:
  [[nodiscard]] static size_t bytes() { return GetParam(); }
  [[nodiscard]] static SizeClass size_class() { return size_class_of(bytes()); }
  [[nodiscard]] static size_t slab_bytes() { return slab_granules_of(size_class()) * granule_bytes; }
  [[nodiscard]] static size_t worthwhile() {
    return static_cast<size_t>(slab::worthwhile_of(slab::capacity_of(size_class())));
  }
  /// Frees as many of the blocks as make their slab serve again, and takes them from the list.
  static void free_enough(std::vector<void*>& blocks) {
    for (size_t i = 0; i < worthwhile(); ++i) {
      deallocate(blocks.back());
      blocks.pop_back();
    }
  }

  const AttachedThread here_;
};

TEST_P(EachSize, ASlabIsCurrentUntilAllOfItIsOut) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& slab = slab_of(blocks.front());
  for (const void* block : blocks) ASSERT_EQ(&slab_of(block), &slab) << "blocks that come together lie together";
  EXPECT_EQ(slab.stage, SlabStage::current);
  EXPECT_EQ(slab.out(), slab.capacity);
  const void* next = allocate(bytes());
  EXPECT_NE(&slab_of(next), &slab);
  EXPECT_EQ(slab.stage, SlabStage::exhausted);
  thread.heap->validate();
}

TEST_P(EachSize, AnExhaustedSlabServesAgainWhenEnoughIsBack) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& slab = slab_of(blocks.front());
  (void)allocate(bytes());
  for (size_t i = 0; i < worthwhile(); ++i) {
    ASSERT_EQ(slab.stage, SlabStage::exhausted) << i;
    deallocate(blocks[i]);
  }
  EXPECT_EQ(slab.stage, SlabStage::partial);
  thread.heap->validate();
}

TEST_P(EachSize, AnUnusedPartialSlabGoesAtOnce) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& slab = slab_of(blocks.front());
  (void)allocate(bytes());
  const size_t used = used_bytes();
  for (void* block : blocks) {
    ASSERT_EQ(page_map.run_of(block), &slab);
    deallocate(block);
  }
  EXPECT_EQ(page_map.run_of(blocks.front()), nullptr);
  EXPECT_EQ(used_bytes(), used - slab_bytes());
  thread.heap->validate();
}

TEST_P(EachSize, AnUnusedCurrentSlabStays) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& slab = slab_of(blocks.front());
  deallocate_all(blocks, bytes());
  EXPECT_EQ(page_map.run_of(blocks.front()), &slab);
  EXPECT_EQ(slab.stage, SlabStage::current);
  EXPECT_EQ(slab.out(), 0);
  thread.heap->validate();
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST_P(EachSize, FreedBlocksServeBeforeFreshOnes) {
  std::vector<void*> blocks = allocate_slab(bytes());
  const Slab& full = slab_of(blocks.front());
  const Slab& fresh = slab_of(allocate(bytes()));
  free_enough(blocks);
  const size_t carved = fresh.carved;
  const size_t used = used_bytes();
  const void* block = allocate(bytes());
  while (&slab_of(block) == &fresh) block = allocate(bytes());  // of those that are carved already
  for (size_t taken = 0; taken < worthwhile(); ++taken) {
    ASSERT_EQ(&slab_of(block), &full);
    ASSERT_EQ(fresh.carved, carved) << "another page would be touched";
    ASSERT_EQ(fresh.stage, SlabStage::partial);
    block = allocate(bytes());
  }
  EXPECT_EQ(block, pointer_to(fresh.start + carved * fresh.block_bytes())) << "now the rest of the fresh one";
  EXPECT_EQ(fresh.stage, SlabStage::current);
  EXPECT_EQ(used_bytes(), used) << "and no other slab";
  thread.heap->validate();
}

TEST_P(EachSize, TheSlabThatWaitedLongestServesFirst) {
  std::vector<std::vector<void*>> slabs;
  for (int i = 0; i < 4; ++i) slabs.push_back(allocate_slab(bytes()));
  const Slab& newest = slab_of(allocate(bytes()));
  const size_t order[] = {2, 0, 3, 1};
  for (const size_t i : order) free_enough(slabs[i]);
  const void* block = allocate(bytes());
  while (&slab_of(block) == &newest) block = allocate(bytes());
  for (const size_t i : order) {
    for (size_t taken = 0; taken < worthwhile(); ++taken) {
      ASSERT_EQ(&slab_of(block), &slab_of(slabs[i].front()));
      block = allocate(bytes());
    }
  }
  thread.heap->validate();
}

TEST_P(EachSize, ASlabWithAFreshRestWaitsBehindAllOthers) {
  std::vector<void*> first = allocate_slab(bytes());
  std::vector<void*> second = allocate_slab(bytes());
  const Slab& fresh = slab_of(allocate(bytes()));
  free_enough(first);
  const Slab& of_first = slab_of(first.front());
  while (of_first.stage != SlabStage::current) (void)allocate(bytes());
  ASSERT_EQ(fresh.stage, SlabStage::partial);
  ASSERT_LT(fresh.carved, fresh.capacity);
  const size_t carved = fresh.carved;
  free_enough(second);
  const Slab& of_second = slab_of(second.front());
  while (of_second.stage != SlabStage::current) {
    (void)allocate(bytes());
    ASSERT_EQ(fresh.stage, SlabStage::partial) << "it came later, but it serves first";
  }
  EXPECT_EQ(fresh.carved, carved);
  thread.heap->validate();
}

TEST_P(EachSize, TheLastFreedBlockServesBeforeThereIsNoMemory) {
  const std::vector<void*> blocks = allocate_slab(bytes());
  deallocate(blocks.front());
  fake_os::fail(fake_os::Call::reserve, 1, fake_os::Failure::from_then_on);
  Zeroed zeroed{};
  while (depot.acquire(1, 1, RunKind::pages, zeroed) != nullptr) {
  }
  EXPECT_EQ(allocate(bytes()), blocks.front());
  EXPECT_EQ(allocate(bytes()), nullptr);
  deallocate(blocks.back());
  EXPECT_EQ(allocate(bytes()), blocks.back());
  thread.heap->validate();
}

INSTANTIATE_TEST_SUITE_P(ThreadHeap, EachSize,
                         testing::Values(1, 48, 64, small_bytes_max, small_bytes_max + 1, 5000, 9000,
                                         medium_bytes_max));

TEST(ThreadHeap, ABlockFreedTwiceInARowIsSeen) {
  const AttachedThread here;
  for (const size_t bytes : {16, 1024, 1025, 32768}) {
    void* block = allocate(bytes);
    deallocate(block);
    EXPECT_EXIT(deallocate(block), aborted, "^bursar: double free of 0x");
    EXPECT_EXIT(heap::deallocate(block, Caller::free), aborted, "^bursar: double free of 0x");
  }
}

TEST(ThreadHeap, AFreeThatInterruptedTheHeapTakesNoLock) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(100, 64);
  void* large = allocate(6 * MiB);
  void* run = allocate(200'000);
  {
    const InsideScope inside;  // as a signal handler finds it
    const LockGuard heap_guard(thread.heap->lock());
    const LockGuard depot_guard(depot.lock());
    for (void* block : blocks) heap::deallocate(block, Caller::free);
    heap::deallocate(large, Caller::free);
    heap::deallocate(run, Caller::free);
    void* block = heap::allocate(100, block_alignment, Zeroed::yes);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(test::is_zero(block, 100));
    heap::deallocate(block, Caller::free);
    EXPECT_EQ(large::mapping_count(), 1U) << "it waits";
  }
  deallocate(allocate(100'000));
  EXPECT_EQ(large::mapping_count(), 0U) << "the next one inside freed it";
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(ThreadHeap, LooksAtThePurgeClockNowAndThen) {
  fake_os::set_clock_ms(1'000'000);
  settings.purge_ms = 500;
  const AttachedThread here;
  deallocate(allocate(6 * MiB));
  deallocate_all(allocate_many(2000, 1000), 1000);
  fake_os::advance_clock_ms(500);
  const uint64_t before = fake_os::calls(fake_os::Call::purge) + fake_os::calls(fake_os::Call::release);
  for (int i = 0; i < 2000; ++i) (void)allocate(16);  // small blocks alone, and none is freed
  EXPECT_GE(fake_os::calls(fake_os::Call::purge) + fake_os::calls(fake_os::Call::release), before + 2)
      << "both the segment's free part and the mapping";
}

TEST(ThreadHeap, TheSharedHeapServesThreadsPastTheirEnd) {
  std::thread([] {
    { const AttachedThread here; }
    std::vector<void*> blocks = allocate_many(2000, 64);
    const ThreadHeap* shared = slab_of(blocks[0]).heap.load();
    EXPECT_EQ(shared->stage.load(), HeapStage::shared);
    deallocate_all(blocks, 64);
    blocks = allocate_many(2000, 64);
    EXPECT_LE(used_bytes(), MiB);
    deallocate_all(blocks, 64);
  }).join();
  test::validate_heap();
}

TEST(ThreadHeap, ManyThreadsShareTheSharedHeap) {
  const size_t rounds = test::is_slow_build() ? 20 : 200;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([rounds] {
      for (size_t round = 0; round < rounds; ++round) {
        deallocate_all(allocate_many(100, 64), 64);
        deallocate_all(allocate_many(10, 20'000), 20'000);
      }
    });
  }
  for (std::thread& one : threads) one.join();
  test::validate_heap();
  EXPECT_LE(used_bytes(), 4 * MiB);
}

TEST(ThreadHeap, ARefillBeginsWithWhatAHandlerLeftInTheBin) {
  // A handler that allocates between malloc's look at the empty bin and its refill leaves blocks there.
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(64);
  void* in_bin = allocate(64);
  const Slab& slab = slab_of(in_bin);
  ASSERT_NE(thread.heap->small_bin_of(64).head, nullptr);
  std::set<void*> all;
  {
    const InsideScope inside;
    all.insert(thread.heap->refill(size_class_of(64)));
  }
  thread.heap->validate();
  while (all.size() + 1 < slab.capacity) ASSERT_TRUE(all.insert(allocate(64)).second);
  for (const void* block : all) EXPECT_EQ(&slab_of(block), &slab) << "none is lost";
  deallocate_all(blocks, 64);
}

TEST(ThreadHeap, ASlabThatAHandlerSpentAgainIsNotTakenForPartial) {
  // A free leaves to settle; before it does, a handler settles and then allocates all that came back.
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(64);
  (void)allocate(64);
  Slab& slab = slab_of(blocks.front());
  ASSERT_EQ(slab.stage, SlabStage::exhausted);
  {
    const InsideScope inside;
    thread.heap->settle(slab);
  }
  EXPECT_EQ(slab.stage, SlabStage::exhausted) << "nothing of it could serve";
  std::set<void*> distinct(blocks.begin(), blocks.end());
  for (size_t i = 0; i < 2 * blocks.size(); ++i) ASSERT_TRUE(distinct.insert(allocate(64)).second);
}

TEST(ThreadHeap, ASlabWhoseLastBlocksAHandlerFreedGoesAllTheSame) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(64);
  (void)allocate(64);
  {
    const InsideScope inside;  // as a signal handler finds it
    for (void* block : blocks) deallocate(block);
  }
  empty_bins();
  thread.heap->validate();
  EXPECT_EQ(used_bytes(), granule_bytes) << "the slab of the one block in use";
}

TEST(ThreadHeap, ValidateSeesABlockInTheWrongBin) {
  const AttachedThread here;
  void* small = allocate(64);
  void* other = allocate(128);
  deallocate(small);
  deallocate(other);
  const auto break_and_validate = [other] {
    thread.heap->bin_at(64)->head->next = static_cast<Block*>(other);
    thread.heap->validate();
  };
  EXPECT_EXIT(break_and_validate(), aborted, "broken invariant");
}

}  // namespace
}  // namespace bursar::test
