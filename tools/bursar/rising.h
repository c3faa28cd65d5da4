// Counters of a process that is read again and again do not fall.
#pragma once

#include "tools/bursar/snapshot.h"

namespace bursar::tool {

/// What a thread hands over from one table of the ledger to another while the ledger is read may be missing in the kinds for that once, and a thread
/// that gets another name takes its figures along. For whoever computes rates a counter that falls is one that began anew. So each counter of
/// `now` that is below that of `before`, another snapshot of the same ledger, is raised to it; what lives is left as it is. A row that is gone
/// comes back with what it had.
void keep_rising(Snapshot& now, const Snapshot& before);

}  // namespace bursar::tool
