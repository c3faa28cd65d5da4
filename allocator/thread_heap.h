// A thread's heap: a free list per size class, and the one branch that leaves it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/annotate.h"
#include "allocator/lock.h"
#include "allocator/page_map.h"
#include "allocator/report.h"
#include "allocator/size_class.h"
#include "allocator/slab.h"
#include "allocator/thread.h"
#include "allocator/units.h"

namespace bursar {

/// The free list of a class. `room` counts how many frees may come before the list could exceed `capacity`; allocations do not
/// count, so that the fast path of malloc has nothing to count.
struct Bin {
  Block* head;
  int32_t room;
  int32_t capacity;
};
static_assert(sizeof(Bin) == size_class_step, "the rounded size of a small block is the offset of its bin");

/// What belongs to a bin but lies apart from it: other threads' frees read `owner`, and must not meet the line that the owner
/// writes with each call.
///
/// `reserve` is what lay in the bin when room ran out the last time. It serves when the bin is empty; if it is still there when
/// room runs out again, nobody wanted it for that long, and it goes back to its slabs.
struct BinSide {
  std::atomic<uintptr_t> owner;  // the thread whose free takes the fast path (thread_identity), or 0
  Block* reserve;
};
static_assert(sizeof(BinSide) == sizeof(Bin), "a bin and its side are a constant apart");

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
///   bins[1..84], sides, gathered   the owner alone, without a lock: the fast path
///   the rest                       under `lock_`, which the owner takes on slow paths and whoever finds too many blocks
///                                  waiting in `remote_` takes in its place
///
///   I1  every block in a bin or its reserve belongs to a slab whose `heap` is this one, of the bin's class
///   I2  a bin that exceeds its capacity has what one slab held at most, and loses it when its room runs out
///   I3  partial_[c] has exactly the slabs of class c that are not full (slab.h I3)
///   I4  any thread may push onto remote_, and take it whole: the owner into its bins, others under the lock into the slabs
///   I5  all bins have the same owner; 0 unless a living thread has the heap and its fast path is open
class alignas(2048) ThreadHeap {
 private:
  /// A whole number of cache lines, so that bins and their sides share none.
  static constexpr size_t bin_count = round_up(size_class_count, 64 / sizeof(Bin));
  Bin bins_[bin_count]{};  // first: see Bin
  BinSide sides_[bin_count]{};

 public:
  static constexpr size_t bins_bytes = sizeof(bins_);
  /// From a bin's address to its offset in its heap.
  static constexpr size_t alignment_bytes = 2048;
  static_assert(bins_bytes < alignment_bytes && bins_bytes + sizeof(BinSide) <= PageMap::header_bytes);

  /// The calling thread: what its bins have as owner.
  [[nodiscard]] static uintptr_t thread_identity() noexcept { return address_of(__builtin_thread_pointer()); }

  /// True when the calling thread's frees may take the bin's fast path. Any bin that the page map found.
  [[nodiscard]] static bool is_own(uintptr_t bin) noexcept {
    const auto* side = static_cast<const BinSide*>(pointer_to(bin + bins_bytes));
    return side->owner.load(std::memory_order_relaxed) == thread_identity();
  }

  /// Opens the fast path of free to the calling thread, or closes it. Pre: the caller owns the heap, or nobody does.
  void open_to_frees() noexcept;
  void close_to_frees() noexcept;
  [[nodiscard]] bool is_open_to_frees() const noexcept {
    return sides_[0].owner.load(std::memory_order_relaxed) == thread_identity();
  }

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
  void push(SizeClass size_class, Block* block) noexcept;

  /// A bin has no room left: its blocks become its reserve, and what was the reserve goes back to the slabs. Pre: owner, inside.
  void relieve(Bin& bin) noexcept;

  /// Sends a block of `bytes` home that belongs to another heap. Pre: owner, inside.
  void send(ThreadHeap& target, Block* block, size_t bytes) noexcept;

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

  /// Puts delivered blocks back into their slabs. Pre: lock held.
  void collect_locked() noexcept;

  [[nodiscard]] Bin* bin_at(size_t offset) noexcept {
    return reinterpret_cast<Bin*>(reinterpret_cast<char*>(this) + offset);
  }
  /// What a bin's address tells, whoever's it is.
  [[nodiscard]] static size_t offset_of(uintptr_t bin) noexcept { return bin % alignment_bytes; }
  [[nodiscard]] static SizeClass class_of(uintptr_t bin) noexcept {
    return static_cast<SizeClass>(offset_of(bin) / sizeof(Bin));
  }
  [[nodiscard]] static ThreadHeap* heap_of(uintptr_t bin) noexcept {
    return static_cast<ThreadHeap*>(pointer_to(bin - offset_of(bin)));
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

  /// Takes delivered blocks into the bins. Pre: owner, inside.
  void receive() noexcept;
  void take_in(Bin& bin, Block* block) noexcept;
  [[nodiscard]] Block* take_reserve(SizeClass size_class) noexcept;
  static void put_chain_behind(Bin& bin, Block* first) noexcept;
  [[nodiscard]] Block* refill_locked(SizeClass size_class) noexcept;
  void put_chain_locked(Block* first) noexcept;
  [[nodiscard]] Block* put_all_of_slab_locked(Slab& slab, Block* first) noexcept;
  void look_at_clock_now_and_then() noexcept;
  void link_partial(Slab& slab) noexcept;
  void unlink_partial(Slab& slab) noexcept;

  static Block* pop(Bin& bin) noexcept {
    Block* block = bin.head;
    if (block == nullptr) [[unlikely]]
      return nullptr;
    Block* next = block->next;
    prefer_result_register(block);
    bin.head = next;
    return block;
  }


  Slab* partial_[size_class_count]{};
  RemoteBatch gathered_[remote_batches]{};
  uint32_t exits_ = 0;
  Lock lock_;

  // Others write these: a line of their own keeps them from slowing the owner.
  alignas(64) std::atomic<Block*> remote_{nullptr};
  std::atomic<size_t> remote_bytes_{0};
};

/// The heap that `Thread::active` points to when the fast path must leave: never written, every bin empty.
extern const ThreadHeap empty_heap;

}  // namespace bursar
