#include "bursar/pool_core.h"

#include <mutex>
#include <utility>

#include "bursar/bursar.h"
#include "runtime/src/misuse.h"
#include "runtime/src/watchers.h"

namespace bursar::pool_detail {
namespace {

bool is_watched() noexcept { return watchers::is_any_there(); }

/// In watched programs every thread releases to the same list.
std::mutex watched_lock;

/// Holds the lock where there is something to hold it for.
class WatchedGuard {
 public:
  WatchedGuard() noexcept {
    if (is_watched()) watched_lock.lock();
  }
  ~WatchedGuard() {
    if (is_watched()) watched_lock.unlock();
  }
  WatchedGuard(const WatchedGuard&) = delete;
  WatchedGuard& operator=(const WatchedGuard&) = delete;
};

void* base_of(Slab* slab, std::size_t slab_bytes) noexcept {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(slab) & ~(slab_bytes - 1));
}

}  // namespace

Core::~Core() {
  // Not by stats(): it may be another thread that ends the pool.
  collect_remote();
  if (acquired() != released_) report_misuse("ObjectPool: it ends before objects of it");
  tell_figures();
  while (Slab* slab = slabs_) {
    slabs_ = slab->next;
    give_back(slab);
  }
}

void Core::check_owner() noexcept {
  if (real_owner_ == 0) return adopt();
  if (real_owner_ != thread_token()) report_misuse("ObjectPool: used by a thread that does not own it");
}

void Core::adopt() noexcept {
  real_owner_ = thread_token();
  owner_.token.store(is_watched() ? no_thread : real_owner_, std::memory_order_relaxed);
}

void* Core::acquire_slow(OnNoMemory on_no_memory) {
  check_owner();
  const WatchedGuard guard;
  FreeSlot* slot = pop_idle();
  if (slot == nullptr) {
    collect_remote();
    slot = pop_idle();
  }
  if (slot == nullptr) {
    if (!add_slab(on_no_memory)) return nullptr;
    ++misses_;
    slot = pop_idle();
  }
  if (is_watched())
    watchers::begin_block(base_of(slab_of(slot, shape_.slab_bytes), shape_.slab_bytes), slot, shape_.slot_bytes);
  if (--until_told_ == 0) return tell_with(slot);
  return slot;
}

void* Core::tell_with(void* slot) noexcept {
  tell_figures();
  return slot;
}

void Core::tell_figures() noexcept {
  const std::uint64_t hits = acquired() - misses_;
  until_told_ += acquires_at_once;
  told_at_ += acquires_at_once;
  if (bursar_metrics_count == nullptr) return;
  bursar_metrics_count(BURSAR_POOL_HITS, static_cast<std::int64_t>(hits - std::exchange(told_hits_, hits)));
  bursar_metrics_count(BURSAR_POOL_MISSES, static_cast<std::int64_t>(misses_ - std::exchange(told_misses_, misses_)));
}

/// An idle slot of those the owner has, or null.
FreeSlot* Core::pop_idle() noexcept {
  if (FreeSlot* slot = free_slots_) {
    free_slots_ = slot->next;
    return slot;
  }
  if (FreeSlot* slot = watched_slots_) {
    watchers::show(slot, sizeof(*slot));
    watched_slots_ = slot->next;
    watchers::hide(slot, sizeof(*slot));
    return slot;
  }
  if (carve_next_ == carve_end_) return nullptr;
  // One by one: memory that nobody asked for is not touched.
  return reinterpret_cast<FreeSlot*>(std::exchange(carve_next_, carve_next_ + shape_.slot_bytes));
}

void Core::release_slow(void* slot) noexcept {
  if (is_watched()) return release_watched(slot);
  FreeSlot* head = remote_.load(std::memory_order_relaxed);
  FreeSlot* released = ::new (slot) FreeSlot{head};
  // Release: what this thread did with the object comes before the owner's reuse of it (acquire in collect_remote).
  while (!remote_.compare_exchange_weak(head, released, std::memory_order_release, std::memory_order_relaxed)) {
    released->next = head;
  }
}

/// All releases of a watched program: the slot is hidden from it at once.
void Core::release_watched(void* slot) noexcept {
  const std::lock_guard lock(watched_lock);
  void* container = base_of(slab_of(slot, shape_.slab_bytes), shape_.slab_bytes);
  watchers::end_block(container, slot, shape_.slot_bytes);
  watchers::show(slot, sizeof(FreeSlot));
  watched_slots_ = ::new (slot) FreeSlot{watched_slots_};
  watchers::hide(slot, sizeof(FreeSlot));
  ++released_;
}

