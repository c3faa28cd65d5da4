// What the other processes of a run counted, by program.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/bursar/ledger_directory.h"
#include "tools/bursar/runtime_tree.h"
#include "tools/bursar/task_tree.h"

namespace bursar::tool {

struct OtherProgram {
  std::string name;
  uint64_t processes = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t peak_live_bytes = 0;  // the highest of them
};

struct OtherPrograms {
  std::vector<OtherProgram> programs;  // most allocations first
  uint64_t unreadable = 0;             // ledgers
};

/// Adds the tasks and the runtime of each to the trees.
[[nodiscard]] OtherPrograms other_programs_in(const std::vector<LedgerName>& ledgers, TaskTree& tree,
                                              RuntimeTree& runtime);

/// A table of the first ten; nothing where there are none.
[[nodiscard]] std::string text_of(const OtherPrograms& others);

[[nodiscard]] nlohmann::ordered_json json_of(const OtherPrograms& others);

}  // namespace bursar::tool
