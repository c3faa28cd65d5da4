// `bursar export`: a ledger in a format that other tools read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bursar::tool {

struct ExportFormat {
  const char* name;
  const char* meaning;
  std::string (*text_of)(const std::filesystem::path& ledger);
};

/// All there are.
[[nodiscard]] const std::vector<ExportFormat>& export_formats();

struct ExportOptions {
  std::string format;
  std::string target;  // a ledger or a process
  std::string output;  // empty: standard output
};

/// The exit status.
int export_ledger(const ExportOptions& options);

}  // namespace bursar::tool
