// One side of a comparison: a ledger, a process, or a report that was written as JSON.
#pragma once

#include <string>
#include <string_view>

#include "tools/bursar/snapshot.h"

namespace bursar::tool {

/// Throws a Fault that says what is wrong with it.
[[nodiscard]] Snapshot read_side(const std::string& word);

/// What a report in JSON says of what is compared; `path` is for faults.
[[nodiscard]] Snapshot snapshot_of_report(std::string_view json, const std::string& path);

}  // namespace bursar::tool
