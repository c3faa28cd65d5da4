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

namespace bursar {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

using test::allocate;
using test::AttachedThread;
using test::deallocate;
using test::run_attached;

Slab& slab_of(const void* block) { return *static_cast<Slab*>(page_map.run_of(block)); }

size_t used_bytes() {
  const Depot::Figures figures = depot.measure();
  return figures.committed_bytes - figures.free_bytes;
}

std::vector<void*> allocate_many(size_t count, size_t bytes) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) {
    block = allocate(bytes);
    EXPECT_NE(block, nullptr);
    test::fill(block, bytes, address_of(block));
  }
  return blocks;
}

void deallocate_all(const std::vector<void*>& blocks, size_t bytes) {
  for (void* block : blocks) {
    EXPECT_TRUE(test::holds(block, bytes, address_of(block)));
    deallocate(block);
  }
}

void empty_bins() {
  const InsideScope inside;
  thread.heap->empty_bins();
}

TEST(ThreadHeap, TheBlockFreedLastIsHandedOutFirst) {
  const AttachedThread here;
  for (const size_t bytes : {1, 16, 64, 1000, 1024, 1025, 9000, 32768}) {
    void* first = allocate(bytes);
    void* second = allocate(bytes);
    EXPECT_NE(first, second);
    deallocate(first);
    deallocate(second);
    EXPECT_EQ(allocate(bytes), second);
    EXPECT_EQ(allocate(bytes), first);
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

TEST(ThreadHeap, BinsStayWithinTheirCapacity) {
  const AttachedThread here;
  for (const size_t bytes : {16, 64, 1024, 4096, 32768}) {
    deallocate_all(allocate_many(1000, bytes), bytes);
    thread.heap->validate();
  }
}

TEST(ThreadHeap, WhatDoesNotFitABinGoesHomeToItsSlab) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(600, 64);
  Slab& slab = slab_of(blocks[0]);
  EXPECT_EQ(slab.local_count, 0);
  deallocate_all(blocks, 64);
  EXPECT_GT(slab.local_count, 0);
  slab::validate(slab);
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
    EXPECT_LE(used_bytes(), some_bytes / 4) << "a bin's worth and a spare slab stay";
    empty_bins();
    EXPECT_EQ(used_bytes(), 0U);
    thread.heap->validate();
  }
}

TEST(ThreadHeap, ABlockFreedTwiceInARowIsSeen) {
  const AttachedThread here;
  for (const size_t bytes : {16, 1024, 1025, 32768}) {
    void* block = allocate(bytes);
    deallocate(block);
    EXPECT_EXIT(deallocate(block), aborted, "^bursar: double free of 0x");
    EXPECT_EXIT(heap::deallocate(block, Caller::free), aborted, "^bursar: double free of 0x");
  }
}

TEST(ThreadHeap, BlocksThatAnotherThreadFreesComeHome) {
  const AttachedThread here;
  for (const size_t bytes : {16, 500, 4096, 30'000}) {
    const std::vector<void*> blocks = allocate_many(1000, bytes);
    const size_t used = used_bytes();
    run_attached([&] { deallocate_all(blocks, bytes); });
    const std::vector<void*> again = allocate_many(1000, bytes);
    EXPECT_LE(used_bytes(), used + MiB) << "the same memory serves again";
    std::set<void*> distinct(again.begin(), again.end());
    EXPECT_EQ(distinct.size(), again.size());
    deallocate_all(again, bytes);
    empty_bins();
    EXPECT_EQ(used_bytes(), 0U);
  }
}

TEST(ThreadHeap, AFewBlocksTravelTogether) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(10, 64);
  run_attached([&] {
    for (void* block : blocks) deallocate(block);
    (void)allocate(64);  // a heap of its own; the batch still waits
    const InsideScope inside;
    thread.heap->send_gathered();
  });
  empty_bins();
  const Slab& slab = slab_of(blocks[0]);
  EXPECT_TRUE(page_map.run_of(blocks[0]) == nullptr || slab.is_unused());
}

