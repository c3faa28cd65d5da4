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

/// What malloc takes from: free blocks of a class, and the slab that gives it more.
struct Bin {
  Block* head;
  Slab* current;
};
static_assert(sizeof(Bin) == size_class_step, "the rounded size of a small block is the offset of its bin");

enum class HeapStage : uint8_t {
  owned,     // by a living thread
  orphaned,  // its thread ended; waits for the next one
  shared,    // serves threads past their end, under its lock
  lost,      // in a forked child: its thread was inside it at the fork; never touched again
};

/// Blocks of other heaps, freed here and kept for the next allocation here: they need not travel.
struct Strays {
  Block* first;
  uint32_t count;
  uint32_t sent;  // how many of the class went home so far, up to a bound
};

/// Blocks on their way to one other heap: a list of their addresses, so that whoever frees them does not write to them, nor
/// whoever receives them wait for what was written.
struct alignas(64) Parcel {
  static constexpr uint32_t blocks_max = 30;

  uintptr_t next;                   // mail, as in `remote_`
  std::atomic<bool> is_travelling;  // set by the sender, whose parcel it is; cleared by whoever emptied it
  uint32_t count;
  Block* blocks[blocks_max];
};
static_assert(sizeof(Parcel) == 256);

/// What a thread gathers for one other heap: in a parcel, or in a chain while all its parcels travel.
struct RemoteBatch {
  ThreadHeap* target;
  Parcel* parcel;
  BlockChain chain;
  size_t bytes;
};

/// Slabs of one list.
class SlabList {
 public:
  [[nodiscard]] Slab* first() const noexcept { return first_; }
  [[nodiscard]] Slab* last() const noexcept { return last_; }
  /// Pre: not empty.
  void insert_before_last(Slab& slab) noexcept;
  void push_front(Slab& slab) noexcept;
  void push_back(Slab& slab) noexcept;
  void remove(Slab& slab) noexcept;

 private:
  Slab* first_ = nullptr;
  Slab* last_ = nullptr;
};

/// One per living thread; never destroyed, but handed on.
///
///   bins, strays, gathered   the owner alone, without a lock: the fast path
///   the rest                 under `lock_`, which the owner takes on slow paths and whoever finds too many blocks waiting in
///                            `remote_` takes in its place
///
/// A class's slabs: current (in its bin) -> exhausted (all blocks out) -> partial (enough came back) -> current. malloc takes from
/// the current slab until nothing of it is left, so that blocks allocated one after the other lie side by side; free puts a
/// block into its own slab's list, so that a slab knows at once when it is unused.
///
///   I1  every block in a bin or among the strays is out of its slab, which has the bin's class
///   I2  each slab with this heap is current in a bin, or on the list of its stage (slab.h I3); none on a list is unused
///   I3  each slab's owner is identity_, which is that of a living thread whose fast path is open, or 0
///   I4  any thread may push onto remote_, and take it whole: the owner, or whoever holds the lock
///   I5  returned_ has exactly the slabs whose returned_count is not 0
///   I6  rest_ has blocks that stand behind those of a bin; none unless is_sparing_
class alignas(64) ThreadHeap {
 private:
  Bin bins_[size_class_count]{};       // first: see Bin
  Strays strays_[size_class_count]{};  // as far apart as the bins, each at the same distance from its bin
  static_assert(sizeof(Strays) == sizeof(Bin));

 public:
  [[nodiscard]] size_t index_of(const Bin& bin) const noexcept { return static_cast<size_t>(&bin - bins_); }

  /// The calling thread, as the slabs know it.
  [[nodiscard]] static uintptr_t thread_identity() noexcept { return address_of(__builtin_thread_pointer()); }

  /// True when the calling thread's frees take the fast path there. Any run that the page map found, its header too.
  [[nodiscard]] static bool is_own(const Run& run) noexcept {
    return run.owner.load(std::memory_order_relaxed) == thread_identity();
  }

  /// Opens the fast path of free to the calling thread, or closes it. Pre: the caller owns the heap, or nobody does. Cost: a
  /// visit to each slab when that changes anything.
  void open_to_frees() noexcept;
  void close_to_frees() noexcept;
  [[nodiscard]] bool is_open_to_frees() const noexcept { return identity_ == thread_identity(); }

