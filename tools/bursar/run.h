// `bursar run`: a program on bursar, and its report when it has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "interpose/account/ledger_format.h"
#include "interpose/account/render.h"
#include "tools/bursar/library_path.h"

namespace bursar::tool {

enum class Reporting : unsigned char { off, on };

struct RunOptions {
  Reporting reporting = Reporting::on;
  ledger::Format format = ledger::Format::text;
  std::string output;   // a file for the report; empty: standard error
  std::string ledgers;  // a directory that keeps the ledgers; empty: none
  PageSource page_source = PageSource::os;
  std::optional<ledger::TaskSource> task_source;  // none: what BURSAR says
  uint64_t budget_bytes = 0;                      // of each task; 0: what BURSAR says
  std::vector<std::string> command;               // not empty
};

/// The exit status: the program's, or 128 and the number of the signal that ended it.
int run(const RunOptions& options);

}  // namespace bursar::tool
