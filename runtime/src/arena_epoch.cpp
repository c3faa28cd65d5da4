#include <atomic>
#include <mutex>

#include "bursar/arena_pointer.h"
#include "runtime/src/arena_work.h"
#include "runtime/src/misuse.h"

namespace bursar {
namespace {

/// Epochs whose arena has ended. They stay readable for ever, since pointers may look at them at any time.
std::mutex idle_lock;
ArenaEpoch* idle = nullptr;

std::atomic<std::uint64_t> serials{0};

ArenaEpoch* try_acquire_epoch() noexcept {
  {
    const std::lock_guard lock(idle_lock);
    if (ArenaEpoch* epoch = idle) {
      idle = epoch->next;
      epoch->next = nullptr;
      return epoch;
    }
  }
  return new (std::nothrow) ArenaEpoch;
}

}  // namespace

void ArenaWork::end_epoch(Arena& arena) noexcept {
  ArenaEpoch* epoch = std::exchange(arena.state_.epoch, nullptr);
  if (epoch == nullptr) return;
  ++epoch->resets;
  const std::lock_guard lock(idle_lock);
  epoch->next = idle;
  idle = epoch;
}

ArenaEpoch* ArenaWork::try_begin_epoch(Arena& arena) noexcept {
  if (arena.state_.epoch == nullptr) arena.state_.epoch = try_acquire_epoch();
  return arena.state_.epoch;
}

void ArenaWork::count_reset(State& state) noexcept {
  ++state.resets;
  if (state.epoch != nullptr) ++state.epoch->resets;
}

namespace arena_detail {

const ArenaEpoch* try_epoch_of(Arena& arena) noexcept { return ArenaWork::try_begin_epoch(arena); }

std::uint64_t new_serial() noexcept { return serials.fetch_add(1, std::memory_order_relaxed) + 1; }

void report_use_after_reset() noexcept { report_misuse("ArenaPointer: its object has been taken back by its arena"); }

}  // namespace arena_detail
}  // namespace bursar
