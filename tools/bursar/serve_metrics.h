// What the ledgers of a host say, as one exposition.
#pragma once

#include <string>

#include "interpose/account/ledger_format.h"
#include "tools/bursar/serve_exposition.h"
#include "tools/bursar/serve_watch.h"

namespace bursar::tool {

/// So long after its end a process is still told, so that each collector gets its last counts; and then no longer, or a
/// host on which programs come and go would be told ever more series.
inline constexpr uint64_t told_after_end_ms = uint64_t{10} * 60 * 1000;

/// Of two ledgers with the same program and process id, as an exec leaves them or an id that was given out again, the
/// later one is told.
[[nodiscard]] std::string metrics_of(const Watch& watch, Dialect dialect, uint64_t unix_ms);

/// Power-of-two buckets: at most 0, 1, 3, 7, ... so that each bound lies between two buckets of the ledger and the
/// counts are exact. Always the same ones, because sums over processes need those.
[[nodiscard]] HistogramCounts histogram_of(const Quantiles& quantiles, uint32_t first_power, uint32_t last_power);

}  // namespace bursar::tool
