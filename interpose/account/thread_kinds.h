// What ended threads did, by their names.
#pragma once

#include "interpose/account/thread_account.h"

namespace bursar::account::thread_kinds {

/// One thread of this name ended. Names that differ in their digits alone are one. `at_start` rises by each figure as soon as it is handed on. Pre:
/// within the account. Thread safe.
void add(const char* name, const PlainFlow& flow, ledger::Flow& at_start) noexcept;

/// In a new child: nobody holds the lock any more.
void forget_after_fork() noexcept;

}  // namespace bursar::account::thread_kinds