TEST(ThreadHeap, NoBatchStaysBehindWhenItsThreadEnds) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(3, 64);
  run_attached([&] { deallocate_all(blocks, 64); });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(ThreadHeap, OthersDrainAnOwnerThatSleeps) {
  std::atomic<bool> may_end{false};
  std::atomic<bool> is_ready{false};
  std::vector<void*> blocks;
  constexpr size_t bytes = 1000;
  std::thread owner([&] {
    const AttachedThread here;
    blocks = allocate_many(16 * MiB / bytes, bytes);
    is_ready = true;
    while (!may_end) std::this_thread::yield();
  });
  while (!is_ready) std::this_thread::yield();
  const size_t used = used_bytes();
  run_attached([&] { deallocate_all(blocks, bytes); });
  EXPECT_LE(used_bytes(), used / 8) << "most of it is free though its owner did nothing";
  may_end = true;
  owner.join();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(ThreadHeap, BlocksOfAnEndedThreadGoBackAtOnce) {
  constexpr size_t bytes = 300;
  std::vector<void*> blocks;
  run_attached([&] { blocks = allocate_many(10'000, bytes); });
  EXPECT_GE(used_bytes(), 10'000 * bytes);
  for (void* block : blocks) EXPECT_TRUE(test::holds(block, bytes, address_of(block)));
  // Another thread at work: the ended one's heap is not its own, but nobody else comes for it.
  std::thread other([&] { deallocate_all(blocks, bytes); });
  other.join();
  EXPECT_LE(used_bytes(), granule_bytes) << "but for the class's spare slab";
  test::validate_heap();
}

TEST(ThreadHeap, AProducerAndAConsumerLiveInBoundedMemory) {
  const size_t rounds = test::is_slow_build() ? 50 : 300;
  constexpr size_t blocks_per_round = 256;
  constexpr size_t bytes = 500;
  std::vector<void*> parcel;
  std::atomic<bool> is_full{false};
  std::atomic<size_t> most_used{0};
  std::thread consumer([&] {
    const AttachedThread here;
    for (size_t round = 0; round < rounds; ++round) {
      while (!is_full) std::this_thread::yield();
      deallocate_all(parcel, bytes);
      is_full = false;
    }
  });
  run_attached([&] {
    for (size_t round = 0; round < rounds; ++round) {
      std::vector<void*> next = allocate_many(blocks_per_round, bytes);
      while (is_full) std::this_thread::yield();
      parcel = next;
      is_full = true;
      if (used_bytes() > most_used) most_used = used_bytes();
    }
    while (is_full) std::this_thread::yield();
  });
  consumer.join();
  EXPECT_LE(most_used.load(), 2 * MiB) << "of " << rounds * blocks_per_round * bytes << " that went through";
  test::validate_heap();
}

TEST(ThreadHeap, ManyThreadsFreeIntoOneAnother) {
  constexpr size_t threads = 4;
  const size_t steps = test::is_slow_build() ? 20'000 : 150'000;
  constexpr size_t slots = 512;
  std::vector<std::atomic<void*>> exchange(slots);
  const uint64_t seed = test::told_seed();
  run_attached(threads, [&](size_t number) {
    test::Random random(seed + number);
    for (size_t step = 0; step < steps; ++step) {
      const size_t bytes = random.bytes(2000) + 16;
      void* block = allocate(bytes);
      ASSERT_NE(block, nullptr);
      memcpy(block, &bytes, sizeof(bytes));
      test::fill(static_cast<char*>(block) + 8, bytes - 8, address_of(block));
      block = exchange[random.below(slots)].exchange(block);
      if (block == nullptr) continue;
      size_t others_bytes = 0;
      memcpy(&others_bytes, block, sizeof(others_bytes));
      ASSERT_TRUE(test::holds(static_cast<char*>(block) + 8, others_bytes - 8, address_of(block)));
      deallocate(block);
    }
  });
  test::validate_heap();
  run_attached([&] {
    for (std::atomic<void*>& slot : exchange) deallocate(slot.load());
  });
  // Each ended thread's heap keeps a spare slab for each class at most.
  for (size_t i = 0; i < threads; ++i) run_attached([] { empty_bins(); });
  test::validate_heap();
  EXPECT_LE(used_bytes(), threads * size_class_count * granule_bytes);
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
}  // namespace bursar
