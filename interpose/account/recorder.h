// The short ways of malloc and free while calls are counted.
#pragma once

#include <cstddef>

#include "allocator/fast_path.h"
#include "allocator/page_map.h"
#include "allocator/slab.h"
#include "allocator/thread.h"
#include "allocator/thread_heap.h"
#include "interpose/account/counting.h"

namespace bursar::recorder {

using account::ThreadAccount;
using ledger::Call;

/// As InsideScope, for ways that end in a jump. Pre of the first: no flag is set; and so it is after the second.
[[gnu::always_inline]] inline void go_inside() noexcept {
  thread.flags() = Thread::only_inside;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
[[gnu::always_inline]] inline void go_outside() noexcept {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  thread.flags() = 0;
}

/// True when the calling thread may count in its own counters now, unless it is a new child's: then its account is empty, which each way looks at
/// where it passes anyway.
[[gnu::always_inline]] inline bool may_count() noexcept { return thread.flags() == 0; }
[[gnu::always_inline]] inline ThreadAccount& own_account() noexcept {
  return *static_cast<ThreadAccount*>(thread.account);
}
[[gnu::always_inline]] inline ledger::Slot& own_slot() noexcept { return *static_cast<ledger::Slot*>(thread.counters); }

/// Live bytes are about to rise above all before. False when they pass a flush or the budget: then room is as before. Pre: so many bytes have been
/// taken from room.
[[gnu::always_inline]] inline bool try_rise(ThreadAccount& account, ledger::Slot& slot, size_t usable_bytes) noexcept {
  const uint64_t allocated_bytes = account::plain(slot.all.allocated_bytes) + usable_bytes;
  const auto live = static_cast<int64_t>(allocated_bytes - account::plain(slot.all.freed_bytes));
  if (live > account.limit || account.slot == nullptr) [[unlikely]] {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);  // else what room was is kept in a register from before
    account.room += static_cast<int64_t>(usable_bytes);
    return false;
  }
  account::set(slot.live_high, live);
  account.room = 0;
  return true;
}

/// The counters of the class whose blocks have so many bytes. Pre: they are small.
[[gnu::always_inline]] inline ledger::SizeClassCounters& small_counters(ledger::Slot& slot,
                                                                        size_t usable_bytes) noexcept {
  // usable_bytes / size_class_step * sizeof(SizeClassCounters), in one addition.
  static_assert(sizeof(ledger::SizeClassCounters) * 2 == size_class_step * 3);
  char* base = reinterpret_cast<char*>(slot.size_classes);
  return *reinterpret_cast<ledger::SizeClassCounters*>(base + usable_bytes + usable_bytes / 2);
}

/// What finds a block of that class in its slab.
[[gnu::always_inline]] inline const slab::Geometry& small_geometry(size_t usable_bytes) noexcept {
  // As above, with a factor of a half.
  static_assert(sizeof(slab::Geometry) * 2 == size_class_step);
  const char* base = reinterpret_cast<const char*>(slab::geometries.data());
  return *reinterpret_cast<const slab::Geometry*>(base + usable_bytes / 2);
}

/// Counts a small block. Pre: inside; its bytes have been taken from room.
template <Call call>
[[gnu::always_inline]] inline void count_small(ledger::Slot& slot, size_t bytes, size_t usable_bytes) noexcept {
  account::add_fast(slot.all.allocations, 1);
  account::add_fast(slot.all.allocated_bytes, usable_bytes);
  if constexpr (call != Call::malloc) account::add_fast(slot.calls_beside[static_cast<size_t>(call)], 1);
  if constexpr (call == Call::realloc) account::add_fast(slot.realloc_allocations, 1);
  ledger::SizeClassCounters& counters = small_counters(slot, usable_bytes);
  account::add_fast(counters.allocations, 1);
  account::add_fast(counters.requested_bytes, bytes);
}

/// A counted small block where the bin was empty; null when it is not to be had without a lock. Pre: may_count; inside, and outside
/// when it returns. Of malloc, calloc, realloc, operator new.
template <Call call>
[[nodiscard]] void* try_recycled(size_t bytes) noexcept;

template <Call call, auto long_way>
[[gnu::noinline]] void* allocate_recycled(size_t bytes) {
  void* block = try_recycled<call>(bytes);
  return block != nullptr ? block : long_way(bytes);
}

template <auto long_way>
[[gnu::noinline]] void* give_up(size_t bytes) {
  go_outside();
  return long_way(bytes);
}

/// A counted block. For whatever is unusual it jumps to the long way, with nothing done or counted. Pre: recording; bytes <=
/// small_bytes_max. Cost: some fifty instructions, no lock.
template <Call call, auto long_way>
[[gnu::always_inline]] inline void* allocate(size_t bytes) {
  if (!may_count()) [[unlikely]]
    return long_way(bytes);
  go_inside();
  const size_t usable_bytes = round_up(bytes, size_class_step);
  Bin& bin = *thread.heap->bin_at(usable_bytes);
  Block* block = bin.head;
  if (block == nullptr) [[unlikely]]  // always for 0 bytes
    return allocate_recycled<call, long_way>(bytes);
  Run* run;
  if (!page_map.find_run(block, run)) [[unlikely]]
    return give_up<long_way>(bytes);
  ThreadAccount& account = own_account();
  ledger::Slot& slot = own_slot();
  account.room -= static_cast<int64_t>(usable_bytes);
  if (account.room < 0 && !try_rise(account, slot, usable_bytes)) [[unlikely]]
    return give_up<long_way>(bytes);
  const auto& slab = *static_cast<const Slab*>(run);
  bin.head = block->next;
  const ledger::Tag tag = account::plain(slot.tag);
  const size_t index = slab::index_at(address_of(block) - slab.start, small_geometry(usable_bytes));
  slab.tags[index].store(tag, std::memory_order_relaxed);
  count_small<call>(slot, bytes, usable_bytes);
  go_outside();
  return block;
}

/// Frees a block of a slab of this thread's heap that belongs to another task than the thread is in; false when it is no such block.
/// Pre: may_count, the address starts a block of the slab.
[[nodiscard]] bool try_free_of_other_task(Slab& slab, BlockTag& tag, void* pointer) noexcept;

template <auto long_way, Call call>
[[gnu::noinline]] void deallocate_of_other_task(Slab& slab, BlockTag& tag, void* pointer) noexcept {
  if (!try_free_of_other_task(slab, tag, pointer)) return long_way(pointer);
  if constexpr (call == Call::realloc) account::add(own_slot().realloc_frees, 1);
}

/// Frees and counts a block, for free or, as the old one, for realloc. Any pointer, and what the page map found for it; as above.
template <auto long_way, Call call = Call::free>
[[gnu::always_inline]] inline void deallocate(void* pointer, Run* run) noexcept {
  auto& slab = *static_cast<Slab*>(run);
  // What is no slab has another pointer in that place, or null, which no thread with an account has.
  if (slab.heap.load(std::memory_order_relaxed) != thread.heap || !may_count()) [[unlikely]]
    return long_way(pointer);
  const size_t size_class = slab.size_class;
  const slab::Geometry& geometry = slab::geometries[size_class];
  size_t index;
  if (!slab::try_index_at(address_of(pointer) - slab.start, geometry.reciprocal, index)) [[unlikely]]
    return long_way(pointer);
  ThreadAccount& account = own_account();
  ledger::Slot& slot = own_slot();
  BlockTag& tag = slab.tags[index];
  const uint64_t usable_bytes = geometry.block_bytes;
  const uint64_t freed_bytes = account::plain(slot.all.freed_bytes) + usable_bytes;
  if (account::plain(tag) != account::plain(slot.tag) || freed_bytes > account.freed_mark) [[unlikely]]
    return deallocate_of_other_task<long_way, call>(slab, tag, pointer);
  go_inside();
  tag.store(0, std::memory_order_relaxed);
  account.room += static_cast<int64_t>(usable_bytes);
  account::add_fast(slot.all.freed_bytes, usable_bytes);  // a handler may have freed since it was read
  account::add_fast(slot.all.frees, 1);
  account::add_fast(slot.size_classes[size_class].frees, 1);
  if constexpr (call == Call::realloc) account::add_fast(slot.realloc_frees, 1);
  const bool is_at_bound = slab::put(slab, static_cast<Block*>(pointer));
  go_outside();
  if (is_at_bound) [[unlikely]]
    leave_to_settle(&slab);
}

}  // namespace bursar::recorder
