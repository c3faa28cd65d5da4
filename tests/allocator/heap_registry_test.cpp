// All threads' heaps: given, given up, handed on; and what a forked child makes of those of its parent.
#include "allocator/heap_registry.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "allocator/depot.h"
#include "allocator/fork_guard.h"
#include "allocator/metadata.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using test::allocate;
using test::AttachedThread;
using test::deallocate;
using test::run_attached;

constexpr unsigned child_seconds_max = 60;

size_t used_bytes() {
  const Depot::Figures figures = depot.measure();
  return figures.committed_bytes - figures.free_bytes;
}

/// A thread that does what it is told and then waits until the object goes.
class ParkedThread {
 public:
  explicit ParkedThread(
      const std::function<void()>& before, const std::function<void()>& after = [] {}) {
    thread_ = std::thread([this, before, after] {
      before();
      is_parked_ = true;
      while (!may_go_) std::this_thread::yield();
      after();
    });
    while (!is_parked_) std::this_thread::yield();
  }
  ~ParkedThread() {
    may_go_ = true;
    thread_.join();
  }
  ParkedThread(const ParkedThread&) = delete;
  ParkedThread& operator=(const ParkedThread&) = delete;

 private:
  std::atomic<bool> is_parked_{false};
  std::atomic<bool> may_go_{false};
  std::thread thread_;
};

/// Runs `work` in a forked child; what it returns is the exit status, 0 for success. A child that hangs is killed.
int status_in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(child_seconds_max);
    _exit(work());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// Blocks of every kind come and go, and hold what is written into them.
bool heap_works() {
  std::vector<std::pair<void*, size_t>> blocks;
  for (int round = 0; round < 3; ++round) {
    for (const size_t bytes : {1, 64, 64, 1000, 5000, 32768, 100'000, 6'000'000}) {
      void* block = allocate(bytes);
      if (block == nullptr) return false;
      test::fill(block, bytes, address_of(block));
      blocks.emplace_back(block, bytes);
    }
  }
  for (const auto& [block, bytes] : blocks) {
    if (!test::holds(block, bytes, address_of(block))) return false;
    deallocate(block);
  }
  return true;
}

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
  EXPECT_TRUE(heap_works());
  EXPECT_EQ(heap_registry.heap_count(), 1U);
  EXPECT_EQ(heap_registry.first()->stage.load(), HeapStage::shared);
}

