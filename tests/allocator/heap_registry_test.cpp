// All threads' heaps: given, given up, handed on.
#include "allocator/heap_registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "allocator/depot.h"
#include "allocator/metadata.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

TEST(HeapRegistry, AThreadGetsAHeapOfItsOwn) {
  const AttachedThread here;
  ASSERT_NE(thread.heap, nullptr);
  EXPECT_EQ(thread.stage, ThreadStage::alive);
  EXPECT_EQ(thread.heap->stage.load(), HeapStage::owned);
  EXPECT_EQ(heap_registry.first(), thread.heap);
  EXPECT_EQ(heap_registry.heap_count(), 1U);
  const ThreadHeap* mine = thread.heap;
  run_attached([mine] { EXPECT_NE(thread.heap, mine); });
  EXPECT_EQ(heap_registry.heap_count(), 2U);
}

TEST(HeapRegistry, AnEndedThreadLeavesAnOrphan) {
  ThreadHeap* left = nullptr;
  std::thread([&left] {
    {
      const AttachedThread here;
      left = thread.heap;
      deallocate(allocate(100));
    }
    EXPECT_EQ(thread.stage, ThreadStage::ended);
    EXPECT_EQ(thread.heap, nullptr);
    EXPECT_EQ(thread.active, &empty_heap);
  }).join();
  EXPECT_EQ(left->stage.load(), HeapStage::orphaned);
  EXPECT_EQ(used_bytes(), 0U) << "its free blocks went back";
}

TEST(HeapRegistry, TheNextThreadAdoptsAnOrphanWithItsMemory) {
  void* survivor = nullptr;
  const ThreadHeap* left = nullptr;
  run_attached([&] {
    left = thread.heap;
    survivor = allocate(64);
    test::fill(survivor, 64, 1);
  });
  run_attached([&] {
    EXPECT_EQ(thread.heap, left);
    EXPECT_EQ(thread.heap->stage.load(), HeapStage::owned);
    EXPECT_TRUE(test::holds(survivor, 64, 1));
    const size_t used = used_bytes();
    void* block = allocate(64);
    EXPECT_EQ(used_bytes(), used) << "the slab of the survivor serves";
    deallocate(block);
    EXPECT_TRUE(try_deallocate_fast(survivor)) << "it is the adopter's own now";
  });
  EXPECT_EQ(heap_registry.heap_count(), 1U);
  test::validate_heap();
}

TEST(HeapRegistry, EveryOrphanIsAdoptedOnce) {
  constexpr size_t count = 8;
  std::set<ThreadHeap*> heaps;
  for (int round = 0; round < 2; ++round) {
    std::vector<ThreadHeap*> owners(count);
    std::atomic<size_t> attached{0};
    run_attached(count, [&](size_t number) {
      owners[number] = thread.heap;
      ++attached;
      while (attached < count) std::this_thread::yield();
    });
    const std::set<ThreadHeap*> distinct(owners.begin(), owners.end());
    EXPECT_EQ(distinct.size(), count);
    heaps.insert(distinct.begin(), distinct.end());
  }
  EXPECT_EQ(heaps.size(), count);
  EXPECT_EQ(heap_registry.heap_count(), count);
}

TEST(HeapRegistry, TenThousandThreadsLeaveNothingBehind) {
  constexpr size_t at_once = 4;
  constexpr size_t threads = 10'000;
  const auto work = [](size_t number) {
    for (size_t i = 0; i < 20; ++i) {
      void* block = allocate(16 + (number + i) * 37 % 2000);
      void* large = i == 0 ? allocate(70'000) : nullptr;
      ASSERT_NE(block, nullptr);
      deallocate(block);
      deallocate(large);
    }
  };
  run_attached(at_once, work);
  const size_t records = metadata::used_bytes();
  for (size_t done = 0; done < threads; done += at_once) run_attached(at_once, work);
  EXPECT_LE(heap_registry.heap_count(), at_once);
  EXPECT_LE(metadata::used_bytes(), records + 64 * KiB);
  EXPECT_EQ(used_bytes(), 0U);
  test::validate_heap();
}

TEST(HeapRegistry, AThreadWithoutAHeapIsServedByTheSharedOne) {
  fake_os::fail(fake_os::Call::reserve, 1, fake_os::Failure::from_then_on);
  const AttachedThread here;
  EXPECT_EQ(thread.heap, nullptr);
  EXPECT_EQ(allocate(64), nullptr);
  fake_os::heal();
  EXPECT_TRUE(test::heap_works());
  EXPECT_EQ(heap_registry.heap_count(), 1U);
  EXPECT_EQ(heap_registry.first()->stage.load(), HeapStage::shared);
}

}  // namespace
}  // namespace bursar::test
