// `bursar top`: the ledgers of this host, live.
#pragma once

#include <string>

namespace bursar::tool {

inline constexpr double top_interval_seconds_min = 0.1;
inline constexpr double top_interval_seconds_max = 3600;

struct TopOptions {
  std::string target;  // a ledger, a process, or a directory of ledgers; empty: all of this host
  double interval_seconds = 1;
  bool once = false;
};

/// The exit status.
int top(const TopOptions& options);

}  // namespace bursar::tool
