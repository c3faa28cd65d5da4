// What several blocks travel home in: parcels, chains while all parcels travel, and the mail that both become.
#include "allocator/thread_heap.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "allocator/fork_guard.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

constexpr size_t parcel_count = 16;

/// Each of these travels alone, and one of them stays where it is freed first.
constexpr size_t lone_bytes = 20'000;

/// What lies in a parcel is not written to; what is linked in a chain is.
bool is_untouched(const void* block) { return test::holds(block, lone_bytes, address_of(block)); }

/// Frees the blocks; then how many of them are untouched.
size_t count_untouched(const std::vector<void*>& blocks) {
  for (void* block : blocks) deallocate(block);
  size_t untouched = 0;
  for (const void* block : blocks) untouched += is_untouched(block) ? 1 : 0;
  return untouched;
}

/// What the two threads of a test do in turn.
class Turns {
 public:
  void wait_for(int turn) const {
    while (turn_ != turn) std::this_thread::yield();
  }
  void next() { ++turn_; }

 private:
  std::atomic<int> turn_{0};
};

/// Keeps its blocks, and takes nothing in.
class SleepingOwner {
 public:
  SleepingOwner(size_t count, size_t bytes) {
    thread_ = std::thread([this, count, bytes] {
      const AttachedThread here;
      blocks = allocate_many(count, bytes);
      turns_.next();
      turns_.wait_for(2);
    });
    turns_.wait_for(1);
  }
  ~SleepingOwner() {
    turns_.next();
    thread_.join();
  }
  SleepingOwner(const SleepingOwner&) = delete;
  SleepingOwner& operator=(const SleepingOwner&) = delete;

  std::vector<void*> blocks;

 private:
  Turns turns_;
  std::thread thread_;
};

TEST(Parcels, BlocksComeHomeInTheOrderOfTheirFrees) {
  const AttachedThread here;
  std::vector<void*> blocks = allocate_slab(80);
  test::Random random(test::told_seed());
  random.shuffle(blocks);
  blocks.resize(Parcel::blocks_max);
  run_attached([&] { deallocate_all(blocks, 80); });
  EXPECT_EQ(slab_of(blocks.front()).out(), slab_of(blocks.front()).carved);
  (void)allocate(5000);
  EXPECT_EQ(slab_of(blocks.front()).freed_count(), static_cast<int32_t>(Parcel::blocks_max));
  for (const void* block : blocks) EXPECT_EQ(allocate(80), block);
}

TEST(Parcels, AFullOneLeavesAtOnce) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(80);
  const Slab& slab = slab_of(blocks.front());
  Turns turns;
  std::thread other([&] {
    const AttachedThread there;
    for (size_t i = 0; i < Parcel::blocks_max - 1; ++i) deallocate(blocks[i]);
    turns.next();
    turns.wait_for(2);
    deallocate(blocks[Parcel::blocks_max - 1]);
    turns.next();
    turns.wait_for(4);
  });
  turns.wait_for(1);
  (void)allocate(5000);
  EXPECT_EQ(slab.freed_count(), 0);
  turns.next();
  turns.wait_for(3);
  (void)allocate(7000);
  EXPECT_EQ(slab.freed_count(), static_cast<int32_t>(Parcel::blocks_max));
  turns.next();
  other.join();
}

TEST(Parcels, BlocksTravelInChainsWhileAllOfThemTravel) {
  const AttachedThread here;
  const std::vector<void*> stray = allocate_many(1, lone_bytes);
  const std::vector<void*> in_parcels = allocate_many(parcel_count, lone_bytes);
  const std::vector<void*> in_chains = allocate_many(5, lone_bytes);
  run_attached([&] {
    deallocate_all(stray, lone_bytes);
    EXPECT_EQ(count_untouched(in_parcels), in_parcels.size());
    EXPECT_EQ(count_untouched(in_chains), 0U);
  });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
  test::validate_heap();
}

