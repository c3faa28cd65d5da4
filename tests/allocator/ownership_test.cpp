// Whose frees take the fast path into a slab, as threads come and go.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "allocator/heap_registry.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

/// One block of each stage that a slab can be in, of one class.
struct OfEachStage {
  std::vector<void*> exhausted = test::allocate_slab(64);
  std::vector<void*> partial = test::allocate_slab(64);
  void* current = allocate(64);

  OfEachStage() {
    while (slab_of(partial.front()).stage != SlabStage::partial) {
      deallocate(partial.back());
      partial.pop_back();
    }
  }
  [[nodiscard]] std::vector<void*> blocks() const { return {exhausted.front(), partial.front(), current}; }
};

TEST(Ownership, AnEndedThreadsSlabsAreNobodys) {
  std::vector<void*> blocks;
  run_attached([&] {
    const OfEachStage stages;
    blocks = stages.blocks();
    for (const void* block : blocks) EXPECT_EQ(slab_of(block).owner.load(), ThreadHeap::thread_identity());
    EXPECT_EQ(slab_of(blocks[0]).stage, SlabStage::exhausted);
    EXPECT_EQ(slab_of(blocks[1]).stage, SlabStage::partial);
    EXPECT_EQ(slab_of(blocks[2]).stage, SlabStage::current);
  });
  for (const void* block : blocks) EXPECT_EQ(slab_of(block).owner.load(), 0U);
  test::validate_heap();
}

TEST(Ownership, AnAdoptersSlabsAreItsOwn) {
  std::vector<void*> blocks;
  run_attached([&] { blocks = OfEachStage().blocks(); });
  const AttachedThread here;
  for (void* block : blocks) {
    EXPECT_EQ(slab_of(block).owner.load(), ThreadHeap::thread_identity());
    EXPECT_TRUE(try_deallocate_fast(block));
  }
  test::validate_heap();
}

TEST(Ownership, ClosingAndOpeningReachesEverySlab) {
  const AttachedThread here;
  const OfEachStage stages;
  thread.heap->close_to_frees();
  EXPECT_FALSE(thread.heap->is_open_to_frees());
  for (void* block : stages.blocks()) EXPECT_FALSE(try_deallocate_fast(block));
  void* born_closed = allocate(5000);
  EXPECT_FALSE(try_deallocate_fast(born_closed));
  test::validate_heap();
  thread.heap->open_to_frees();
  EXPECT_TRUE(thread.heap->is_open_to_frees());
  for (void* block : stages.blocks()) EXPECT_TRUE(try_deallocate_fast(block));
  EXPECT_TRUE(try_deallocate_fast(born_closed));
  test::validate_heap();
}

TEST(Ownership, AThreadAtAnEndedOnesPlaceDoesNotOwnItsSlabs) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    void* block = nullptr;
    uintptr_t ended = 0;
    run_attached([&] {
      ended = ThreadHeap::thread_identity();
      block = allocate(64);
    });
    bool is_same_place = false;
    std::thread([&] {
      is_same_place = ThreadHeap::thread_identity() == ended;
      EXPECT_FALSE(try_deallocate_fast(block));
      deallocate(block);
    }).join();
    test::validate_heap();
    if (is_same_place) return;
  }
  FAIL() << "no thread came to lie where another had been";
}

TEST(Ownership, AThreadAtAnEndedOnesPlaceOwnsTheSlabsOfItsHeapAlone) {
  // Two heaps are left; the next thread has the place of one's owner and the heap of the other's.
  for (int attempt = 0; attempt < 100; ++attempt) {
    void* blocks[2] = {};
    uintptr_t places[2] = {};
    std::atomic<int> attached{0};
    run_attached(2, [&](size_t number) {
      places[number] = ThreadHeap::thread_identity();
      blocks[number] = allocate(64);
      for (++attached; attached < 2;) std::this_thread::yield();
    });
    bool is_crossed = false;
    run_attached([&] {
      for (const size_t number : {0, 1}) {
        const bool is_mine = slab_of(blocks[number]).heap.load() == thread.heap;
        is_crossed = is_crossed || (places[number] == ThreadHeap::thread_identity() && !is_mine);
        EXPECT_EQ(ThreadHeap::is_own(slab_of(blocks[number])), is_mine);
        deallocate(blocks[number]);
      }
    });
    test::validate_heap();
    if (is_crossed) return;
  }
  GTEST_SKIP() << "places and heaps were never crossed";
}

TEST(Ownership, TheNextOwnerWaitsForWhoeverPutsBlocksBack) {
  void* block = nullptr;
  ThreadHeap* left = nullptr;
  run_attached([&] {
    left = thread.heap;
    block = allocate(64);
  });
  left->lock().acquire();  // as a sender does that found nobody to own the heap
  std::atomic<bool> is_owner{false};
  std::thread next([&] {
    EXPECT_TRUE(heap_registry.attach_thread());  // counting: the fast path stays closed
    EXPECT_EQ(thread.heap, left);
    is_owner = true;
    heap::deallocate(block, Caller::free);
    heap_registry.detach_thread();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(is_owner) << "it would write to queues that another thread is writing to";
  left->lock().release();
  next.join();
  test::validate_heap();
}

}  // namespace
}  // namespace bursar::test
