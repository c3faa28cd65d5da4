// What the runtime told in all processes of a run, put together.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "interpose/account/ledger_view.h"
#include "interpose/account/render_runtime.h"

namespace bursar::tool {

/// The figures of the runtime as JSON has them, by name.
[[nodiscard]] nlohmann::ordered_json json_of(const ledger::RuntimeTotals& totals);

/// Sums over ledgers. A child counts from 0, so nothing is told twice.
class RuntimeTree {
 public:
  void add(const ledger::View& view);

  /// How many of the added ledgers have figures.
  [[nodiscard]] uint64_t processes() const noexcept { return processes_; }

  [[nodiscard]] const ledger::RuntimeTotals& totals() const noexcept { return totals_; }

  /// A title and the lines of a report; nothing where all is zero.
  [[nodiscard]] std::string text() const;

 private:
  ledger::RuntimeTotals totals_;
  uint64_t processes_ = 0;
};

}  // namespace bursar::tool
