// Blocks that other threads free: how they come home, and what becomes of them when their owner sleeps.
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

TEST(RemoteFree, BlocksThatAnotherThreadFreesComeHome) {
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

/// Brings the blocks to their heap one by one, with so much said to wait there that the sender takes an owner's place at once.
void return_to_sleeping_owner(const std::vector<void*>& blocks) {
  const InsideScope inside;
  for (void* pointer : blocks) {
    auto* block = static_cast<Block*>(pointer);
    ThreadHeap::deliver(slab_of(block), block, GiB, ThreadHeap::Drain::when_due);
  }
}

std::vector<void*> without_first(const std::vector<void*>& blocks, size_t count) {
  return {blocks.begin() + static_cast<std::ptrdiff_t>(count), blocks.end()};
}

TEST(RemoteFree, ASleepingOwnersSlabGoesWhenEveryBlockOfItIsReturned) {
  const AttachedThread here;
  for (const size_t bytes : {16, 1000, 20'000}) {
    const std::vector<void*> blocks = allocate_slab(bytes);
    void* keeper = allocate(bytes);
    return_to_sleeping_owner(without_first(blocks, 1));
    EXPECT_NE(page_map.run_of(blocks.front()), nullptr);
    thread.heap->validate();
    return_to_sleeping_owner({blocks.front()});
    EXPECT_EQ(page_map.run_of(blocks.front()), nullptr);
    thread.heap->validate();
    deallocate(keeper);
  }
}

TEST(RemoteFree, ASlabThatServesStaysThoughEveryBlockOfItIsReturned) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(64);
  Slab& slab = slab_of(blocks.front());
  return_to_sleeping_owner(blocks);
  EXPECT_EQ(page_map.run_of(blocks.front()), &slab);
  EXPECT_EQ(slab.returned_count, slab.capacity);
  EXPECT_EQ(slab.out(), slab.capacity) << "its owner may be freeing and allocating there at this moment";
  thread.heap->validate();
  std::set<void*> again;
  while (again.size() < blocks.size()) ASSERT_TRUE(again.insert(allocate(64)).second);
  EXPECT_EQ(again, std::set<void*>(blocks.begin(), blocks.end())) << "the owner looked";
  EXPECT_EQ(slab.returned_count, 0U);
  thread.heap->validate();
}

TEST(RemoteFree, ReturnedBlocksComeBackWhenTheirOwnerLooks) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(64);
  void* next = allocate(64);
  Slab& slab = slab_of(blocks.front());
  const size_t half = blocks.size() / 2;
  return_to_sleeping_owner(without_first(blocks, half));
  EXPECT_EQ(slab.returned_count, slab.capacity - half);
  EXPECT_EQ(slab.freed_count(), 0);
  EXPECT_EQ(slab.stage, SlabStage::exhausted);
  thread.heap->validate();
  (void)allocate(5000);  // its owner looks for another class's sake
  EXPECT_EQ(slab.returned_count, 0U);
  EXPECT_EQ(slab.returned, nullptr);
  EXPECT_EQ(slab.freed_count(), static_cast<int32_t>(slab.capacity - half));
  EXPECT_EQ(slab.stage, SlabStage::partial);
  thread.heap->validate();
  for (size_t i = 0; i < half; ++i) deallocate(blocks[i]);
  EXPECT_EQ(page_map.run_of(blocks.front()), nullptr) << "none is out any more";
  deallocate(next);
}

TEST(RemoteFree, ASlabGoesThatWasHalfReturnedAndHalfFreed) {
  const AttachedThread here;
  (void)allocate(5000);
  const std::vector<void*> blocks = allocate_slab(64);
  (void)allocate(64);
  const size_t half = blocks.size() / 2;
  return_to_sleeping_owner(without_first(blocks, half));
  for (size_t i = 0; i < half; ++i) deallocate(blocks[i]);
  EXPECT_NE(page_map.run_of(blocks.front()), nullptr);
  (void)allocate(5000);
  EXPECT_EQ(page_map.run_of(blocks.front()), nullptr);
  thread.heap->validate();
}

