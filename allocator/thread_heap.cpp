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
constexpr size_t waiting_bytes_max = 256 * KiB;

/// The purge clock is looked at once in this many refills: a look costs as much as half a refill.
constexpr uint32_t refills_per_clock_look = 32;

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

void* ThreadHeap::refill(SizeClass size_class) noexcept {
  if (++refills_ % refills_per_clock_look == 0) {
    send_gathered();
    depot.purge_due();
    large::purge_due();
  }
  const LockGuard guard(lock_);
  return refill_locked(size_class);
}

void* ThreadHeap::allocate_shared(SizeClass size_class) noexcept {
  const LockGuard guard(lock_);
  if (Block* block = try_pop(size_class)) return block;
  return refill_locked(size_class);
}

Block* ThreadHeap::refill_locked(SizeClass size_class) noexcept {
  if (remote_.load(std::memory_order_relaxed) != nullptr) collect_locked();
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
  if (chain.count > 1) {
    chain.last->next = bin.head;  // mostly null: what a signal handler freed meanwhile
    bin.head = chain.first->next;
  }
  bin.room = bin.capacity - static_cast<int32_t>(chain.count - 1);
  return chain.first;
}

void ThreadHeap::push_own(Slab& slab, Block* block) noexcept {
  Bin& bin = bins_[slab.size_class];
  if (bin.head == block) report_double_free(block);
  block->next = bin.head;
  bin.head = block;
  if (--bin.room < 0) relieve(bin);
}

void ThreadHeap::relieve(Bin& bin) noexcept {
  const auto size_class = static_cast<SizeClass>(&bin - bins_);
  const int32_t keep_max = bin.capacity / 2;
  int32_t length = 0;
  Block* last_kept = nullptr;
  // The list is taken away while it is cut: a signal handler must not take a block that is being looked at.
  Block* first = bin.head;
  bin.head = nullptr;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  for (Block* block = first; block != nullptr && length < keep_max; block = block->next) {
    last_kept = block;
    ++length;
  }
  Block* surplus = nullptr;
  if (last_kept != nullptr) {
    surplus = last_kept->next;
    last_kept->next = bin.head;
    bin.head = first;
  }
  if (surplus != nullptr) {
    const LockGuard guard(lock_);
    put_chain_locked(surplus);
  }
  // Coming here costs a hundred instructions: a bin that is used much comes rarely, also when its list stays short.
  const int32_t capacity_max = capacity_max_of(size_class);
  bin.capacity = bin.capacity * 2 > capacity_max ? capacity_max : bin.capacity * 2;
  bin.room = bin.capacity - length;
}

void ThreadHeap::put_chain_locked(Block* first) noexcept {
  for (Block* block = first; block != nullptr;) {
    Block* next = block->next;
    put_locked(block);
    block = next;
  }
}

void ThreadHeap::put_locked(Block* block) noexcept {
  Slab& slab = *slab_of(block);
  // A block that is on top already, or more blocks than ever left: seen late, but for nothing.
  if (slab.local == block || slab.local_count == slab.carved) report_double_free(block);
  const bool was_full = slab.is_full();
  slab::put(slab, block);
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

void ThreadHeap::collect_locked() noexcept {
  // Pairs with the release in deliver(): the links of the chain are written.
  Block* first = remote_.exchange(nullptr, std::memory_order_seq_cst);
  remote_bytes_.store(0, std::memory_order_relaxed);
  put_chain_locked(first);
}

void ThreadHeap::send(Slab& slab, Block* block) noexcept {
  ThreadHeap* target = slab.heap.load(std::memory_order_relaxed);
  const size_t bytes = slab.block_bytes();
  RemoteBatch& batch = gathered_[address_of(target) / sizeof(ThreadHeap) % remote_batches];
  if (batch.target != target) {
    // Out of the heap before it is delivered: a child forked meanwhile must not find it here again.
    const RemoteBatch other = batch;
    batch = {target, {nullptr, block, 0}, 0};
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
  for (Bin& bin : bins_) {
    Block* first = bin.head;
    bin.head = nullptr;
    bin.room = bin.capacity;
    put_chain_locked(first);
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
    const Bin& bin = bins_[size_class];
    int32_t length = 0;
    for (Block* block = bin.head; block != nullptr; block = block->next) {
      const Slab& slab = *slab_of(block);
      BURSAR_CHECK(slab.heap.load(std::memory_order_relaxed) == this && slab.size_class == size_class);  // I1
      BURSAR_CHECK(++length <= bin.capacity + 1);                                                        // I2
    }
    for (const Slab* slab = partial_[size_class]; slab != nullptr; slab = slab->next) {
      BURSAR_CHECK(!slab->is_full() && slab->size_class == size_class);  // I3
      slab::validate(*slab);
    }
  }
}

}  // namespace bursar
