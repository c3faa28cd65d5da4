// The report of one ledger as a string, and `bursar report`.
#pragma once

#include <optional>
#include <string>

#include "interpose/account/render.h"
#include "tools/bursar/ledger_file.h"

namespace bursar::tool {

[[nodiscard]] std::string report_of(const LedgerFile& ledger, const ledger::ExitFacts& facts, ledger::Format format);

/// Appends what is rendered to the string.
[[nodiscard]] ledger::Sink sink_into(std::string& text);

struct ReportOptions {
  std::string file;
  ledger::Format format = ledger::Format::text;
};

/// `bursar report FILE`: the exit status.
int report(const ReportOptions& options);

/// Writes all of it; false where that fails, with errno.
[[nodiscard]] bool write_all(int file_descriptor, const std::string& text);

}  // namespace bursar::tool
