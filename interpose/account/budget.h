// Budgets: whether a task may have one more block.
#pragma once

#include <cstdint>

#include "interpose/account/ledger_format.h"
#include "interpose/account/thread_account.h"

namespace bursar::account {

/// Whether the task may have so many bytes more: exactly, where the calling thread alone works in it. If not, the handler of the program is
/// asked, and a refusal is counted in the kind and kept for take_refusal (but for threads without an account). Pre: recording; the thread is in the task and neither in the heap nor within the
/// account. Cost: a look at every slot in use.
[[nodiscard]] bool budget_allows(ledger::Tag tag, uint64_t bytes) noexcept;

/// What the calling thread was refused last, which is then forgotten; its tag is 0 where that is nothing.
[[nodiscard]] Refusal take_refusal() noexcept;

/// While this lives no budget holds for the thread: for what tells of a refusal.
class BudgetExemption {
 public:
  BudgetExemption() noexcept;
  ~BudgetExemption();
  BudgetExemption(const BudgetExemption&) = delete;
  BudgetExemption& operator=(const BudgetExemption&) = delete;
};

}  // namespace bursar::account
