// Which task the calling thread is in, as the account sees it.
#pragma once

#include "allocator/thread.h"
#include "interpose/account/thread_account.h"

namespace bursar::account {

/// What the thread allocates outside of all tasks with a handle: that of its thread or turn where these are tasks, else of no task.
inline ledger::Tag base_tag() noexcept {
  return thread.base_tag != 0 ? thread.base_tag : ledger::tag_of_kind(ledger::kind_outside);
}

/// Keeps signal handlers from the thread's account: what they count goes elsewhere meanwhile. Not to be nested.
class AccountScope {
 public:
  AccountScope() noexcept : own_(current_thread_account()) {
    thread.is_counting = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  ~AccountScope() {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread.is_counting = false;
  }
  AccountScope(const AccountScope&) = delete;
  AccountScope& operator=(const AccountScope&) = delete;

  /// Null for a thread without an account of its own.
  [[nodiscard]] ThreadAccount* own() const noexcept { return own_; }

 private:
  ThreadAccount* own_;
};

/// What the thread allocates from here on belongs to the task. Pre: recording; inside; not within the account.
inline void go_to(ledger::Tag tag) noexcept {
  const AccountScope scope;
  thread.task_tag = tag;
  if (scope.own() != nullptr) move_to(*scope.own(), tag);
}

/// The budget of the task that the thread is in has changed. Pre: as above.
inline void look_at_limit() noexcept {
  const AccountScope scope;
  if (scope.own() != nullptr) renew_limit(*scope.own());
}

}  // namespace bursar::account
