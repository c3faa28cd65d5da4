// A thread's heap: what happens when a bin is empty or has no room.
#include "allocator/thread_heap.h"

#include "allocator/check.h"
#include "allocator/depot.h"
#include "allocator/large.h"

namespace bursar {
namespace {

/// A bin may hold this many bytes at most, and at least a few blocks whatever their size.
constexpr size_t bin_bytes_max = 16 * KiB;
constexpr int32_t bin_blocks_min = 4;
constexpr int32_t bin_blocks_max = 256;

/// Bins start small and double each time their room runs out: most threads use most classes little.
constexpr int32_t bin_growth_steps = 4;

/// Gathered blocks travel at the latest when there are this many, or this many bytes.
constexpr size_t gathered_blocks_max = 32;
constexpr size_t gathered_bytes_max = 16 * KiB;

/// Whoever delivers takes the owner's place when this much waits at an owner that does not come.
constexpr size_t waiting_bytes_max = 1 * MiB;

/// What comes home may exceed a bin's capacity by so much: as much as a producer may be ahead of its consumer.
constexpr int64_t taken_in_bytes_max = 256 * KiB;

/// The purge clock is looked at once in this many exits from the fast path: a look costs as much as half a refill.
constexpr uint32_t exits_per_clock_look = 32;

constexpr int32_t capacity_max_of(SizeClass size_class) noexcept {
  const auto fitting = static_cast<int32_t>(bin_bytes_max / block_bytes_of(size_class));
  if (fitting > bin_blocks_max) return bin_blocks_max;
  return fitting < bin_blocks_min ? bin_blocks_min : fitting;
}

constexpr int32_t first_capacity_of(SizeClass size_class) noexcept {
  const int32_t first = capacity_max_of(size_class) >> bin_growth_steps;
  return first < bin_blocks_min ? bin_blocks_min : first;
}

/// The slab of a block that came back. Pre: the lock of its heap is held.
Slab* slab_of(const void* block) noexcept {
  Run* run = page_map.run_of(block);
  if (run == nullptr || run->kind != RunKind::slab) report_foreign_pointer(block, Caller::free);
  auto* slab = static_cast<Slab*>(run);
  if (!slab::is_block_start(*slab, block)) {
    report_interior_pointer(block, slab::block_start(*slab, block), Caller::free);
  }
  if (!slab::was_carved(*slab, block)) report_foreign_pointer(block, Caller::free);
  return slab;
}

}  // namespace

constinit const ThreadHeap empty_heap{};

__thread Thread thread = {
    const_cast<ThreadHeap*>(&empty_heap), nullptr, nullptr, nullptr, ThreadStage::unborn, false, false, 0, false};

void ThreadHeap::open_to_frees() noexcept {
  if (is_open_to_frees()) return;
  for (BinSide& side : sides_) side.owner.store(thread_identity(), std::memory_order_relaxed);
}

void ThreadHeap::close_to_frees() noexcept {
  for (BinSide& side : sides_) side.owner.store(0, std::memory_order_relaxed);
}

void ThreadHeap::look_at_clock_now_and_then() noexcept {
  if (++exits_ % exits_per_clock_look != 0) return;
  send_gathered();
  depot.purge_due();
  large::purge_due();
}

void* ThreadHeap::refill(SizeClass size_class) noexcept {
  look_at_clock_now_and_then();
  if (Block* block = take_reserve(size_class)) return block;
  if (remote_.load(std::memory_order_relaxed) != nullptr) {
    receive();
    if (Block* block = try_pop(size_class)) return block;
  }
  const LockGuard guard(lock_);
  return refill_locked(size_class);
}

void* ThreadHeap::allocate_shared(SizeClass size_class) noexcept {
  const LockGuard guard(lock_);
  if (Block* block = try_pop(size_class)) return block;
  if (remote_.load(std::memory_order_relaxed) != nullptr) collect_locked();
  return refill_locked(size_class);
}

/// Pre: the bin is empty, but for what a signal handler may have freed meanwhile.
Block* ThreadHeap::take_reserve(SizeClass size_class) noexcept {
  Block* first = sides_[size_class].reserve;
  if (first == nullptr) return nullptr;
  sides_[size_class].reserve = nullptr;
  Bin& bin = bins_[size_class];
  if (bin.head != nullptr) {
    put_chain_behind(bin, first->next);
  } else {
    bin.head = first->next;
  }
  return first;
}

/// Where a chain meets a bin that is not empty, which is rare: finding the chain's end takes a walk.
void ThreadHeap::put_chain_behind(Bin& bin, Block* first) noexcept {
  if (first == nullptr) return;
  Block* last = first;
  while (last->next != nullptr) last = last->next;
  last->next = bin.head;
  bin.head = first;
}

Block* ThreadHeap::refill_locked(SizeClass size_class) noexcept {
  Bin& bin = bins_[size_class];
  Slab* slab = partial_[size_class];
  if (slab == nullptr) {
    slab = slab::acquire(size_class, this, &bin);
    if (slab == nullptr) return nullptr;
    link_partial(*slab);
  }
  if (bin.capacity == 0) bin.capacity = first_capacity_of(size_class);
  const BlockChain chain = slab::take(*slab, static_cast<size_t>(bin.capacity));
  if (slab->is_full()) unlink_partial(*slab);
  if (bin.head != nullptr) {
    put_chain_behind(bin, chain.first->next);
  } else {
    bin.head = chain.first->next;
  }
  const auto count = static_cast<int32_t>(chain.count);
  bin.room = count < bin.capacity / 2 ? bin.capacity - count : bin.capacity / 2;
  return chain.first;
}

void ThreadHeap::push(SizeClass size_class, Block* block) noexcept {
  Bin& bin = bins_[size_class];
  if (bin.head == block) report_double_free(block);
  block->next = bin.head;
  bin.head = block;
  if (--bin.room < 0) relieve(bin);
}

void ThreadHeap::relieve(Bin& bin) noexcept {
  const auto size_class = static_cast<SizeClass>(&bin - bins_);
  BinSide& side = sides_[size_class];
  Block* surplus = side.reserve;
  // The list is taken away while it is cut: a signal handler must not take a block that is being looked at, and a
  // child forked meanwhile must not find one twice.
  Block* newest = bin.head;
  bin.head = nullptr;
  side.reserve = nullptr;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (newest != nullptr) {
    // The newest stays in the bin: a block that is freed and allocated in turn must not find it empty.
    Block* rest = newest->next;
    newest->next = bin.head;
    bin.head = newest;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    side.reserve = rest;
  }
  const int32_t capacity_max = capacity_max_of(size_class);
  bin.capacity = bin.capacity * 2 > capacity_max ? capacity_max : bin.capacity * 2;
  bin.room = bin.capacity;
  look_at_clock_now_and_then();
  if (surplus == nullptr) return;
  const LockGuard guard(lock_);
  put_chain_locked(surplus);
}

void ThreadHeap::put_chain_locked(Block* first) noexcept {
  for (Block* block = first; block != nullptr;) {
    Slab& slab = *slab_of(block);
    const bool was_full = slab.is_full();
    block = put_all_of_slab_locked(slab, block);
    if constexpr (checked_build) slab::validate(slab);
    if (was_full) link_partial(slab);
    // One unused slab of a granule stays with its class: a program that frees and allocates around a border of slabs
    // would trade it with the depot each time.
    const bool is_spare = slab.previous == nullptr && slab.next == nullptr && slab.granules == 1;
    if (slab.is_unused() && !is_spare) {
      unlink_partial(slab);
      depot.retire(&slab);
    }
  }
}

/// Puts the first blocks of a chain back that lie in the slab; the rest of the chain.
Block* ThreadHeap::put_all_of_slab_locked(Slab& slab, Block* first) noexcept {
  Block* block = first;
  do {
    // A block that is on top already, or more blocks than ever left: seen late, but for nothing.
    if (slab.local == block || slab.local_count == slab.carved) report_double_free(block);
    Block* next = block->next;
    slab::put(slab, block);
    block = next;
  } while (block != nullptr && slab::was_handed_out(slab, block));
  return block;
}

void ThreadHeap::receive() noexcept {
  // Pairs with the release in deliver(): the links of the chain are written.
  Block* block = remote_.exchange(nullptr, std::memory_order_acquire);
  remote_bytes_.store(0, std::memory_order_relaxed);
  while (block != nullptr) {
    Block* next = block->next;
    uintptr_t bin = page_map.bin_of(block);
    if (bin == 0) bin = address_of(&bins_[slab_of(block)->size_class]);  // beyond the page map's fast window
    if (heap_of(bin) != this) report_foreign_pointer(block, Caller::free);
    take_in(*bin_at(offset_of(bin)), block);
    block = next;
  }
}

/// A block that comes home is likely to be wanted next: the bin may exceed its capacity for it, but not without end.
void ThreadHeap::take_in(Bin& bin, Block* block) noexcept {
  if (bin.head == block) report_double_free(block);
  block->next = bin.head;
  bin.head = block;
  --bin.room;
  const auto bytes = static_cast<int64_t>(block_bytes_of(class_of(address_of(&bin))));
  if (bin.room * bytes < -taken_in_bytes_max) relieve(bin);
}

void ThreadHeap::collect_locked() noexcept {
  // Pairs with the release in deliver(): the links of the chain are written.
  Block* first = remote_.exchange(nullptr, std::memory_order_seq_cst);
  remote_bytes_.store(0, std::memory_order_relaxed);
  put_chain_locked(first);
}

void ThreadHeap::send(ThreadHeap& target, Block* block, size_t bytes) noexcept {
  RemoteBatch& batch = gathered_[address_of(&target) / sizeof(ThreadHeap) % remote_batches];
  if (batch.target != &target) {
    // Out of the heap before it is delivered: a child forked meanwhile must not find it here again.
    const RemoteBatch other = batch;
    batch = {&target, {nullptr, block, 0}, 0};
    if (other.target != nullptr) deliver(*other.target, other.chain, other.bytes, Drain::when_due);
  }
  if (batch.chain.first == block) report_double_free(block);
  block->next = batch.chain.first;
  batch.chain.first = block;
  ++batch.chain.count;
  batch.bytes += bytes;
  if (batch.chain.count >= gathered_blocks_max || batch.bytes >= gathered_bytes_max) {
    const RemoteBatch full = batch;
    batch = {};
    deliver(*full.target, full.chain, full.bytes, Drain::when_due);
  }
}

void ThreadHeap::send_gathered() noexcept {
  for (RemoteBatch& batch : gathered_) {
    if (batch.target == nullptr) continue;
    const RemoteBatch leaving = batch;
    batch = {};
    deliver(*leaving.target, leaving.chain, leaving.bytes, Drain::when_due);
  }
}

void ThreadHeap::deliver(ThreadHeap& target, const BlockChain& chain, size_t bytes, Drain drain) noexcept {
  Block* head = target.remote_.load(std::memory_order_relaxed);
  do {
    chain.last->next = head;
  } while (
      !target.remote_.compare_exchange_weak(head, chain.first, std::memory_order_seq_cst, std::memory_order_relaxed));
  const size_t waiting = target.remote_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  // The stage is read after the push, and an ending thread collects after it set the stage: one of both sees the other.
  const HeapStage stage = target.stage.load(std::memory_order_seq_cst);
  const bool nobody_comes = stage == HeapStage::orphaned || stage == HeapStage::shared;
  if (stage == HeapStage::lost || (!nobody_comes && waiting < waiting_bytes_max)) return;
  if (drain == Drain::no || !target.lock_.try_acquire()) return;
  target.collect_locked();
  target.lock_.release();
}

void ThreadHeap::forget_gathered() noexcept {
  for (RemoteBatch& batch : gathered_) batch = {};
}

void ThreadHeap::empty_bins() noexcept {
  send_gathered();
  const LockGuard guard(lock_);
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    Bin& bin = bins_[size_class];
    Block* first = bin.head;
    Block* reserve = sides_[size_class].reserve;
    bin.head = nullptr;
    bin.room = bin.capacity;
    sides_[size_class].reserve = nullptr;
    put_chain_locked(first);
    put_chain_locked(reserve);
  }
  collect_locked();
  for (Slab*& partial : partial_) {
    Slab* next = nullptr;
    for (Slab* slab = partial; slab != nullptr; slab = next) {
      next = slab->next;
      if (!slab->is_unused()) continue;
      unlink_partial(*slab);
      depot.retire(slab);
    }
  }
}

