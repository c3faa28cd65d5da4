// Tells a forked child from its parent.
#include "allocator/fork_guard.h"

#include "allocator/os.h"

namespace bursar {

constinit ForkGuard fork_guard;

bool ForkGuard::start() noexcept {
  const size_t bytes = os::page_bytes();
  void* page = os::reserve(bytes);
  if (page == nullptr) return false;
  if (!os::commit(page, bytes) || !os::wipe_in_child(page, bytes)) {
    (void)os::release(page, bytes);
    return false;
  }
  mark_ = static_cast<std::atomic<uint32_t>*>(page);
  mark_->store(seen, std::memory_order_relaxed);
  return true;
}

}  // namespace bursar
