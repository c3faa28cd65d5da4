// A lock for slow paths: the waiting half.
#include "allocator/lock.h"

#include "allocator/os.h"

namespace bursar {
namespace {

/// What a slow path holds a lock for is mostly over within this many looks; a system call costs more.
constexpr int looks_before_sleep = 100;

/// Nobody should ever need it: a bound on the harm of a wake-up that is lost.
constexpr uint32_t sleep_ms_max = 100;

}  // namespace

void Lock::wait() noexcept {
  for (int look = 0; look < looks_before_sleep; ++look) {
    uint32_t expected = open;
    if (state_.load(std::memory_order_relaxed) == open &&
        state_.compare_exchange_weak(expected, held, std::memory_order_acquire)) {
      return;
    }
  }
  // From here on the lock is taken as awaited, since others may sleep as well.
  while (state_.exchange(held_and_awaited, std::memory_order_acquire) != open) {
    os::wait_while(&state_, held_and_awaited, sleep_ms_max);
  }
}

void Lock::wake() noexcept { os::wake_one(&state_); }

}  // namespace bursar
