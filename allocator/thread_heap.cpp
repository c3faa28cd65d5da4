// A thread's heap: what happens when a bin is empty or a slab changes its stage.
#include "allocator/thread_heap.h"

#include "allocator/check.h"
#include "allocator/depot.h"
#include "allocator/large.h"
#include "allocator/os.h"

namespace bursar {
namespace {

/// The purge clock is looked at once in this many exits from the fast path: a look costs as much as half a refill.
constexpr uint32_t exits_per_clock_look = 8;

/// While the heap is sparing, a thread that calls often gets so many blocks at a time, and one that does not a single one. At
/// twenty calls a second, what a thread has left when it stops calling often lasts 0.8 s.
constexpr size_t spared_blocks = 16;
constexpr uint64_t calls_often_ms = 10;

}  // namespace

constinit const ThreadHeap empty_heap{};

__thread Thread thread = {const_cast<ThreadHeap*>(&empty_heap),
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          false,
                          true,
                          false,
                          false,
                          ThreadStage::unborn,
                          0,
                          0,
                          0,
                          0,
                          0};

void SlabList::push_front(Slab& slab) noexcept {
  slab.previous = nullptr;
  slab.next = first_;
  (first_ != nullptr ? first_->previous : last_) = &slab;
  first_ = &slab;
}

void SlabList::push_back(Slab& slab) noexcept {
  slab.next = nullptr;
  slab.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &slab;
  last_ = &slab;
}

void SlabList::insert_before_last(Slab& slab) noexcept {
  slab.next = last_;
  slab.previous = last_->previous;
  (slab.previous != nullptr ? slab.previous->next : first_) = &slab;
  last_->previous = &slab;
}

void SlabList::remove(Slab& slab) noexcept {
  (slab.next != nullptr ? slab.next->previous : last_) = slab.previous;
  (slab.previous != nullptr ? slab.previous->next : first_) = slab.next;
  slab.next = nullptr;
  slab.previous = nullptr;
}

void ThreadHeap::open_to_frees() noexcept {
  if (!is_open_to_frees()) set_identity(thread_identity());
}

void ThreadHeap::close_to_frees() noexcept {
  if (identity_ != 0) set_identity(0);
}

void ThreadHeap::set_identity(uintptr_t identity) noexcept {
  // Whoever drains an orphan writes to its slabs until the lock is free: the first free of its next owner must come after that.
  const LockGuard guard(lock_);
  identity_ = identity;
  const auto set_all = [identity](Slab* first) {
    for (Slab* slab = first; slab != nullptr; slab = slab->next) {
      slab->owner.store(identity, std::memory_order_relaxed);
    }
  };
  for (const Bin& bin : bins_) {
    if (bin.current != nullptr) bin.current->owner.store(identity, std::memory_order_relaxed);
  }
  for (const SlabList& list : partial_) set_all(list.first());
  set_all(exhausted_.first());
}

void ThreadHeap::look_at_clock_now_and_then() noexcept {
  if (depot.wants_attention()) [[unlikely]] {
    begin_sparing();
    return look_at_clock();
  }
  if (is_sparing_) [[unlikely]]
    end_sparing();
  if (++exits_ % exits_per_clock_look == 0) look_at_clock();
}

void ThreadHeap::look_at_clock() noexcept {
  send_gathered();
  depot.purge_due();
  large::purge_due();
}

/// Much free memory waits for the purge clock, which only calls that leave the fast path look at. So that a thread that hardly
/// calls any more leaves it soon, bins give their blocks out a few at a time.
void ThreadHeap::begin_sparing() noexcept {
  if (is_sparing_) return;
  is_sparing_ = true;
  for (Bin& bin : bins_) {
    rest_[index_of(bin)] = take_all(bin);
  }
}

void ThreadHeap::end_sparing() noexcept {
  for (Bin& bin : bins_) {
    Block* first = rest_[index_of(bin)];
    if (first == nullptr) continue;
    Block* last = first;
    while (last->next != nullptr) last = last->next;
    rest_[index_of(bin)] = nullptr;
    last->next = take_all(bin);
    __atomic_store_n(&bin.head, first, __ATOMIC_RELEASE);  // last: a child forked meanwhile must not find them twice
  }
  is_sparing_ = false;
}

/// The bin gets a chain of free blocks, the first of which is served.
Block* ThreadHeap::give(Bin& bin, Block* first) noexcept {
  if (!is_sparing_) [[likely]] {
    bin.head = first->next;
    return first;
  }
  rest_[index_of(bin)] = first;
  return try_take_rest(bin);
}

Block* ThreadHeap::try_take_rest(Bin& bin) noexcept {
  Block*& rest = rest_[index_of(bin)];
  Block* first = rest;
  if (first == nullptr) return nullptr;
  const uint64_t now_ms = os::now_ms();
  const size_t count_max = now_ms - last_exit_ms_ < calls_often_ms ? spared_blocks : 1;
  last_exit_ms_ = now_ms;
  Block* last = first;
  for (size_t count = 1; count < count_max && last->next != nullptr; ++count) last = last->next;
  rest = last->next;
  last->next = nullptr;
  bin.head = first->next;
  return first;
}

Block* ThreadHeap::take_chain(Bin& bin) noexcept {
  if (!has_strays(bin)) [[likely]]
    return slab::take_freed(*bin.current);
  Strays& strays = strays_[index_of(bin)];
  Block* first = strays.first;
  strays = {nullptr, 0, strays.sent};
  return first;
}

void* ThreadHeap::refill(SizeClass size_class) noexcept {
  look_at_clock_now_and_then();
  // What stood behind the bin while the heap was sparing, or what a signal handler left there since the fast path looked: a bin with
  // blocks must get no others, and the slab of a bin with blocks must not be demoted.
  if (Block* block = try_pop(size_class)) return block;
  const LockGuard guard(lock_);
  return refill_locked(size_class);
}

void* ThreadHeap::allocate_shared(SizeClass size_class) noexcept {
  const LockGuard guard(lock_);
  if (Block* block = try_pop(size_class)) return block;
  return refill_locked(size_class);
}

Block* ThreadHeap::refill_locked(SizeClass size_class) noexcept {
  // has_mail: bytes that a sender counted after the mail itself was taken.
  if (remote_.load(std::memory_order_relaxed) != 0 || has_mail() || returned_ != nullptr) receive_locked();
  if (returned_ != nullptr) receive_returned_locked();
  if (has_unsettled_) settle_all_locked();
  Bin& bin = bins_[size_class];
  if (Block* block = try_take_rest(bin)) return block;
  if (has_strays(bin) || has_worthwhile(bin)) return give(bin, take_chain(bin));
  if (!choose_current_locked(size_class)) return nullptr;
  Slab& slab = *bin.current;
  if (slab.carved == slab.capacity || has_worthwhile(bin)) return give(bin, slab::take_freed(slab));
  // Few freed blocks and fresh ones: those that are freed while the fresh ones serve make a good number.
  return give(bin, slab::carve(slab));
}

/// True when the bin's current slab, which has no fresh blocks, shall serve the few that came back; once, since one that is
/// almost full would be asked for every single block.
bool ThreadHeap::may_sweep(const Bin& bin) noexcept {
  return bin.current != nullptr && bin.current->has_freed() && bin.current->carved == bin.current->capacity &&
         !bin.current->was_swept;
}

/// Makes sure that the bin's current slab has blocks: recycled ones of the slab that waited longest before fresh ones, whose pages
/// nobody touched yet, and a new slab last.
bool ThreadHeap::choose_current_locked(SizeClass size_class) noexcept {
  Bin& bin = bins_[size_class];
  if (may_sweep(bin)) {
    bin.current->was_swept = true;
    return true;
  }
  Slab* next = partial_[size_class].first();
  if (next == nullptr) {
    if (bin.current != nullptr && bin.current->carved < bin.current->capacity) return true;
    next = slab::acquire(size_class, this, identity_);
    if (next == nullptr) return bin.current != nullptr && bin.current->has_freed();
  } else {
    partial_[size_class].remove(*next);
    slab::set_stage(*next, SlabStage::current);
  }
  if (bin.current != nullptr) demote_locked(*bin.current);
  bin.current = next;
  return true;
}

SlabList& ThreadHeap::list_of(const Slab& slab) noexcept {
  return slab.stage == SlabStage::exhausted ? exhausted_ : partial_[slab.size_class];
}

/// A slab that is not current any more goes on the list where it belongs, or away. Pre: no block of it is in the bin.
void ThreadHeap::demote_locked(Slab& slab) noexcept {
  slab::set_stage(slab, SlabStage::exhausted);
  exhausted_.push_front(slab);
  const bool has_many = slab.countdown < 0 || slab.carved < slab.capacity;
  if (has_many || slab.out() == 0) settle_locked(slab);
}

void ThreadHeap::settle(Slab& slab) noexcept {
  look_at_clock_now_and_then();
  const LockGuard guard(lock_);
  // A signal handler may have settled it a moment ago, and spent it again.
  if (slab.countdown < 0) settle_locked(slab);
}

void ThreadHeap::settle_all_locked() noexcept {
  has_unsettled_ = false;
  const auto settle_each = [this](Slab* slab) {
    while (slab != nullptr) {
      Slab* next = slab->next;
      if (slab->countdown < 0) settle_locked(*slab);
      slab = next;
    }
  };
  for (const SlabList& list : partial_) settle_each(list.first());
  settle_each(exhausted_.first());
}

/// Moves a slab on to the stage that its count of blocks out asks for. One that is current stays so, unused or not: a program
/// that frees and allocates around a border of slabs would trade it with the depot each time.
void ThreadHeap::settle_locked(Slab& slab) noexcept {
  if (slab.stage == SlabStage::current) return;
  if (slab.out() < 0) report_double_free(slab.freed_last);
  if (slab.has_freed()) slab::check_freed_ends(slab);
  list_of(slab).remove(slab);
  if (slab.out() == 0) return retire_locked(slab);
  slab::set_stage(slab, SlabStage::partial);
  SlabList& queue = partial_[slab.size_class];
  const bool has_fresh_last = queue.last() != nullptr && !queue.last()->has_freed();
  slab.has_freed() && has_fresh_last ? queue.insert_before_last(slab) : queue.push_back(slab);
}

/// Pre: the slab is on no list of its stage.
void ThreadHeap::retire_locked(Slab& slab) noexcept {
  if (slab.returned_count != 0) forget_returned_locked(slab);
  // A free that a signal handler interrupted on its way to settle the slab must find it gone.
  slab.heap.store(nullptr, std::memory_order_relaxed);
  slab::retire(slab);
}

void ThreadHeap::put(Slab& slab, Block* block) noexcept {
  const LockGuard guard(lock_);
  slab::check_is_out(slab, block);
  if (slab::put_inside(slab, block)) settle_locked(slab);
}

void ThreadHeap::empty_bins() noexcept {
  // From the start: the heap of a thread that ends is an orphan already, whose mail whoever brings it may open.
  const LockGuard guard(lock_);
  if (is_sparing_) end_sparing();
  for (Bin& bin : bins_) {
    Strays& strays = strays_[index_of(bin)];
    Block* stray = strays.first;
    strays = {};
    put_or_send(take_all(bin));
    put_or_send(stray);
  }
  send_gathered();
  receive_locked();
  receive_returned_locked();
  for (Bin& bin : bins_) {
    if (bin.current == nullptr) continue;
    Slab& slab = *bin.current;
    bin.current = nullptr;
    demote_locked(slab);
  }
  if (has_unsettled_) settle_all_locked();
}

void ThreadHeap::validate() noexcept {
  const auto check = [this](const Slab& slab, SlabStage wanted) {
    slab::validate(slab);
    BURSAR_CHECK(slab.heap.load(std::memory_order_relaxed) == this && slab.stage == wanted);  // I2
    BURSAR_CHECK(slab.owner.load(std::memory_order_relaxed) == identity_);                    // I3
    BURSAR_CHECK(wanted == SlabStage::current || slab.out() != 0);                            // I2
  };
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const Bin& bin = bins_[size_class];
    for (const Block* first : {bin.head, rest_[size_class], strays_[size_class].first}) {
      for (const Block* block = first; block != nullptr; block = block->next) {
        const Slab& slab = slab::of(block);
        BURSAR_CHECK(slab.size_class == size_class && slab.out() > 0);  // I1
      }
    }
    BURSAR_CHECK(is_sparing_ || rest_[size_class] == nullptr);  // I6
    if (bin.current != nullptr) {
      check(*bin.current, SlabStage::current);
      BURSAR_CHECK(bin.current->size_class == size_class);
    }
    for (const Slab* slab = partial_[size_class].first(); slab != nullptr; slab = slab->next) {
      check(*slab, SlabStage::partial);
      BURSAR_CHECK(slab->size_class == size_class);
    }
  }
  for (const Slab* slab = exhausted_.first(); slab != nullptr; slab = slab->next) check(*slab, SlabStage::exhausted);
  for (const Slab* slab = returned_; slab != nullptr; slab = slab->returned_next) {
    BURSAR_CHECK(slab->returned_count != 0);  // I5
  }
}

}  // namespace bursar
