// A lock for slow paths that knows its owner, so that a fork cannot leave it locked for ever.
#pragma once

#include <atomic>
#include <cstdint>

namespace bursar {

/// Identifies the calling thread while it lives: the address of its thread-local state. In a child after
/// vfork it is the parent's thread, as it should be: they share memory and take turns.
using ThreadIdentity = const void*;

/// Not recursive. A thread that may be re-entered (a signal handler) must know by other means that it does not
/// hold the lock: thread_heap keeps that flag.
///
/// In a forked child a lock that another thread of the parent held stays held; `was_abandoned` finds it by its owner,
/// and `reset` opens it, after which what it guarded must be thrown away.
///
///   I1  owner_ is null exactly while state_ is open
class Lock {
 public:
  void acquire(ThreadIdentity self) noexcept {
    uint32_t expected = open;
    if (!state_.compare_exchange_strong(expected, held, std::memory_order_acquire)) [[unlikely]] wait();
    owner_.store(self, std::memory_order_relaxed);
  }

  [[nodiscard]] bool try_acquire(ThreadIdentity self) noexcept {
    uint32_t expected = open;
    if (!state_.compare_exchange_strong(expected, held, std::memory_order_acquire)) return false;
    owner_.store(self, std::memory_order_relaxed);
    return true;
  }

  /// Pairs with the acquire in acquire() and try_acquire().
  void release() noexcept {
    owner_.store(nullptr, std::memory_order_relaxed);
    if (state_.exchange(open, std::memory_order_release) == held_and_awaited) [[unlikely]] wake();
  }

  /// Only in a child that has one thread: true when the owner did not come along.
  [[nodiscard]] bool was_abandoned(ThreadIdentity self) const noexcept {
    return state_.load(std::memory_order_relaxed) != open && owner_.load(std::memory_order_relaxed) != self;
  }

  void reset() noexcept {
    owner_.store(nullptr, std::memory_order_relaxed);
    state_.store(open, std::memory_order_release);
  }

 private:
  static constexpr uint32_t open = 0;
  static constexpr uint32_t held = 1;
  static constexpr uint32_t held_and_awaited = 2;

  void wait() noexcept;
  void wake() noexcept;

  std::atomic<uint32_t> state_{open};
  std::atomic<ThreadIdentity> owner_{nullptr};
};

/// Holds a lock for a scope.
class LockGuard {
 public:
  LockGuard(Lock& lock, ThreadIdentity self) noexcept : lock_(lock) { lock_.acquire(self); }
  ~LockGuard() { lock_.release(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace bursar
