// The ended tasks with the highest peaks and with the most allocations.
#pragma once

#include "interpose/account/ledger_format.h"

namespace bursar::account::worst_tasks {

/// Puts an ended task into the lists of the ledger, where it belongs there. Thread safe. Cost: two loads for most.
void consider(const ledger::WorstTask& task) noexcept;

/// In a new child, whose lists are empty.
void begin_child() noexcept;

}  // namespace bursar::account::worst_tasks
