// The short ways of malloc and free while calls are counted: what is not so frequent.
#include "interpose/account/recorder.h"

#include "allocator/heap.h"

namespace bursar::recorder {

template <Call call>
void* try_recycled(size_t bytes) noexcept {
  ThreadAccount& account = own_account();
  ledger::Slot& slot = own_slot();
  const size_t usable_bytes = round_up(bytes, size_class_step);
  void* block = nullptr;
  if (account.slot != nullptr) {
    account::look_at_name_in_time(account);
    const bool is_within_limit = account::live_bytes_of(slot) + static_cast<int64_t>(usable_bytes) <= account.limit;
    if (is_within_limit) block = heap::recycle_inside(*thread.heap->bin_at(usable_bytes));
  }
  if (block != nullptr) {
    account.room -= static_cast<int64_t>(usable_bytes);
    if (account.room < 0) (void)try_rise(account, slot, usable_bytes);
    slab::tag_of(slab::of(static_cast<Block*>(block)), block)
        ->store(account::tag_of(account), std::memory_order_relaxed);
    count_small<call>(slot, bytes, usable_bytes);
  }
  go_outside();
  return block;
}

template void* try_recycled<Call::malloc>(size_t bytes) noexcept;
template void* try_recycled<Call::calloc>(size_t bytes) noexcept;
template void* try_recycled<Call::realloc>(size_t bytes) noexcept;
template void* try_recycled<Call::operator_new>(size_t bytes) noexcept;

bool try_free_of_other_task(Slab& slab, BlockTag& tag, void* pointer) noexcept {
  ThreadAccount& account = own_account();
  if (account.slot == nullptr) return false;
  const ledger::Tag owner = tag.load(std::memory_order_relaxed);
  if (owner == 0 || owner == account::tag_of(account)) return false;  // no block in use, or the mark is passed
  const size_t usable_bytes = slab.block_bytes();
  go_inside();
  account::begin_foreign_free(account, owner, usable_bytes);
  tag.store(0, std::memory_order_relaxed);
  account::add_free(account, usable_bytes);
  account::add_fast(account.slot->size_classes[slab.size_class].frees, 1);
  account::end_foreign_free(account, usable_bytes);
  const bool is_at_bound = slab::put(slab, static_cast<Block*>(pointer));
  go_outside();
  if (is_at_bound) leave_to_settle(&slab);
  return true;
}

}  // namespace bursar::recorder
