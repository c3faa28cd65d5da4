// Bins that give out few blocks at a time while much free memory waits for the purge clock.
#include "allocator/thread_heap.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "allocator/depot.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

constexpr size_t spared_blocks = 16;

/// A clock that stands still, and memory that can be made to wait for it.
class Sparing : public testing::Test {
 protected:
  Sparing() {
    fake_os::set_clock_ms(1'000'000);
    settings.purge_ms = purge_ms;
    take_memory();
  }
  ~Sparing() override {
    thread.heap->validate();
    depot.validate();
  }

  static constexpr int64_t purge_ms = 500;

  void take_memory() {
    for (size_t bytes = 0; bytes < 36 * MiB; bytes += segment_bytes) {
      Zeroed zeroed{};
      runs_.push_back(depot.acquire(segment_granules, 1, RunKind::pages, zeroed));
    }
  }
  void let_memory_wait() {
    for (bursar::Run* run : runs_) depot.retire(run);
    runs_.clear();
  }
  static void let_delay_pass() { fake_os::advance_clock_ms(purge_ms + 1); }

  /// Makes the heap look at the clock. Each time another class: its bin must be empty.
  void leave_fast_path() {
    next_bytes_ += 256;
    deallocate(allocate(next_bytes_));
  }

  /// How many blocks the bin gives before the fast path must be left again.
  static size_t count_at_hand(size_t bytes) {
    size_t count = 0;
    while (allocate_fast(bytes) != nullptr) ++count;
    return count;
  }

  const AttachedThread here_;

 private:
  std::vector<bursar::Run*> runs_;
  size_t next_bytes_ = 2048;
};

TEST_F(Sparing, BeginsWithTheDepotsAttention) {
  leave_fast_path();
  EXPECT_FALSE(thread.heap->is_sparing());
  let_memory_wait();
  EXPECT_FALSE(thread.heap->is_sparing()) << "nobody looked yet";
  leave_fast_path();
  EXPECT_TRUE(thread.heap->is_sparing());
}

TEST_F(Sparing, EndsAfterThePurge) {
  let_memory_wait();
  leave_fast_path();
  let_delay_pass();
  leave_fast_path();
  EXPECT_FALSE(depot.wants_attention());
  leave_fast_path();
  EXPECT_FALSE(thread.heap->is_sparing());
}

TEST_F(Sparing, EndsWhenTheMemoryIsInUseAgain) {
  let_memory_wait();
  leave_fast_path();
  take_memory();
  leave_fast_path();
  EXPECT_FALSE(thread.heap->is_sparing());
}

TEST_F(Sparing, NeverBeginsWhereNothingIsEverPurged) {
  settings.purge_ms = -1;
  let_memory_wait();
  for (int i = 0; i < 20; ++i) leave_fast_path();
  EXPECT_FALSE(thread.heap->is_sparing());
}

TEST_F(Sparing, EveryBinIsEmptyFirst) {
  (void)allocate(16);
  (void)allocate(64);
  ASSERT_NE(thread.heap->small_bin_of(16).head, nullptr);
  let_memory_wait();
  leave_fast_path();
  EXPECT_EQ(count_at_hand(16), 0U);
  EXPECT_EQ(count_at_hand(64), 0U);
}

TEST_F(Sparing, AThreadThatCallsOftenGetsAFewBlocksALook) {
  const std::vector<void*> blocks = allocate_slab(64);
  for (void* block : blocks) deallocate(block);
  let_memory_wait();
  leave_fast_path();
  (void)allocate(64);
  (void)count_at_hand(64);
  for (int look = 0; look < 10; ++look) {
    ASSERT_NE(allocate(64), nullptr);
    EXPECT_EQ(count_at_hand(64), spared_blocks - 1) << look;
  }
}

TEST_F(Sparing, AThreadThatCallsSeldomGetsOneBlockALook) {
  const std::vector<void*> blocks = allocate_slab(64);
  for (void* block : blocks) deallocate(block);
  let_memory_wait();
  leave_fast_path();
  for (int look = 0; look < 10; ++look) {
    fake_os::advance_clock_ms(50);
    ASSERT_NE(allocate(64), nullptr);
    EXPECT_EQ(count_at_hand(64), 0U) << look;
  }
  EXPECT_TRUE(thread.heap->is_sparing());
}

TEST_F(Sparing, TheShortWayIsClosed) {
  const std::vector<void*> blocks = allocate_slab(64);
  for (void* block : blocks) deallocate(block);
  let_memory_wait();
  leave_fast_path();
  EXPECT_EQ(heap::try_recycle_small(64), nullptr);
}

