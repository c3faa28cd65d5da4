// Tells a forked child from its parent.
#include "allocator/fork_guard.h"

#include "allocator/os.h"

namespace bursar {

constinit ForkGuard fork_guard;

void ForkGuard::start() noexcept {
  const size_t bytes = os::page_bytes();
  void* page = os::reserve(bytes);
  if (page == nullptr) return;
  if (!os::commit(page, bytes) || !os::wipe_in_child(page, bytes)) {
    (void)os::release(page, bytes);
    return;
  }
  mark_ = static_cast<std::atomic<uint32_t>*>(page);
  mark_->store(seen, std::memory_order_relaxed);
}

bool ForkGuard::begin_adoption() noexcept {
  uint32_t expected = wiped;
  if (mark_->compare_exchange_strong(expected, adopting, std::memory_order_acquire)) return true;
  constexpr uint32_t look_again_ms = 1;
  while (is_new_child()) os::wait_while(mark_, adopting, look_again_ms);
  return false;
}

}  // namespace bursar
