// What is told of an allocation that a budget did not allow.
#pragma once

#include "bursar/budget.h"
#include "interpose/account/thread_account.h"

namespace bursar::account {

/// Fills all in, the text too. Allocates nothing. Pre: recording; the thread is neither in the heap nor within the account; something
/// was refused. Cost: a walk over the tags of all blocks, some milliseconds for a GiB of heap.
void describe(const Refusal& refusal, BudgetFacts& facts) noexcept;

}  // namespace bursar::account
