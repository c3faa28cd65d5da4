// A thread's heap: a free list per size class, and the one branch that leaves it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/lock.h"
#include "allocator/page_map.h"
#include "allocator/report.h"
#include "allocator/size_class.h"
#include "allocator/slab.h"
#include "allocator/thread.h"
#include "allocator/units.h"

namespace bursar {

/// The free list of a class. `room` counts how many frees may come before the list could exceed `capacity`; since
/// allocations do not count, a list mostly turns out shorter when room is gone, and gets new room then.
struct Bin {
  Block* head;
  int32_t room;
  int32_t capacity;
};
static_assert(sizeof(Bin) == size_class_step, "the rounded size of a small block is the offset of its bin");

enum class HeapStage : uint8_t {
  owned,     // by a living thread
  orphaned,  // its thread ended; waits for the next one
  shared,    // serves threads past their end, under its lock
  lost,      // in a forked child: its thread was inside it at the fork; never touched again
};

/// Blocks freed by one thread that belong to one other heap, gathered to travel together.
struct RemoteBatch {
  ThreadHeap* target;
  BlockChain chain;
  size_t bytes;
};

/// One per living thread; never destroyed, but handed on.
///
///   bins[1..84]   the owner alone, without a lock: the fast path
///   the rest      under `lock_`, which the owner takes on slow paths and whoever finds too many blocks waiting in
///                 `remote_` takes in its place
///
///   I1  every block in a bin belongs to a slab whose `heap` is this one, of the bin's class
///   I2  a bin's length never exceeds its capacity + 1
///   I3  partial_[c] has exactly the slabs of class c that are not full (slab.h I3)
///   I4  any thread may push onto remote_; taking it whole needs the lock
class alignas(64) ThreadHeap {
 private:
  Bin bins_[size_class_count]{};  // first: see Bin

 public:
  /// A block from the bin of its class, or null when that is empty. Pre: bytes <= small_bytes_max; for 0 null.
  [[nodiscard]] Block* try_pop_small(size_t bytes) noexcept {
    return pop(*bin_at((bytes + size_class_step - 1) & ~(size_class_step - 1)));
  }

  /// The same for a class of any size.
  [[nodiscard]] Block* try_pop(SizeClass size_class) noexcept { return pop(bins_[size_class]); }

  /// A block when the bin is empty. Null when there is no memory. Pre: the caller owns the heap, is inside.
  [[nodiscard]] void* refill(SizeClass size_class) noexcept;

  /// A block for any thread, taken under the lock. Pre: stage is shared, the caller is inside.
  [[nodiscard]] void* allocate_shared(SizeClass size_class) noexcept;

  /// Puts a block of this heap on its bin. Pre: the caller owns the heap, is inside.
  void push_own(Slab& slab, Block* block) noexcept;

  /// A bin has no room left: returns the longest unused of its blocks to their slabs. Pre: owner, inside.
  void relieve(Bin& bin) noexcept;

  /// Sends a block home that belongs to another heap. Pre: owner, inside.
  void send(Slab& slab, Block* block) noexcept;

  /// Sends what was gathered. Pre: owner, inside.
  void send_gathered() noexcept;

  /// In a child, for the heap of a thread of the parent: what it was gathering may be half written, and is given up.
  void forget_gathered() noexcept;

  /// Sends a chain to `target`, from any thread and any place: lock-free but for a drain, which is only tried, and only from
  /// inside: a signal handler could come upon a lock that its own thread holds.
  enum class Drain : uint8_t { no, when_due };
  static void deliver(ThreadHeap& target, const BlockChain& chain, size_t bytes, Drain drain) noexcept;

  /// Returns all blocks of all bins to their slabs, and slabs without blocks to the depot. Pre: owner, inside.
  void empty_bins() noexcept;

  /// Takes delivered blocks in and returns unused slabs. Pre: lock held.
  void collect_locked() noexcept;

  /// Where in this heap a bin lies; at least bins_bytes for the bin of another heap and for no bin at all.
  [[nodiscard]] size_t offset_of(uintptr_t bin) const noexcept { return bin - address_of(this); }
  static constexpr size_t bins_bytes = sizeof(Bin) * size_class_count;
  [[nodiscard]] Bin* bin_at(size_t offset) noexcept {
    return reinterpret_cast<Bin*>(reinterpret_cast<char*>(this) + offset);
  }
  /// True when the block is the newest in its bin, which no block in use is.
  [[nodiscard]] bool was_just_freed(SizeClass size_class, const void* pointer) const noexcept {
    return bins_[size_class].head == pointer;
  }

  [[nodiscard]] Lock& lock() noexcept { return lock_; }

  /// Checks I1 to I3. Pre: no other thread is active.
  void validate() noexcept;

  // The registry's fields (heap_registry.h).
  std::atomic<HeapStage> stage{HeapStage::owned};
  ThreadHeap* next_registered = nullptr;
  ThreadHeap* next_orphan = nullptr;

  // The account's: where calls of the owner are counted. The heap only keeps it, from one owner to the next.
  void* account = nullptr;

 private:
  static constexpr size_t remote_batches = 4;

  [[nodiscard]] Block* refill_locked(SizeClass size_class) noexcept;
  void put_locked(Block* block) noexcept;
  void put_chain_locked(Block* first) noexcept;
  void link_partial(Slab& slab) noexcept;
  void unlink_partial(Slab& slab) noexcept;

  static Block* pop(Bin& bin) noexcept {
    Block* block = bin.head;
    if (block != nullptr) [[likely]]
      bin.head = block->next;
    return block;
  }

  Slab* partial_[size_class_count]{};
  RemoteBatch gathered_[remote_batches]{};
  uint32_t refills_ = 0;
  Lock lock_;

  // Others write these: a line of their own keeps them from slowing the owner.
  alignas(64) std::atomic<Block*> remote_{nullptr};
  std::atomic<size_t> remote_bytes_{0};
};

/// The heap that `Thread::active` points to when the fast path must leave: never written, every bin empty.
extern const ThreadHeap empty_heap;

}  // namespace bursar
