// What the heap's tests share: a thread that has a heap, blocks whose contents are known, random numbers whose seed is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "allocator/fast_path.h"
#include "allocator/heap.h"
#include "allocator/heap_registry.h"
#include "allocator/thread.h"
#include "allocator/thread_heap.h"

namespace bursar::test {

/// Gives the calling thread a heap for a scope, with its fast path open.
class AttachedThread {
 public:
  AttachedThread() noexcept {
    if (!heap_registry.attach_thread()) return;
    thread.active = thread.heap;
    thread.heap->open_to_frees();
  }
  ~AttachedThread() { heap_registry.detach_thread(); }
  AttachedThread(const AttachedThread&) = delete;
  AttachedThread& operator=(const AttachedThread&) = delete;
};

/// malloc and free, as the interposition makes them of the heap's parts.
[[nodiscard]] void* allocate(size_t bytes) noexcept;
void deallocate(void* pointer) noexcept;

/// The fast half of free alone: false when it leaves.
[[nodiscard]] inline bool try_deallocate_fast(void* pointer) noexcept {
  Run* run = nullptr;
  if (!page_map.find_run(pointer, run) || !ThreadHeap::is_own(*run)) return false;
  put_fast(static_cast<Slab*>(run), pointer);
  return true;
}

/// realloc: the block with another size and its contents, or null and the block as it was.
[[nodiscard]] void* reallocate(void* pointer, size_t bytes) noexcept;

/// Runs `work(number)` in `count` attached threads at once and waits for them.
void run_attached(size_t count, const std::function<void(size_t)>& work);

/// The same in one attached thread.
void run_attached(const std::function<void()>& work);

/// Writes a pattern that no other mark has: all of it into the first and last bytes, a word each so often between.
void fill(void* block, size_t bytes, uint64_t mark) noexcept;
[[nodiscard]] bool holds(const void* block, size_t bytes, uint64_t mark) noexcept;
[[nodiscard]] bool is_zero(const void* block, size_t bytes) noexcept;

/// The slab that holds a block.
[[nodiscard]] Slab& slab_of(const void* block) noexcept;

/// Blocks that hold a pattern of their own, by malloc of `bytes` each.
[[nodiscard]] std::vector<void*> allocate_many(size_t count, size_t bytes);

/// As many as a slab has; all of one slab when no other of the class has room.
[[nodiscard]] std::vector<void*> allocate_slab(size_t bytes);

/// Frees blocks of allocate_many, whose pattern they must hold.
void deallocate_all(const std::vector<void*>& blocks, size_t bytes);

/// Blocks of every kind come and go, and hold what is written into them.
[[nodiscard]] bool heap_works();

/// Of the calling thread's heap.
void empty_bins() noexcept;

/// What the depot has given out.
[[nodiscard]] size_t used_bytes() noexcept;

/// The seed from BURSAR_TEST_SEED, or a new one; said on stdout, which is shown when a test fails.
[[nodiscard]] uint64_t told_seed();

/// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) noexcept : state_(seed) {}
  uint64_t next() noexcept;
  /// In [0, bound).
  size_t below(size_t bound) noexcept { return static_cast<size_t>(next() % bound); }
  /// In [low, high].
  size_t between(size_t low, size_t high) noexcept { return low + below(high - low + 1); }
  bool one_in(size_t count) noexcept { return below(count) == 0; }
  template <typename Element>
  void shuffle(std::vector<Element>& elements) {
    for (size_t i = elements.size(); i > 1; --i) std::swap(elements[i - 1], elements[below(i)]);
  }
  /// In [1, bytes_max], each doubling as likely as the others.
  size_t bytes(size_t bytes_max) noexcept;

 private:
  uint64_t state_;
};

/// validate() of everything. Pre: no other thread is active.
void validate_heap() noexcept;

/// True under sanitizers, in checked builds and where an emulator runs them: steps cost ten times as much and more.
[[nodiscard]] bool is_slow_build() noexcept;

[[nodiscard]] bool is_sanitized() noexcept;

/// ThreadSanitizer ends a child of several threads that makes threads of its own.
[[nodiscard]] bool is_thread_sanitized() noexcept;

}  // namespace bursar::test