void ThreadHeap::link_partial(Slab& slab) noexcept {
  Slab*& first = partial_[slab.size_class];
  slab.previous = nullptr;
  slab.next = first;
  if (first != nullptr) first->previous = &slab;
  first = &slab;
}

void ThreadHeap::unlink_partial(Slab& slab) noexcept {
  if (slab.next != nullptr) slab.next->previous = slab.previous;
  (slab.previous != nullptr ? slab.previous->next : partial_[slab.size_class]) = slab.next;
}

void ThreadHeap::validate() noexcept {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    size_t length = 0;
    for (const Block* first : {bins_[size_class].head, sides_[size_class].reserve}) {
      for (const Block* block = first; block != nullptr; block = block->next) {
        const Slab& slab = *slab_of(block);
        BURSAR_CHECK(slab.heap.load(std::memory_order_relaxed) == this && slab.size_class == size_class);  // I1
        ++length;
      }
    }
    const size_t capacity_max = static_cast<size_t>(capacity_max_of(size_class));
    BURSAR_CHECK(length <= 2 * (capacity_max + slab::capacity_of(size_class)));  // I2
    for (const Slab* slab = partial_[size_class]; slab != nullptr; slab = slab->next) {
      BURSAR_CHECK(!slab->is_full() && slab->size_class == size_class);  // I3
      slab::validate(*slab);
    }
  }
}

}  // namespace bursar
