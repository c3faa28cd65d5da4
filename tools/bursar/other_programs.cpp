// Grouping of a run's ledgers by program.
#include "tools/bursar/other_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "interpose/account/render_numbers.h"
#include "interpose/account/render_totals.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/ledger_file.h"

namespace bursar::tool {
namespace {

constexpr size_t rows_max = 10;
constexpr size_t name_width_max = 30;

std::string base_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const std::string name = slash == nullptr ? path : slash + 1;
  return name.empty() ? "?" : name;
}

/// At most `name_width_max` characters, none of which steers a terminal.
std::string shown_name(const std::string& name) {
  std::string shown = name.size() > name_width_max ? name.substr(0, name_width_max - 3) + "..." : name;
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return shown;
}

}  // namespace

OtherPrograms other_programs_in(const std::vector<LedgerName>& ledgers, TaskTree& tree, RuntimeTree& runtime) {
  OtherPrograms result;
  std::map<std::string, OtherProgram> by_name;
  for (const LedgerName& name : ledgers) {
    try {
      const LedgerFile file = LedgerFile::read(name.path);
      const ledger::Totals totals = ledger::totals_of(file.view(), ledger::ExitFacts{});
      OtherProgram& program = by_name[base_name(file.header().program)];
      ++program.processes;
      program.allocations += totals.allocations;
      program.allocated_bytes += totals.allocated_bytes;
      program.peak_live_bytes = std::max(program.peak_live_bytes, totals.peak_live_bytes);
      tree.add(file.view());
      runtime.add(file.view());
    } catch (const Fault&) {
      // Its process was killed while it started, or has not started yet.
      ++result.unreadable;
    }
  }
  for (auto& [name, program] : by_name) {
    program.name = name;
    result.programs.push_back(program);
  }
  std::stable_sort(result.programs.begin(), result.programs.end(),
                   [](const OtherProgram& a, const OtherProgram& b) { return a.allocations > b.allocations; });
  return result;
}

std::string text_of(const OtherPrograms& others) {
  std::string text;
  if (!others.programs.empty()) {
    text += fmt::format("\n  {:<30} {:>9} {:>15} {:>13} {:>17}\n", "other programs", "processes", "allocations",
                        "handed out", "peak live heap");
  }
  for (size_t i = 0; i < others.programs.size() && i < rows_max; ++i) {
    const OtherProgram& program = others.programs[i];
    text += fmt::format("  {:<30} {:>9} {:>15} {:>13} {:>17}\n", shown_name(program.name),
                        ledger::grouped(program.processes).c_str(), ledger::grouped(program.allocations).c_str(),
                        ledger::bytes_text(program.allocated_bytes).c_str(),
                        ledger::bytes_text(program.peak_live_bytes).c_str());
  }
  if (others.programs.size() > rows_max) text += fmt::format("  and {} more\n", others.programs.size() - rows_max);
  if (others.unreadable != 0) text += fmt::format("  ended while they started: {}\n", others.unreadable);
  return text;
}

nlohmann::ordered_json json_of(const OtherPrograms& others) {
  auto array = nlohmann::ordered_json::array();
  for (const OtherProgram& program : others.programs) {
    array.push_back({{"program", program.name},
                     {"processes", program.processes},
                     {"allocations", program.allocations},
                     {"allocated_bytes", program.allocated_bytes},
                     {"peak_live_bytes", program.peak_live_bytes}});
  }
  return array;
}

}  // namespace bursar::tool