  /// A block from the bin of its class, or null when that is empty. Pre: bytes <= small_bytes_max; for 0 null.
  [[nodiscard]] Block* try_pop_small(size_t bytes) noexcept { return pop(small_bin_of(bytes)); }

  /// Where a small size is served; for 0 a bin that is always empty. Pre: bytes <= small_bytes_max.
  [[nodiscard]] Bin& small_bin_of(size_t bytes) noexcept {
    return *bin_at((bytes + size_class_step - 1) & ~(size_class_step - 1));
  }
  /// The same two for a class of any size.
  [[nodiscard]] Block* try_pop(SizeClass size_class) noexcept { return pop(bins_[size_class]); }
  [[nodiscard]] Bin& bin_of(SizeClass size_class) noexcept { return bins_[size_class]; }

  /// True when there are strays to serve.
  [[nodiscard]] static bool has_strays(const Bin& bin) noexcept {
    const auto* strays = reinterpret_cast<const Strays*>(reinterpret_cast<const char*>(&bin) + sizeof(bins_));
    return strays->first != nullptr;
  }

  /// True when enough blocks came back to the bin's slab to serve them.
  [[nodiscard]] static bool has_worthwhile(const Bin& bin) noexcept {
    return bin.current != nullptr && bin.current->has_worthwhile();
  }

  /// True when so much waits to be taken in that the owner had better do so now. Cost: a load of a line that others write.
  [[nodiscard]] bool has_mail() const noexcept { return remote_bytes_.load(std::memory_order_relaxed) >= mail_bytes; }

  /// A block of an empty bin, of strays or of those that came back to its slab. Pre: has_strays or has_worthwhile, not is_sparing; the
  /// caller owns the heap, is inside. Cost: some twenty instructions; needs no lock, since nothing here can meet another thread.
  [[nodiscard]] Block* recycle(Bin& bin) noexcept {
    if (bin.head != nullptr) [[unlikely]]
      return pop(bin);  // what a signal handler left there a moment ago
    Block* first = take_chain(bin);
    bin.head = first->next;
    return first;
  }

  /// A block of what waits behind an empty bin's head; null when there is none. Pre: the caller owns the heap, is inside.
  [[nodiscard]] Block* try_take_rest(Bin& bin) noexcept;
  [[nodiscard]] bool is_sparing() const noexcept { return is_sparing_; }

  /// A block when the bin is empty. Null when there is no memory. Pre: the caller owns the heap, is inside.
  [[nodiscard]] void* refill(SizeClass size_class) noexcept;

  /// A block for any thread, taken under the lock. Pre: stage is shared, the caller is inside.
  [[nodiscard]] void* allocate_shared(SizeClass size_class) noexcept;

  /// A free brought the slab to the bound of its stage: it may serve again, or is unused and goes. Pre: the slab is this heap's, the
  /// caller owns the heap, is inside.
  void settle(Slab& slab) noexcept;

  /// The same from a signal handler that interrupted the heap: at the next refill. Pre: the caller owns the heap.
  void settle_later() noexcept { has_unsettled_ = true; }

  /// Puts a block of this heap back into its slab. Pre: the caller owns the heap, is inside.
  void put(Slab& slab, Block* block) noexcept;

  /// Frees a block of another heap: it is kept for this one's next allocation, or sent home. Pre: owner, inside.
  void deallocate_foreign(const Slab& slab, Block* block) noexcept;

  /// Sends what was gathered. Pre: owner, inside.
  void send_gathered() noexcept;

  /// In a child, for the heap of a thread of the parent that held no lock: what it was gathering may be half written, and is given
  /// up; a queue that it was taking goes back.
  void mend_after_fork() noexcept;

  /// Sends a block of `bytes` to its heap, from any thread and any place: lock-free but for a drain, which is only tried, and only from
  /// inside: a signal handler could come upon a lock that its own thread holds.
  enum class Drain : uint8_t { no, when_due };
  static void deliver(const Slab& slab, Block* block, size_t bytes, Drain drain) noexcept;

  /// Returns all blocks of all bins to their slabs, and slabs without blocks to the depot. Pre: owner, inside; the stage is owned.
  void empty_bins() noexcept;

  /// Takes in what others sent. Pre: inside; the caller is the owner, or there is none.
  void receive() noexcept;

  [[nodiscard]] Bin* bin_at(size_t offset) noexcept {
    return reinterpret_cast<Bin*>(reinterpret_cast<char*>(this) + offset);
  }

