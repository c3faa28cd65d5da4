// What the page asks for, as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bursar/serve_watch.h"

namespace bursar::tool {

/// All ledgers, each in a few figures; and what could not be read.
[[nodiscard]] std::string ledgers_json(const Watch& watch, uint64_t unix_ms);

/// One ledger with its tables, and its samples after that moment.
[[nodiscard]] std::string ledger_json(const WatchedLedger& ledger, uint64_t unix_ms, uint64_t since_unix_ms);

}  // namespace bursar::tool
