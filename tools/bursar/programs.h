// What the processes of a run counted, by program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bursar/ledger_directory.h"
#include "tools/bursar/trees.h"

namespace bursar::tool {

struct Program {
  std::string name;
  uint64_t processes = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t peak_live_bytes = 0;  // the highest of them
};

struct Programs {
  std::vector<Program> programs;  // most allocations first
  uint64_t without_room = 0;      // processes whose ledger is an empty file
  uint64_t unreadable = 0;        // other ledgers
};

/// The sums over ledgers that come one after the other.
class ProgramSums {
 public:
  /// Of a ledger that cannot be read, that there is one. Adds its tables to the trees.
  void add(const std::filesystem::path& path, Trees& trees);

  [[nodiscard]] Programs programs() const;

 private:
  std::map<std::string, Program> by_name_;
  uint64_t without_room_ = 0;
  uint64_t unreadable_ = 0;
};

/// Adds the tables of each to the trees.
[[nodiscard]] Programs programs_in(const std::vector<LedgerName>& ledgers, Trees& trees);

/// A table of the first ten under the title; nothing where there are none.
[[nodiscard]] std::string text_of(const Programs& programs, std::string_view title);

[[nodiscard]] nlohmann::ordered_json json_of(const Programs& programs);

}  // namespace bursar::tool