TEST(RemoteFree, ReturnedBlocksOfManySlabsAreKeptApart) {
  const AttachedThread here;
  std::vector<void*> all;
  test::Random random(test::told_seed());
  for (const size_t bytes : {64, 64, 64, 1000, 1000, 20'000, 20'000}) {
    const std::vector<void*> blocks = allocate_slab(bytes);
    all.insert(all.end(), blocks.begin(), blocks.end());
  }
  random.shuffle(all);
  for (size_t i = 0; i < all.size(); i += 100) {
    std::vector<void*> some;
    for (size_t at = i; at < all.size() && at < i + 100; ++at) some.push_back(all[at]);
    return_to_sleeping_owner(some);
    thread.heap->validate();
  }
  empty_bins();
  thread.heap->validate();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(RemoteFree, AnOwnersLastFreeLeavesWhatWasReturnedBefore) {
  std::vector<void*> blocks;
  run_attached([&] {
    blocks = allocate_slab(64);
    return_to_sleeping_owner(without_first(blocks, 1));
  });
  const size_t used = used_bytes();
  EXPECT_GE(used, granule_bytes);
  std::thread([&] { deallocate(blocks.front()); }).join();
  EXPECT_EQ(used_bytes(), 0U) << "what was returned counted when the thread ended";
  test::validate_heap();
}

TEST(RemoteFree, ABlockReturnedTwiceInARowIsSeen) {
  const AttachedThread here;
  void* block = allocate(64);
  return_to_sleeping_owner({block});
  EXPECT_EXIT(return_to_sleeping_owner({block}), aborted, "^bursar: double free of 0x");
}

TEST(RemoteFree, MoreReturnedBlocksThanASlabHasAreSeen) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_slab(20'000);
  return_to_sleeping_owner(blocks);
  EXPECT_EXIT(return_to_sleeping_owner({blocks.front()}), aborted, "^bursar: double free of 0x");
}

TEST(RemoteFree, ABlockGatheredTwiceInARowIsSeen) {
  const AttachedThread here;
  void* block = allocate(64);
  const auto free_twice = [block] {
    run_attached([block] {
      deallocate(block);
      deallocate(block);
    });
  };
  EXPECT_EXIT(free_twice(), aborted, "^bursar: double free of 0x");
}

TEST(RemoteFree, ABlockSentHomeThatLiesThereAlreadyIsSeen) {
  const AttachedThread here;
  void* block = allocate(64);
  const auto free_twice = [block] {
    run_attached([block] { deallocate(block); });
    deallocate(block);
    empty_bins();
  };
  EXPECT_EXIT(free_twice(), aborted, "^bursar: double free of 0x");
}

TEST(RemoteFree, AnInteriorPointerSentHomeIsSeen) {
  const AttachedThread here;
  void* block = allocate(64);
  const auto free_inside = [block] { run_attached([block] { deallocate(pointer_to(address_of(block) + 16)); }); };
  EXPECT_EXIT(free_inside(), aborted, "^bursar: invalid free of 0x.*: inside the block at 0x");
}

TEST(RemoteFree, OthersReturnWhileTheOwnerWorks) {
  constexpr size_t bytes = 2000;
  const size_t rounds = test::is_slow_build() ? 300 : 3000;
  std::atomic<bool> is_over{false};
  std::vector<std::atomic<void*>> exchange(2000);
  std::vector<std::thread> others;
  for (uint64_t number = 0; number < 2; ++number) {
    others.emplace_back([&, number] {
      test::Random random(number);
      // Without a heap each block travels alone, and when much waits the sender takes the owner's place.
      while (!is_over) {
        void* block = exchange[random.below(exchange.size())].exchange(nullptr);
        if (block == nullptr) continue;
        EXPECT_TRUE(test::holds(block, bytes, address_of(block)));
        const InsideScope inside;
        auto* freed = static_cast<Block*>(block);
        ThreadHeap::deliver(slab_of(block), freed, 9 * MiB, ThreadHeap::Drain::when_due);
      }
    });
  }
  run_attached([&] {
    test::Random random(test::told_seed());
    for (size_t round = 0; round < rounds; ++round) {
      const std::vector<void*> blocks = allocate_many(random.between(1, 200), bytes);
      for (void* block : blocks) {
        void* old = random.one_in(2) ? block : exchange[random.below(exchange.size())].exchange(block);
        if (old == nullptr) continue;
        EXPECT_TRUE(test::holds(old, bytes, address_of(old)));
        deallocate(old);
      }
    }
    is_over = true;
    for (std::thread& one : others) one.join();
    for (std::atomic<void*>& slot : exchange) deallocate(slot.exchange(nullptr));
  });
  test::validate_heap();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(RemoteFree, AFewBlocksTravelTogether) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(10, 80);
  run_attached([&] {
    for (void* block : blocks) deallocate(block);
    (void)allocate(80);  // a heap of its own; the batch still waits
    const InsideScope inside;
    thread.heap->send_gathered();
  });
  empty_bins();
  const Slab& slab = slab_of(blocks[0]);
  EXPECT_TRUE(page_map.run_of(blocks[0]) == nullptr || slab.out() == 0);
}

TEST(RemoteFree, NoBatchStaysBehindWhenItsThreadEnds) {
  const AttachedThread here;
  const std::vector<void*> blocks = allocate_many(3, 64);
  run_attached([&] { deallocate_all(blocks, 64); });
  empty_bins();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(RemoteFree, OthersDrainAnOwnerThatSleeps) {
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

TEST(RemoteFree, BlocksOfAnEndedThreadGoBackAtOnce) {
  constexpr size_t bytes = 300;
  std::vector<void*> blocks;
  run_attached([&] { blocks = allocate_many(10'000, bytes); });
  EXPECT_GE(used_bytes(), 10'000 * bytes);
  for (void* block : blocks) EXPECT_TRUE(test::holds(block, bytes, address_of(block)));
  // Another thread at work: the ended one's heap is not its own, but nobody else comes for it.
  std::thread other([&] { deallocate_all(blocks, bytes); });
  other.join();
  EXPECT_EQ(used_bytes(), 0U);
  test::validate_heap();
}

TEST(RemoteFree, AProducerAndAConsumerLiveInBoundedMemory) {
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

TEST(RemoteFree, ManyThreadsFreeIntoOneAnother) {
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

}  // namespace
}  // namespace bursar::test
