// A thread's heap: blocks that one thread frees and another one's heap owns.
#include "allocator/report.h"
#include "allocator/thread_heap.h"

namespace bursar {
namespace {

/// Gathered blocks travel at the latest when there are as many as a parcel holds, or this many bytes.
constexpr size_t gathered_bytes_max = 16 * KiB;

/// So many strays of a class are kept: as many as a thread may free between two looks at its bin.
constexpr uint32_t strays_max = 32;
constexpr size_t stray_bytes_max = 16 * KiB;

/// Blocks that share a cache line with their neighbours, who may belong to other threads, stay only where so many of their class
/// were sent home that they wander anyway: a few that change hands once would make two threads write to one line for ever.
constexpr uint32_t sent_before_straying = 64;
constexpr bool shares_lines(size_t bytes) noexcept { return bytes % 64 != 0; }

/// Whoever delivers takes the owner's place when this much waits: more than a producer is ahead of its consumer when one of
/// them has to wait for a processor; and from then on, until the owner comes, whenever a little waits.
constexpr size_t waiting_bytes_max = 8 * MiB;
constexpr size_t waiting_bytes_max_while_away = 1 * MiB;

/// Mail with this bit is a parcel: both parcels and blocks lie at multiples of 16.
constexpr uintptr_t mail_is_parcel = 1;

}  // namespace

void ThreadHeap::deallocate_foreign(const Slab& slab, Block* block) noexcept {
  const size_t bytes = slab.block_bytes();
  Strays& strays = strays_[slab.size_class];
  if (strays.first == block) report_double_free(block);
  const bool may_stay = !shares_lines(bytes) || strays.sent == sent_before_straying;
  if (!may_stay || strays.count == strays_max || strays.count * bytes >= stray_bytes_max) {
    if (strays.sent < sent_before_straying) ++strays.sent;
    return send(slab, block);
  }
  block->next = strays.first;
  strays.first = block;
  ++strays.count;
}

Parcel* ThreadHeap::try_take_parcel() noexcept {
  // In turn: the one that left first is the first to be back. One that an owner asleep does not send back is passed over.
  Parcel& parcel = parcels_[parcels_taken_++ % parcel_count];
  // Pairs with the release in open_mail().
  if (parcel.is_travelling.load(std::memory_order_acquire)) return nullptr;
  parcel.is_travelling.store(true, std::memory_order_relaxed);
  parcel.count = 0;
  return &parcel;
}

void ThreadHeap::begin_batch(RemoteBatch& batch, ThreadHeap& target) noexcept {
  // Out of the heap before it is delivered: a child forked meanwhile must not find it here again.
  const RemoteBatch former = batch;
  batch = {&target, try_take_parcel(), {nullptr, nullptr, 0}, 0};
  if (former.target != nullptr) deliver(former);
}

void ThreadHeap::send(const Slab& slab, Block* block) noexcept {
  ThreadHeap& target = *slab.heap.load(std::memory_order_relaxed);
  RemoteBatch& batch = gathered_[address_of(&target) / sizeof(ThreadHeap) % remote_batches];
  if (batch.target != &target) begin_batch(batch, target);
  if (batch.chain.first == block) report_double_free(block);
  if (batch.parcel != nullptr) {
    batch.parcel->blocks[batch.parcel->count++] = block;
  } else {
    block->next = batch.chain.first;
    if (batch.chain.last == nullptr) batch.chain.last = block;
  }
  batch.chain.first = block;  // of a parcel too: the newest, to be known again
  ++batch.chain.count;
  batch.bytes += slab.block_bytes();
  if (batch.chain.count < Parcel::blocks_max && batch.bytes < gathered_bytes_max) return;
  const RemoteBatch full = batch;
  batch = {};
  deliver(full);
}

void ThreadHeap::send_gathered() noexcept {
  for (RemoteBatch& batch : gathered_) {
    if (batch.target == nullptr) continue;
    const RemoteBatch leaving = batch;
    batch = {};
    deliver(leaving);
  }
}

void ThreadHeap::deliver(const RemoteBatch& batch) noexcept {
  Mail mail{address_of(batch.chain.first), nullptr};
  if (batch.parcel != nullptr) {
    mail = {address_of(batch.parcel) + mail_is_parcel, &batch.parcel->next};
  } else {
    mail.rest = reinterpret_cast<uintptr_t*>(&batch.chain.last->next);
  }
  deliver(*batch.target, mail, batch.bytes, Drain::when_due);
}

void ThreadHeap::deliver(const Slab& slab, Block* block, size_t bytes, Drain drain) noexcept {
  ThreadHeap& target = *slab.heap.load(std::memory_order_relaxed);
  deliver(target, {address_of(block), reinterpret_cast<uintptr_t*>(&block->next)}, bytes, drain);
}

void ThreadHeap::deliver(ThreadHeap& target, const Mail& mail, size_t bytes, Drain drain) noexcept {
  uintptr_t waiting_mail = target.remote_.load(std::memory_order_relaxed);
  do {
    *mail.rest = waiting_mail;
  } while (!target.remote_.compare_exchange_weak(waiting_mail, mail.first, std::memory_order_seq_cst,
                                                 std::memory_order_relaxed));
  const size_t waiting = target.remote_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  // The stage is read after the push, and an ending thread collects after it set the stage: one of both sees the other.
  const HeapStage stage = target.stage.load(std::memory_order_seq_cst);
  const bool nobody_comes = stage == HeapStage::orphaned || stage == HeapStage::shared;
  const bool is_away = target.is_owner_away_.load(std::memory_order_relaxed);
  const size_t waiting_max = is_away ? waiting_bytes_max_while_away : waiting_bytes_max;
  if (stage == HeapStage::lost || (!nobody_comes && waiting < waiting_max)) return;
  if (drain == Drain::when_due) target.take_owners_place();
}

/// Takes in what waits, if nobody holds the lock, in the place of an owner that does not come.
void ThreadHeap::take_owners_place() noexcept {
  // Again for what came while the lock was held: whoever brought it found the lock held, and left.
  do {
    if (!lock_.try_acquire()) return;
    // The stage is read again under the lock, which an orphan's next owner takes before its first block.
    if (stage.load(std::memory_order_seq_cst) == HeapStage::owned) {
      drain_locked();
      lock_.release();
      return;
    }
    receive_locked();
    receive_returned_locked();  // of the parent's time, in a child
    lock_.release();
  } while (remote_.load(std::memory_order_seq_cst) != 0);
}

void ThreadHeap::mend_after_fork() noexcept {
  for (RemoteBatch& batch : gathered_) {
    if (batch.parcel != nullptr) batch.parcel->is_travelling.store(false, std::memory_order_relaxed);
    batch = {};
  }
  for (const Bin& bin : bins_) {
    if (bin.current != nullptr) slab::mend_after_fork(*bin.current);
  }
}

void ThreadHeap::put_or_send(Block* first) noexcept {
  for (Block* block = first; block != nullptr;) {
    Block* next = block->next;
    Slab& slab = slab::of(block);
    if (slab.heap.load(std::memory_order_relaxed) != this) {
      send(slab, block);
    } else {
      slab::check_is_out(slab, block);
      if (slab::put_inside(slab, block)) settle_later();
    }
    block = next;
  }
}

/// Takes all that was sent, block by block.
template <typename Take>
void ThreadHeap::open_mail(Take take) noexcept {
  // Pairs with the release in deliver(): what the mail links to is written.
  uintptr_t mail = remote_.exchange(0, std::memory_order_seq_cst);
  remote_bytes_.store(0, std::memory_order_relaxed);
  while (mail != 0) {
    if ((mail & mail_is_parcel) == 0) {
      auto* block = static_cast<Block*>(pointer_to(mail));
      mail = address_of(block->next);
      take(block);
      continue;
    }
    auto& parcel = *static_cast<Parcel*>(pointer_to(mail - mail_is_parcel));
    for (uint32_t i = 0; i < parcel.count; ++i) take(parcel.blocks[i]);
    mail = parcel.next;
    // Pairs with the acquire in try_take_parcel(): it is read to its end.
    parcel.is_travelling.store(false, std::memory_order_release);
  }
}

/// Takes in what others sent. Pre: the caller is the owner, or there is none.
void ThreadHeap::receive_locked() noexcept {
  is_owner_away_.store(false, std::memory_order_relaxed);
  open_mail([this](Block* block) {
    Slab& slab = slab::of(block);
    slab::check_is_out(slab, block);
    if (slab::put_inside(slab, block)) settle_locked(slab);
  });
}

void ThreadHeap::receive() noexcept {
  do {
    const LockGuard guard(lock_);
    receive_locked();
    receive_returned_locked();
  } while (remote_.load(std::memory_order_seq_cst) != 0);
}

void ThreadHeap::receive_returned_locked() noexcept {
  while (Slab* slab = returned_) {
    Block* block = slab->returned;
    forget_returned_locked(*slab);
    bool is_at_bound = false;
    while (block != nullptr) {
      Block* next = block->next;
      is_at_bound = slab::put_inside(*slab, block);
      block = next;
    }
    if (is_at_bound) settle_locked(*slab);
  }
}

/// Takes in what others sent, in the place of an owner who does not come and may be freeing and allocating at this very moment:
/// of its slabs only those can go of which every block was sent, since then there is none left that it could touch.
void ThreadHeap::drain_locked() noexcept {
  is_owner_away_.store(true, std::memory_order_relaxed);
  open_mail([this](Block* block) {
    Slab& slab = slab::of(block);
    if (slab.returned == block || slab.returned_count == slab.capacity) report_double_free(block);
    keep_returned_locked(slab, block);
    if (slab.returned_count == slab.capacity && slab.stage == SlabStage::exhausted) {
      exhausted_.remove(slab);
      retire_locked(slab);
    }
  });
}

void ThreadHeap::keep_returned_locked(Slab& slab, Block* block) noexcept {
  if (slab.returned_count == 0) {
    slab.returned_previous = nullptr;
    slab.returned_next = returned_;
    if (returned_ != nullptr) returned_->returned_previous = &slab;
    returned_ = &slab;
  }
  block->next = slab.returned;
  slab.returned = block;
  ++slab.returned_count;
}

void ThreadHeap::forget_returned_locked(Slab& slab) noexcept {
  if (slab.returned_next != nullptr) slab.returned_next->returned_previous = slab.returned_previous;
  (slab.returned_previous != nullptr ? slab.returned_previous->returned_next : returned_) = slab.returned_next;
  slab.returned = nullptr;
  slab.returned_count = 0;
}

}  // namespace bursar
