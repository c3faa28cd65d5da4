// A lock for slow paths that a forked child can open again.
#pragma once

#include <atomic>
#include <cstdint>

namespace bursar {

/// Not recursive. A thread that may be re-entered (a signal handler) must know by other means that it holds no lock: InsideScope
/// (thread.h) keeps that flag.
///
/// In a forked child a lock that another thread of the parent held stays held. The first of the child's threads to come
/// inside finds it so (`is_held`: it holds none itself then) and opens it by `reset`; what it guarded must be thrown away. No
/// owner is kept: a thread of the child may have the stack and the thread-local storage of one that did not come along.
class Lock {
 public:
  void acquire() noexcept {
    if (!try_acquire()) [[unlikely]]
      wait();
  }

  [[nodiscard]] bool try_acquire() noexcept {
    uint32_t expected = open;
    return state_.compare_exchange_strong(expected, held, std::memory_order_acquire);
  }

  /// Pairs with the acquire in acquire() and try_acquire().
  void release() noexcept {
    if (state_.exchange(open, std::memory_order_release) == held_and_awaited) [[unlikely]]
      wake();
  }

  [[nodiscard]] bool is_held() const noexcept { return state_.load(std::memory_order_relaxed) != open; }

  void reset() noexcept { state_.store(open, std::memory_order_release); }

 private:
  static constexpr uint32_t open = 0;
  static constexpr uint32_t held = 1;
  static constexpr uint32_t held_and_awaited = 2;

  void wait() noexcept;
  void wake() noexcept;

  std::atomic<uint32_t> state_{open};
};

/// Holds a lock for a scope.
class LockGuard {
 public:
  explicit LockGuard(Lock& lock) noexcept : lock_(lock) { lock_.acquire(); }
  ~LockGuard() { lock_.release(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace bursar
