// A comparison for a person and for a program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bursar/diff_figures.h"

namespace bursar::tool {

enum class Colours : unsigned char { no, yes };

/// What was compared, as it is headed.
struct Sides {
  const Snapshot& a;
  const Snapshot& b;
};

[[nodiscard]] std::string text_of(const Sides& sides, const Comparison& comparison, uint64_t bytes_min,
                                  Colours colours);

[[nodiscard]] std::string json_of(const Sides& sides, const Comparison& comparison, uint64_t bytes_min,
                                  const std::vector<Excess>& excesses);

/// One line that names the figure.
[[nodiscard]] std::string text_of(const Excess& excess);

}  // namespace bursar::tool
