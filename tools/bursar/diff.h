// `bursar diff`: what grew from one ledger or report to another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/bursar/diff_figures.h"

namespace bursar::tool {

inline constexpr int exit_status_grown = 1;

enum class DiffFormat : unsigned char { text, json };

struct DiffOptions {
  std::string a;  // a ledger, a process, or a report in JSON
  std::string b;
  DiffFormat format = DiffFormat::text;
  std::optional<double> fail_over_percent;
  std::vector<std::string> only;
  uint64_t bytes_min = 0;
};

/// The exit status: exit_status_grown where something grew by more than `fail_over_percent`.
int diff(const DiffOptions& options);

}  // namespace bursar::tool
