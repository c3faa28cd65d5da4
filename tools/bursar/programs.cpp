// Grouping of a run's ledgers by program.
#include "tools/bursar/programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "interpose/account/render_numbers.h"
#include "interpose/account/render_totals.h"
#include "tools/bursar/columns.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/ledger_file.h"

namespace bursar::tool {
namespace {

constexpr size_t rows_max = 10;
constexpr size_t name_columns = 30;

}  // namespace

void ProgramSums::add(const std::filesystem::path& path, Trees& trees) {
  try {
    const LedgerFile file = LedgerFile::read(path);
    const ledger::Totals totals = ledger::totals_of(file.view(), ledger::ExitFacts{});
    Program& program = by_name_[base_name(file.header().program)];
    ++program.processes;
    program.allocations += totals.allocations;
    program.allocated_bytes += totals.allocated_bytes;
    program.peak_live_bytes = std::max(program.peak_live_bytes, totals.peak_live_bytes);
    trees.add(file.view());
  } catch (const Fault&) {
    // The writer empties a file that it finds no room for. Else its process was killed while it started, or has not started yet.
    std::error_code error;
    const bool is_empty = std::filesystem::file_size(path, error) == 0 && !error;
    ++(is_empty ? without_room_ : unreadable_);
  }
}

Programs ProgramSums::programs() const {
  Programs result{.programs = {}, .without_room = without_room_, .unreadable = unreadable_};
  for (const auto& [name, program] : by_name_) {
    result.programs.push_back(program);
    result.programs.back().name = name;
  }
  std::stable_sort(result.programs.begin(), result.programs.end(),
                   [](const Program& a, const Program& b) { return a.allocations > b.allocations; });
  return result;
}

Programs programs_in(const std::vector<LedgerName>& ledgers, Trees& trees) {
  ProgramSums sums;
  for (const LedgerName& name : ledgers) sums.add(name.path, trees);
  return sums.programs();
}

std::string text_of(const Programs& programs, std::string_view title) {
  std::string text;
  if (!programs.programs.empty()) {
    text += fmt::format("\n  {:<30} {:>9} {:>15} {:>13} {:>17}\n", title, "processes", "allocations", "handed out",
                        "peak live heap");
  }
  for (size_t i = 0; i < programs.programs.size() && i < rows_max; ++i) {
    const Program& program = programs.programs[i];
    text += fmt::format("  {:<30} {:>9} {:>15} {:>13} {:>17}\n", fitted(displayable(program.name), name_columns),
                        ledger::grouped(program.processes).c_str(), ledger::grouped(program.allocations).c_str(),
                        ledger::bytes_text(program.allocated_bytes).c_str(),
                        ledger::bytes_text(program.peak_live_bytes).c_str());
  }
  if (programs.programs.size() > rows_max) text += fmt::format("  and {} more\n", programs.programs.size() - rows_max);
  if (programs.without_room != 0) {
    text += fmt::format("  had no room for their ledgers: {} {} not counted\n",
                        ledger::grouped(programs.without_room).c_str(),
                        programs.without_room == 1 ? "process is" : "processes are");
  }
  if (programs.unreadable != 0) text += fmt::format("  ended while they started: {}\n", programs.unreadable);
  return text;
}

nlohmann::ordered_json json_of(const Programs& programs) {
  auto array = nlohmann::ordered_json::array();
  for (const Program& program : programs.programs) {
    array.push_back({{"program", program.name},
                     {"processes", program.processes},
                     {"allocations", program.allocations},
                     {"allocated_bytes", program.allocated_bytes},
                     {"peak_live_bytes", program.peak_live_bytes}});
  }
  return array;
}

}  // namespace bursar::tool