TEST(Parcels, TheyAreBackWhenTheirBlocksWereTakenIn) {
  const AttachedThread here;
  const std::vector<void*> stray = allocate_many(1, lone_bytes);
  Turns turns;
  std::vector<void*> blocks;
  std::thread other([&] {
    const AttachedThread there;
    deallocate_all(stray, lone_bytes);
    for (int round = 0; round < 10; ++round) {
      turns.wait_for(2 * round + 1);
      EXPECT_EQ(count_untouched(blocks), parcel_count) << round;
      turns.next();
    }
  });
  for (int round = 0; round < 10; ++round) {
    blocks = allocate_many(parcel_count + 3, lone_bytes);
    turns.next();
    turns.wait_for(2 * round + 2);
    empty_bins();
    EXPECT_LE(used_bytes(), slab_granules_of(size_class_of(lone_bytes)) * granule_bytes) << round;
  }
  other.join();
}

TEST(Parcels, OneThatDoesNotComeBackHoldsUpNoOther) {
  const AttachedThread here;
  const SleepingOwner sleeper(2, lone_bytes);
  Turns turns;
  std::vector<void*> blocks;
  size_t untouched = 0;
  constexpr int rounds = 64;
  std::thread other([&] {
    const AttachedThread there;
    for (void* block : sleeper.blocks) deallocate(block);
    for (int round = 0; round < rounds; ++round) {
      turns.wait_for(2 * round + 1);
      untouched += count_untouched(blocks);
      turns.next();
    }
  });
  for (int round = 0; round < rounds; ++round) {
    blocks = allocate_many(1, lone_bytes);
    turns.next();
    turns.wait_for(2 * round + 2);
    empty_bins();
  }
  other.join();
  EXPECT_GE(untouched, size_t{rounds} * (parcel_count - 2) / parcel_count);
}

TEST(Parcels, MuchMailClosesTheShortWay) {
  const AttachedThread here;
  std::vector<void*> own = allocate_slab(64);
  const std::vector<void*> few = allocate_many(3, lone_bytes);
  const std::vector<void*> more = allocate_many(2, lone_bytes);
  const std::vector<void*> stray = allocate_many(1, lone_bytes);
  for (void* block : own) deallocate(block);
  const auto take_one_bin = [] {
    void* block = heap::try_recycle_small(64);
    while (allocate_fast(64) != nullptr) {
    }
    return block;
  };
  Turns turns;
  std::thread other([&] {
    const AttachedThread there;
    deallocate_all(stray, lone_bytes);
    deallocate_all(few, lone_bytes);
    turns.next();
    turns.wait_for(2);
    deallocate_all(more, lone_bytes);
    turns.next();
    turns.wait_for(4);
  });
  turns.wait_for(1);
  EXPECT_FALSE(thread.heap->has_mail());
  EXPECT_NE(take_one_bin(), nullptr) << "a little may wait";
  for (void* block : own) deallocate(block);
  turns.next();
  turns.wait_for(3);
  EXPECT_TRUE(thread.heap->has_mail());
  EXPECT_EQ(take_one_bin(), nullptr);
  EXPECT_EQ(allocate(64), own.front()) << "the long way";
  EXPECT_FALSE(thread.heap->has_mail());
  for (const void* block : few) EXPECT_TRUE(page_map.run_of(block) == nullptr || slab_of(block).freed_count() > 0);
  thread.heap->validate();
  turns.next();
  other.join();
}

TEST(Parcels, AChildGivesUpWhatAnotherThreadGathered) {
  if (test::is_thread_sanitized()) GTEST_SKIP() << "no threads in a child of several threads";
  fork_guard.start();
  const AttachedThread here;
  const std::vector<void*> lost = allocate_slab(80);
  const std::vector<void*> blocks = allocate_many(parcel_count + 2, lone_bytes);
  Turns turns;
  std::thread other([&] {
    const AttachedThread there;
    for (int i = 0; i < 5; ++i) deallocate(lost[static_cast<size_t>(i)]);
    turns.next();
    turns.wait_for(2);
  });
  turns.wait_for(1);
  const pid_t child = fork();
  if (child == 0) {
    if (!fork_guard.is_wiped_by_kernel()) fork_guard.note_child();  // as the handler of forks does
    (void)allocate(5000);                                           // adopts
    const bool is_lost = slab_of(lost.front()).freed_count() == 0;
    size_t untouched = 0;
    run_attached([&] { untouched = count_untouched(blocks); });
    empty_bins();
    test::validate_heap();
    // One stays, and one is in a chain.
    _exit(is_lost && untouched == parcel_count ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  turns.next();
  other.join();
  empty_bins();
  EXPECT_EQ(slab_of(lost.front()).freed_count(), 5);
}

}  // namespace
}  // namespace bursar::test