void Core::collect_remote() noexcept {
  FreeSlot* slot = remote_.exchange(nullptr, std::memory_order_acquire);
  while (slot != nullptr) {
    FreeSlot* next = slot->next;
    slot->next = free_slots_;
    free_slots_ = slot;
    ++released_;
    slot = next;
  }
}

bool Core::add_slab(OnNoMemory on_no_memory) {
  const std::size_t allowed = options_.objects_max - slots_;
  if (allowed == 0) return false;
  void* memory = on_no_memory == OnNoMemory::give_null ? try_allocate_memory(shape_.slab_bytes, shape_.slab_bytes)
                                                       : allocate_memory(shape_.slab_bytes, shape_.slab_bytes);
  if (memory == nullptr) return false;
  // The first slot behind the heads that is aligned as the slots are: their size is a multiple of their alignment.
  const std::size_t first = (heads_bytes + shape_.slot_bytes - 1) / shape_.slot_bytes * shape_.slot_bytes;
  if (is_watched()) watchers::begin_container(memory, shape_.slab_bytes, heads_bytes);
  auto* slab = ::new (slab_of(memory, shape_.slab_bytes)) Slab{};
  slab->core = this;
  slab->next = slabs_;
  slab->slots = std::min(allowed, (shape_.slab_bytes - first) / shape_.slot_bytes);
  slabs_ = slab;
  slots_ += slab->slots;
  carve_next_ = static_cast<std::byte*>(memory) + first;
  carve_end_ = carve_next_ + slab->slots * shape_.slot_bytes;
  return true;
}

void Core::give_back(Slab* slab) noexcept {
  void* memory = base_of(slab, shape_.slab_bytes);
  if (is_watched()) watchers::end_container(memory, shape_.slab_bytes);
  deallocate_memory(memory, shape_.slab_bytes, shape_.slab_bytes);
}

void Core::trim() noexcept {
  check_owner();
  const WatchedGuard guard;
  collect_remote();
  for (Slab* slab = slabs_; slab != nullptr; slab = slab->next) slab->idle_slots = 0;
  FreeSlot*& list = is_watched() ? watched_slots_ : free_slots_;
  const auto next_of = [](FreeSlot* slot) {
    if (is_watched()) watchers::show(slot, sizeof(*slot));
    return slot->next;
  };
  for (FreeSlot* slot = list; slot != nullptr; slot = next_of(slot)) ++slab_of(slot, shape_.slab_bytes)->idle_slots;
  const auto uncarved = static_cast<std::size_t>(carve_end_ - carve_next_) / shape_.slot_bytes;
  if (uncarved != 0) slab_of(carve_next_, shape_.slab_bytes)->idle_slots += uncarved;
  const auto is_idle = [](const Slab* slab) { return slab->idle_slots == slab->slots; };
  FreeSlot** link = &list;
  while (FreeSlot* slot = *link) {
    if (is_idle(slab_of(slot, shape_.slab_bytes))) {
      *link = slot->next;
    } else {
      link = &slot->next;
    }
  }
  if (is_watched()) {
    for (FreeSlot* slot = list; slot != nullptr;) {
      FreeSlot* next = slot->next;
      watchers::hide(slot, sizeof(*slot));
      slot = next;
    }
  }
  if (uncarved != 0 && is_idle(slab_of(carve_next_, shape_.slab_bytes))) carve_next_ = carve_end_ = nullptr;
  for (Slab** slab_link = &slabs_; Slab* slab = *slab_link;) {
    if (!is_idle(slab)) {
      slab_link = &slab->next;
      continue;
    }
    *slab_link = slab->next;
    slots_ -= slab->slots;
    give_back(slab);
  }
}

ObjectPoolStats Core::stats() noexcept {
  check_owner();
  const WatchedGuard guard;
  collect_remote();
  ObjectPoolStats stats;
  stats.hits = acquired() - misses_;
  stats.misses = misses_;
  stats.in_use = acquired() - released_;
  stats.idle = slots_ - stats.in_use;
  for (const Slab* slab = slabs_; slab != nullptr; slab = slab->next) stats.held_bytes += shape_.slab_bytes;
  return stats;
}

void Core::validate() noexcept {
  check_owner();
  collect_remote();
  std::size_t idle = static_cast<std::size_t>(carve_end_ - carve_next_) / shape_.slot_bytes;
  for (FreeSlot* slot = free_slots_; slot != nullptr; slot = slot->next) {
    ++idle;
    if (slab_of(slot, shape_.slab_bytes)->core != this) report_misuse("ObjectPool: I5 does not hold");
  }
  if (is_watched()) return;
  if (idle != slots_ - (acquired() - released_)) report_misuse("ObjectPool: I4 does not hold");
  if (slots_ > options_.objects_max) report_misuse("ObjectPool: I5 does not hold");
}

}  // namespace bursar::pool_detail