TEST_F(Sparing, ItKeepsTheOrder) {
  const std::vector<void*> blocks = allocate_slab(64);
  for (void* block : blocks) deallocate(block);
  EXPECT_EQ(allocate(64), blocks[0]);
  let_memory_wait();
  leave_fast_path();
  for (size_t i = 1; i < 100; ++i) EXPECT_EQ(allocate(64), blocks[i]);
  let_delay_pass();
  leave_fast_path();
  leave_fast_path();
  ASSERT_FALSE(thread.heap->is_sparing());
  std::set<void*> rest(blocks.begin() + 100, blocks.end());
  while (!rest.empty()) ASSERT_EQ(rest.erase(allocate(64)), 1U);
}

TEST_F(Sparing, TheCallThatEndsItServesWhatStoodBehindTheBin) {
  std::vector<void*> blocks = allocate_slab(64);
  for (void* block : blocks) deallocate(block);
  EXPECT_EQ(allocate(64), blocks[0]);
  let_memory_wait();
  leave_fast_path();
  take_memory();
  deallocate(blocks[0]);
  std::set<void*> rest(blocks.begin(), blocks.end());
  while (!rest.empty()) ASSERT_EQ(rest.erase(allocate(64)), 1U);
}

TEST_F(Sparing, NothingIsLostOrHandedOutTwice) {
  test::Random random(test::told_seed());
  const size_t sizes[] = {16, 64, 80, 1024, 5000};
  std::set<void*> in_use;
  std::vector<std::pair<void*, size_t>> blocks;
  bool is_waiting = false;
  const int steps = test::is_slow_build() ? 5000 : 40'000;
  for (int step = 0; step < steps; ++step) {
    if (random.one_in(200)) {
      is_waiting ? take_memory() : let_memory_wait();
      is_waiting = !is_waiting;
      thread.heap->validate();
    }
    if (random.one_in(50)) fake_os::advance_clock_ms(random.below(30));
    if (!blocks.empty() && random.one_in(2)) {
      std::swap(blocks[random.below(blocks.size())], blocks.back());
      const auto [block, bytes] = blocks.back();
      blocks.pop_back();
      ASSERT_TRUE(test::holds(block, bytes, address_of(block)));
      in_use.erase(block);
      deallocate(block);
    } else {
      const size_t bytes = sizes[random.below(std::size(sizes))];
      void* block = allocate(bytes);
      ASSERT_TRUE(in_use.insert(block).second);
      test::fill(block, bytes, address_of(block));
      blocks.emplace_back(block, bytes);
    }
  }
  for (const auto& [block, bytes] : blocks) deallocate(block);
  if (!is_waiting) let_memory_wait();
  empty_bins();
  EXPECT_FALSE(thread.heap->is_sparing());
  EXPECT_EQ(used_bytes(), 0U);
}

TEST_F(Sparing, AnEndedThreadsHeapDoesNotSpare) {
  let_memory_wait();
  const ThreadHeap* heap = nullptr;
  const std::vector<void*> blocks = allocate_many(100, 64);
  run_attached([&] {
    heap = thread.heap;
    (void)allocate_many(100, 64);
    (void)allocate_slab(5000);
    EXPECT_TRUE(heap->is_sparing());
  });
  EXPECT_FALSE(heap->is_sparing());
  test::validate_heap();
  deallocate_all(blocks, 64);
}

TEST_F(Sparing, AThreadThatFreesMuchAndHardlyCallsAnyMoreGivesItBack) {
  let_memory_wait();
  (void)depot.purge_all();
  const size_t bytes = 64;
  const size_t much = test::is_slow_build() ? 36 * MiB : 64 * MiB;
  std::vector<void*> blocks(much / bytes);
  for (void*& block : blocks) block = allocate(bytes);
  // A thread at work has blocks of many sizes at hand.
  std::vector<void*> others;
  for (size_t other = 16; other <= small_bytes_max; other += 16) others.push_back(allocate(other));
  for (void* block : blocks) deallocate(block);
  for (int call = 0; call < 5; ++call) {
    fake_os::advance_clock_ms(purge_ms);
    deallocate(allocate(16));
  }
  const Depot::Figures figures = depot.measure();
  EXPECT_LE(figures.committed_bytes, 4 * segment_bytes);
  for (void* block : others) deallocate(block);
}

}  // namespace
}  // namespace bursar::test
