// Tells a forked child from its parent, however it was forked.
#pragma once

#include <atomic>
#include <cstdint>

namespace bursar {

/// A page that the kernel wipes in a child (MADV_WIPEONFORK, Linux 4.14) holds a mark. It works for fork, _Fork and
/// raw clone, from signal handlers too, needs no handlers that other code may deadlock with, and rightly sees no
/// child in vfork, where memory is shared.
class ForkGuard {
 public:
  /// Asks the kernel for such a page. Where it has none, `note_child` must be called in each child.
  void start() noexcept;
  [[nodiscard]] bool is_wiped_by_kernel() const noexcept { return mark_ != &own_mark_; }

  /// True in a child until `adopted` was called there. Cost: one load.
  [[nodiscard]] bool is_new_child() const noexcept { return mark_->load(std::memory_order_acquire) != seen; }

  /// True for the one thread of a new child that is to put it in order and call `adopted`. The others wait till it did.
  [[nodiscard]] bool begin_adoption() noexcept;

  void adopted() noexcept { mark_->store(seen, std::memory_order_release); }

  void note_child() noexcept { mark_->store(wiped, std::memory_order_relaxed); }

 private:
  static constexpr uint32_t wiped = 0;
  static constexpr uint32_t seen = 1;
  static constexpr uint32_t adopting = 2;

  std::atomic<uint32_t> own_mark_{seen};
  std::atomic<uint32_t>* mark_ = &own_mark_;
};

extern constinit ForkGuard fork_guard;

}  // namespace bursar