TEST(HeapRegistry, AChildAdoptsTheHeapsOfThreadsThatDidNotComeAlong) {
  fork_guard.start();
  const AttachedThread here;
  void* block = nullptr;
  const ParkedThread parked(
      [&] {
        (void)heap_registry.attach_thread();
        block = allocate(500);
        test::fill(block, 500, 7);
      },
      [] { heap_registry.detach_thread(); });
  const int status = status_in_child([&] {
    if (!test::holds(block, 500, 7)) return 1;
    deallocate(block);
    if (!heap_works()) return 2;
    test::validate_heap();
    if (heap_registry.heap_count() != 2) return 3;
    const ThreadHeap* mine = thread.heap;
    size_t orphans = 0;
    for (const ThreadHeap* heap = heap_registry.first(); heap != nullptr; heap = heap->next_registered) {
      if (heap != mine && heap->stage.load() == HeapStage::orphaned) ++orphans;
    }
    return orphans == 1 ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(heap_works()) << "the parent goes on";
}

TEST(HeapRegistry, ThreadsOfAChildTakeTheAdoptedHeaps) {
  if (test::is_thread_sanitized()) GTEST_SKIP() << "no threads in a child of several threads";
  fork_guard.start();
  const AttachedThread here;
  const ParkedThread parked([] { (void)heap_registry.attach_thread(); }, [] { heap_registry.detach_thread(); });
  const int status = status_in_child([] {
    if (!heap_works()) return 1;
    bool works = false;
    run_attached([&works] { works = heap_works(); });
    if (!works) return 2;
    return heap_registry.heap_count() == 2 ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

TEST(HeapRegistry, AChildWorksThoughTheDepotWasLockedAtTheFork) {
  fork_guard.start();
  const AttachedThread here;
  void* block = allocate(300);
  void* large = allocate(300'000);
  test::fill(block, 300, 1);
  test::fill(large, 300'000, 2);
  const ParkedThread parked([] { depot.lock().acquire(); }, [] { depot.lock().release(); });
  const int status = status_in_child([&] {
    if (!heap_works()) return 1;
    if (!test::holds(block, 300, 1) || !test::holds(large, 300'000, 2)) return 2;
    deallocate(block);
    deallocate(large);
    if (!heap_works()) return 3;
    test::validate_heap();
    return 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(HeapRegistry, AChildLeavesAHeapAloneWhoseThreadWasInsideAtTheFork) {
  fork_guard.start();
  const AttachedThread here;
  ThreadHeap* others = nullptr;
  void* block = nullptr;
  const ParkedThread parked(
      [&] {
        (void)heap_registry.attach_thread();
        block = allocate(300);
        test::fill(block, 300, 1);
        others = thread.heap;
        others->lock().acquire();
      },
      [] {
        thread.heap->lock().release();
        heap_registry.detach_thread();
      });
  const int status = status_in_child([&] {
    if (!heap_works()) return 1;
    if (others->stage.load() != HeapStage::lost) return 2;
    if (!test::holds(block, 300, 1)) return 3;
    deallocate(block);
    return heap_works() ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

TEST(HeapRegistry, AChildWhoseOwnHeapWasBeingDrainedGetsAnother) {
  fork_guard.start();
  const AttachedThread here;
  ThreadHeap* mine = thread.heap;
  void* block = allocate(300);
  test::fill(block, 300, 1);
  const ParkedThread parked([mine] { mine->lock().acquire(); }, [mine] { mine->lock().release(); });
  const int status = status_in_child([&] {
    {
      const InsideScope inside;
      heap_registry.notice_fork();
    }
    if (thread.heap != nullptr || thread.stage != ThreadStage::unborn || thread.active != &empty_heap) return 1;
    if (!heap_registry.attach_thread() || thread.heap == mine) return 2;
    if (!test::holds(block, 300, 1)) return 3;
    heap::deallocate(block, Caller::free);
    return heap_works() ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

TEST(HeapRegistry, AThreadThatNeverAllocatedMayForkWhileTheDepotIsLocked) {
  fork_guard.start();
  const ParkedThread parked(
      [] {
        (void)heap_registry.attach_thread();
        depot.lock().acquire();
      },
      [] {
        depot.lock().release();
        heap_registry.detach_thread();
      });
  const int status = status_in_child([] {
    const AttachedThread here;
    return heap_works() ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(HeapRegistry, AChildMayEndItsThreadBeforeItAllocates) {
  fork_guard.start();
  (void)heap_registry.attach_thread();
  void* block = allocate(64);
  const ParkedThread parked([] { depot.lock().acquire(); }, [] { depot.lock().release(); });
  const int status = status_in_child([&] {
    heap_registry.detach_thread();
    deallocate(block);
    return heap_works() ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  // The parent's thread of the test must not wait for the lock itself.
}

/// Forks again and again while other threads work: whatever they were doing, the child's heap works.
TEST(HeapRegistry, AChildWorksWhereverItsParentsThreadsWere) {
  fork_guard.start();
  const AttachedThread here;
  std::atomic<bool> is_over{false};
  std::atomic<void*> exchange[64] = {};
  const uint64_t seed = test::told_seed();
  std::vector<std::thread> workers;
  for (uint64_t number = 0; number < 3; ++number) {
    workers.emplace_back([&, number] {
      const AttachedThread attached;
      test::Random random(seed + number);
      while (!is_over) {
        void* block = allocate(random.bytes(random.one_in(20) ? 3'000'000 : 3000));
        deallocate(exchange[random.below(64)].exchange(block));
      }
    });
  }
  const int forks = test::is_slow_build() ? 30 : 300;
  for (int i = 0; i < forks; ++i) {
    const int status = status_in_child([&exchange] {
      for (std::atomic<void*>& slot : exchange) deallocate(slot.exchange(nullptr));
      return heap_works() && heap_works() ? 0 : 1;
    });
    ASSERT_EQ(status, 0) << "fork " << i;
  }
  is_over = true;
  for (std::thread& one : workers) one.join();
  for (std::atomic<void*>& slot : exchange) deallocate(slot.load());
  test::validate_heap();
}

}  // namespace
}  // namespace bursar
