// The report of one ledger as a string, and `bursar report`.
#pragma once

#include <filesystem>
#include <string>

#include "interpose/account/render.h"
#include "tools/bursar/ledger_file.h"

namespace bursar::tool {

[[nodiscard]] std::string report_of(const LedgerFile& ledger, const ledger::ExitFacts& facts, ledger::Format format);

/// Whether a word of the command line names a directory.
[[nodiscard]] bool is_directory(const std::string& word);

/// The ledger that a word of the command line names: a file or, where it is a number and no file, the process of that id.
/// Throws a Fault where that process has none.
[[nodiscard]] std::filesystem::path ledger_named(const std::string& word);

/// The report of a ledger as it stands now, with what the system knows of its process. Throws a Fault.
[[nodiscard]] std::string report_now(const std::filesystem::path& path, ledger::Format format);

/// Appends what is rendered to the string.
[[nodiscard]] ledger::Sink sink_into(std::string& text);

struct ReportOptions {
  std::string target;  // a ledger, a process id, or a directory of ledgers
  ledger::Format format = ledger::Format::text;
};

/// `bursar report FILE|DIRECTORY|PID`: the exit status.
int report(const ReportOptions& options);

/// Writes all of it; false where that fails, with errno.
[[nodiscard]] bool write_all(int file_descriptor, const std::string& text);

}  // namespace bursar::tool
