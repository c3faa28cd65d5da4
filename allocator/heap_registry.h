// All threads' heaps: who gets one, who gives one up, and what a forked child does with those of its parent.
#pragma once

#include <atomic>
#include <cstddef>

#include "allocator/fork_guard.h"
#include "allocator/thread_heap.h"

namespace bursar {

/// Heaps are made once and live for ever; what comes and goes are their threads.
///
///   I1  every heap is on the list of all, the newest first; the list only grows
///   I2  a heap is on the list of orphans exactly when its stage is orphaned
class HeapRegistry {
 public:
  /// Gives the calling thread a heap: an orphan with all its memory, else a new one. False when it has or had one, and when
  /// there is no memory.
  [[nodiscard]] bool attach_thread() noexcept;

  /// Ends the calling thread's use of its heap: its free blocks go back, the rest waits for the next thread. From
  /// then on the thread is served from the shared heap.
  void detach_thread() noexcept;

  /// The heap of threads past their end. Null when there is no memory for it. Pre: inside.
  [[nodiscard]] ThreadHeap* shared_heap() noexcept;

  /// What every way into the heap begins with, before it takes a lock: in a new child it opens or gives up what other threads
  /// held at the fork, and takes their heaps as orphans.
  void notice_fork() noexcept {
    if (fork_guard.is_new_child()) [[unlikely]]
      adopt_after_fork();
  }

  /// The newest heap; the others follow by next_registered.
  [[nodiscard]] ThreadHeap* first() const noexcept { return all_.load(std::memory_order_acquire); }

  [[nodiscard]] size_t heap_count() const noexcept { return heap_count_.load(std::memory_order_relaxed); }

 private:
  void adopt_after_fork() noexcept;
  static void lose_own_heap() noexcept;
  [[nodiscard]] ThreadHeap* make_locked(HeapStage stage) noexcept;
  [[nodiscard]] ThreadHeap* take_orphan_locked() noexcept;
  [[nodiscard]] ThreadHeap* take_heap() noexcept;

  std::atomic<ThreadHeap*> all_{nullptr};
  std::atomic<ThreadHeap*> shared_{nullptr};
  std::atomic<size_t> heap_count_{0};
  ThreadHeap* orphans_ = nullptr;  // under the depot's lock, as is metadata
};

extern constinit HeapRegistry heap_registry;

}  // namespace bursar
