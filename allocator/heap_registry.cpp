// All threads' heaps.
#include "allocator/heap_registry.h"

#include <new>

#include "allocator/depot.h"
#include "allocator/large.h"
#include "allocator/metadata.h"

namespace bursar {

constinit HeapRegistry heap_registry;

ThreadHeap* HeapRegistry::take_orphan_locked() noexcept {
  while (ThreadHeap* heap = orphans_) {
    orphans_ = heap->next_orphan;
    heap->next_orphan = nullptr;
    if (heap->stage.load(std::memory_order_relaxed) != HeapStage::orphaned) continue;  // lost in a fork
    heap->stage.store(HeapStage::owned, std::memory_order_seq_cst);
    return heap;
  }
  return nullptr;
}

ThreadHeap* HeapRegistry::make_locked(HeapStage stage) noexcept {
  void* memory = metadata::allocate_locked(sizeof(ThreadHeap));
  if (memory == nullptr) return nullptr;
  auto* heap = new (memory) ThreadHeap;
  heap->stage.store(stage, std::memory_order_relaxed);
  heap->next_registered = all_.load(std::memory_order_relaxed);
  // Pairs with the acquire in first(): the heap is complete before it can be found.
  all_.store(heap, std::memory_order_release);
  heap_count_.fetch_add(1, std::memory_order_relaxed);
  return heap;
}

ThreadHeap* HeapRegistry::take_heap() noexcept {
  const LockGuard guard(depot.lock());
  ThreadHeap* heap = take_orphan_locked();
  return heap != nullptr ? heap : make_locked(HeapStage::owned);
}

bool HeapRegistry::attach_thread() noexcept {
  const InsideScope inside;
  if (thread.stage != ThreadStage::unborn) return false;
  notice_fork();
  ThreadHeap* heap = take_heap();
  if (heap == nullptr) return false;
  {
    // A sender that found nobody to own the heap may still be putting blocks back; from now on it finds an owner.
    const LockGuard no_sender(heap->lock());
  }
  thread.heap = heap;
  thread.stage = ThreadStage::alive;
  return true;
}

void HeapRegistry::detach_thread() noexcept {
  const InsideScope inside;
  notice_fork();
  ThreadHeap* heap = thread.heap;
  // First: the frees of a signal handler go the long way from here on.
  if (heap != nullptr) heap->close_to_frees();
  thread.active = const_cast<ThreadHeap*>(&empty_heap);
  thread.heap = nullptr;
  thread.stage = ThreadStage::ended;
  if (heap == nullptr) return;
  // While it is owned: it puts blocks back without the lock, as the owner alone may.
  heap->empty_bins();
  // Once more, for what came before its senders could see that nobody looks there any more.
  heap->stage.store(HeapStage::orphaned, std::memory_order_seq_cst);
  heap->receive();
  const LockGuard guard(depot.lock());
  heap->next_orphan = orphans_;
  orphans_ = heap;
}

ThreadHeap* HeapRegistry::shared_heap() noexcept {
  ThreadHeap* heap = shared_.load(std::memory_order_acquire);
  if (heap != nullptr) return heap;
  const LockGuard guard(depot.lock());
  heap = shared_.load(std::memory_order_relaxed);
  if (heap != nullptr) return heap;
  heap = make_locked(HeapStage::shared);
  shared_.store(heap, std::memory_order_release);
  return heap;
}

/// Another thread was draining this one's heap at the fork. The next allocation attaches the thread anew. Frees of the lost heap's
/// blocks still take the fast path, into slabs that nobody looks at any more.
void HeapRegistry::lose_own_heap() noexcept {
  thread.active = const_cast<ThreadHeap*>(&empty_heap);
  thread.heap = nullptr;
  thread.set_account(nullptr, nullptr);
  thread.stage = ThreadStage::unborn;
}

void HeapRegistry::adopt_after_fork() noexcept {
  if (!fork_guard.begin_adoption()) return;
  page_map.forget_after_fork();
  if (depot.lock().is_held()) {
    large::forget_after_fork();
    depot.forget_after_fork();
  }
  orphans_ = nullptr;  // the list may be torn, or lack a heap whose thread was just ending
  for (ThreadHeap* heap = first(); heap != nullptr; heap = heap->next_registered) {
    const HeapStage stage = heap->stage.load(std::memory_order_relaxed);
    if (heap->lock().is_held()) {
      heap->stage.store(HeapStage::lost, std::memory_order_relaxed);
      if (stage == HeapStage::shared) shared_.store(nullptr, std::memory_order_relaxed);
      if (heap == thread.heap) lose_own_heap();
      continue;
    }
    if (heap == thread.heap || (stage != HeapStage::owned && stage != HeapStage::orphaned)) continue;
    heap->close_to_frees();
    heap->mend_after_fork();
    heap->stage.store(HeapStage::orphaned, std::memory_order_relaxed);
    heap->next_orphan = orphans_;
    orphans_ = heap;
  }
  fork_guard.adopted();
}

}  // namespace bursar
