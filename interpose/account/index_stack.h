// Free numbers: a stack that needs no lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bursar::account {

/// Holds numbers from 1 to capacity - 1, each at most once; 0 stands for none. All zero is an empty stack, and memory is touched where numbers
/// are pushed. Thread safe, also in signal handlers; in a forked child it lacks at most what another thread was about to push.
template <size_t capacity>
class IndexStack {
 public:
  void push(uint32_t index) noexcept {
    uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      next_[index].store(static_cast<uint16_t>(index_of(head)), std::memory_order_relaxed);
      // Pairs with the acquire in pop: whoever takes the number sees what was done with it before.
    } while (
        !head_.compare_exchange_weak(head, above(head, index), std::memory_order_release, std::memory_order_relaxed));
  }

  /// 0 when there is none.
  [[nodiscard]] uint32_t pop() noexcept {
    uint64_t head = head_.load(std::memory_order_acquire);
    while (index_of(head) != 0) {
      // May be read while another takes it away; then the count in the head has changed.
      const uint32_t next = next_[index_of(head)].load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, above(head, next), std::memory_order_acquire)) return index_of(head);
    }
    return 0;
  }

  /// Takes all at once; `next_taken` leads from each to the next.
  [[nodiscard]] uint32_t pop_all() noexcept {
    uint64_t head = head_.load(std::memory_order_acquire);
    while (!head_.compare_exchange_weak(head, above(head, 0), std::memory_order_acquire)) {
    }
    return index_of(head);
  }
  [[nodiscard]] uint32_t next_taken(uint32_t index) const noexcept {
    return next_[index].load(std::memory_order_relaxed);
  }

 private:
  static_assert(capacity <= 1U << 16);

  /// | changes so far: 48 bits | index on top: 16 |
  static uint32_t index_of(uint64_t head) noexcept { return head & 0xffff; }
  static uint64_t above(uint64_t head, uint32_t index) noexcept { return ((head >> 16) + 1) << 16 | index; }

  std::atomic<uint64_t> head_{0};
  std::atomic<uint16_t> next_[capacity]{};
};

}  // namespace bursar::account
