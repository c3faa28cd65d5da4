// Heaps in a forked child: what it makes of its own and of those of its parent's other threads.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "allocator/depot.h"
#include "allocator/fork_guard.h"
#include "allocator/heap_registry.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

constexpr unsigned child_seconds_max = 60;

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
    if (!fork_guard.is_wiped_by_kernel()) fork_guard.note_child();  // as the handler of forks does
    _exit(work());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(ForkedHeap, AChildAdoptsTheHeapsOfThreadsThatDidNotComeAlong) {
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

TEST(ForkedHeap, ThreadsOfAChildTakeTheAdoptedHeaps) {
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

TEST(ForkedHeap, AChildsFreesReachSlabsWhoseOtherBlocksWereReturnedBefore) {
  fork_guard.start();
  const AttachedThread here;
  std::vector<void*> blocks;
  const ParkedThread parked(
      [&] {
        (void)heap_registry.attach_thread();
        blocks = test::allocate_slab(80);
        (void)allocate(80);
      },
      [] { heap_registry.detach_thread(); });
  {
    const InsideScope inside;
    for (size_t i = 1; i < blocks.size(); ++i) {
      auto* block = static_cast<Block*>(blocks[i]);
      // So much that the owner's place is taken at once.
      ThreadHeap::deliver(slab_of(block), block, GiB, ThreadHeap::Drain::when_due);
    }
  }
  const int status = status_in_child([&] {
    deallocate(blocks[0]);
    const InsideScope inside;
    thread.heap->send_gathered();
    return page_map.run_of(blocks[0]) == nullptr ? 0 : 1;
  });
  EXPECT_EQ(status, 0) << "every block of the slab is back, and nobody may come to own its heap";
}

TEST(ForkedHeap, AChildWorksThoughTheDepotWasLockedAtTheFork) {
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

TEST(ForkedHeap, AChildLeavesAHeapAloneWhoseThreadWasInsideAtTheFork) {
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

TEST(ForkedHeap, AChildWhoseOwnHeapWasBeingDrainedGetsAnother) {
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

TEST(ForkedHeap, AThreadThatNeverAllocatedMayForkWhileTheDepotIsLocked) {
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

TEST(ForkedHeap, AChildMayEndItsThreadBeforeItAllocates) {
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
TEST(ForkedHeap, AChildWorksWhereverItsParentsThreadsWere) {
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
}  // namespace bursar::test