  [[nodiscard]] Lock& lock() noexcept { return lock_; }

  /// Checks I1 to I3, I5 and I6. Pre: no other thread is active.
  void validate() noexcept;

  // The registry's fields (heap_registry.h).
  std::atomic<HeapStage> stage{HeapStage::owned};
  ThreadHeap* next_registered = nullptr;
  ThreadHeap* next_orphan = nullptr;

  // The account's: where calls of the owner are counted. The heap only keeps it, from one owner to the next.
  void* account = nullptr;

 private:
  static constexpr size_t remote_batches = 4;

  /// What waits in remote_: 0, or the address of a block whose link is the rest, or that of a parcel plus 1.
  struct Mail {
    uintptr_t first;
    uintptr_t* rest;  // where the link to the rest goes
  };
  static void deliver(ThreadHeap& target, const Mail& mail, size_t bytes, Drain drain) noexcept;
  static void deliver(const RemoteBatch& batch) noexcept;
  template <typename Take>
  void open_mail(Take take) noexcept;
  [[nodiscard]] Parcel* try_take_parcel() noexcept;
  void begin_batch(RemoteBatch& batch, ThreadHeap& target) noexcept;

  /// Sends a block home. Pre: owner, inside.
  void send(const Slab& slab, Block* block) noexcept;
  void put_or_send(Block* first) noexcept;  // pre: lock held
  [[nodiscard]] Block* take_chain(Bin& bin) noexcept;

  /// Few enough to be still in the caches, and enough to share the cost of taking them in.
  static constexpr size_t mail_bytes = 64 * KiB;

  void set_identity(uintptr_t identity) noexcept;
  [[nodiscard]] Block* refill_locked(SizeClass size_class) noexcept;
  [[nodiscard]] static bool may_sweep(const Bin& bin) noexcept;
  [[nodiscard]] bool choose_current_locked(SizeClass size_class) noexcept;
  void demote_locked(Slab& slab) noexcept;
  void settle_locked(Slab& slab) noexcept;
  void settle_all_locked() noexcept;
  void retire_locked(Slab& slab) noexcept;
  [[nodiscard]] SlabList& list_of(const Slab& slab) noexcept;
  void receive_locked() noexcept;
  void receive_returned_locked() noexcept;
  void drain_locked() noexcept;
  void take_owners_place() noexcept;
  void keep_returned_locked(Slab& slab, Block* block) noexcept;
  void forget_returned_locked(Slab& slab) noexcept;
  [[nodiscard]] Block* give(Bin& bin, Block* first) noexcept;
  void begin_sparing() noexcept;
  void end_sparing() noexcept;
  void look_at_clock_now_and_then() noexcept;
  void look_at_clock() noexcept;

  static Block* pop(Bin& bin) noexcept {
    Block* block = bin.head;
    if (block == nullptr) [[unlikely]]
      return nullptr;
    Block* next = block->next;
    prefer_result_register(block);
    bin.head = next;
    return block;
  }

  /// All blocks of a bin, at once: a signal handler that allocates takes a block of it before, or none after.
  [[nodiscard]] static Block* take_all(Bin& bin) noexcept {
    return __atomic_exchange_n(&bin.head, nullptr, __ATOMIC_RELAXED);
  }

  uintptr_t identity_ = 0;
  RemoteBatch gathered_[remote_batches]{};
  SlabList partial_[size_class_count]{};
  SlabList exhausted_;
  Slab* returned_ = nullptr;
  Block* rest_[size_class_count]{};
  static constexpr size_t parcel_count = 16;
  Parcel parcels_[parcel_count]{};
  size_t parcels_taken_ = 0;
  uint64_t last_exit_ms_ = 0;
  uint32_t exits_ = 0;
  bool is_sparing_ = false;
  bool has_unsettled_ = false;  // slabs beyond the bound of their stage, left so for later
  Lock lock_;

  // Others write these: a line of their own keeps them from slowing the owner.
  alignas(64) std::atomic<uintptr_t> remote_{0};
  std::atomic<size_t> remote_bytes_{0};
  std::atomic<bool> is_owner_away_{false};  // others drained since the owner took its mail in
};

/// The heap that `Thread::active` points to when the fast path must leave: never written, every bin empty.
extern const ThreadHeap empty_heap;

}  // namespace bursar
