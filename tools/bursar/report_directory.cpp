// Reading of a directory's ledgers, and putting them together.
#include "tools/bursar/report_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/bursar/columns.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/host_ledgers.h"
#include "tools/bursar/programs.h"
#include "tools/bursar/snapshot.h"
#include "tools/bursar/trees.h"

namespace bursar::tool {
namespace {

using nlohmann::ordered_json;

constexpr size_t rows_max = 10;

/// One program that a process executed.
struct Life {
  Snapshot snapshot;
  const char* state = nullptr;
};

struct Lives {
  std::vector<Life> all;  // highest peak first
  size_t processes = 0;
};

/// The ledger of a program that executed another ends like that of one that was killed; that a later one follows it tells them apart.
const char* state_of(const Snapshot& snapshot, uint64_t last_start_unix_ns) {
  const bool has_next = snapshot.started_unix_ns < last_start_unix_ns;
  return has_next && snapshot.state == ledger::State::running ? "replaced" : state_name(snapshot);
}

/// Those that cannot be read are counted with the programs.
Lives lives_in(const std::vector<LedgerName>& ledgers) {
  Lives lives;
  std::map<uint32_t, uint64_t> last_starts;
  for (const LedgerName& name : ledgers) {
    try {
      Snapshot snapshot = read_found_snapshot(name.path);
      uint64_t& last_start = last_starts[snapshot.process_id];
      last_start = std::max(last_start, snapshot.started_unix_ns);
      lives.all.push_back({.snapshot = std::move(snapshot)});
    } catch (const Fault&) {
      // Its process was killed while it started, or it is no ledger.
    }
  }
  for (Life& life : lives.all) life.state = state_of(life.snapshot, last_starts[life.snapshot.process_id]);
  lives.processes = last_starts.size();
  std::stable_sort(lives.all.begin(), lives.all.end(), [](const Life& a, const Life& b) {
    return a.snapshot.peak_live_bytes > b.snapshot.peak_live_bytes;
  });
  return lives;
}

std::string text_of(const Lives& lives) {
  std::string text = fmt::format("\n  {:<30} {:>9} {:>15} {:>13} {:>17} {:>13}\n", "highest peaks", "process", "became",
                                 "allocations", "peak live heap", "live");
  for (size_t i = 0; i < lives.all.size() && i < rows_max; ++i) {
    const auto& [snapshot, state] = lives.all[i];
    text +=
        fmt::format("  {} {:>9} {:>15} {:>13} {:>17} {:>13}\n", fitted(displayable(base_name(snapshot.program)), 30),
                    snapshot.process_id, state, count_text(snapshot.flow.allocations),
                    size_text(snapshot.peak_live_bytes), size_text(snapshot.flow.live_bytes));
  }
  if (lives.all.size() > rows_max) text += fmt::format("  and {} more\n", lives.all.size() - rows_max);
  return text;
}

ordered_json json_of(const Lives& lives) {
  ordered_json array = ordered_json::array();
  for (const auto& [snapshot, state] : lives.all) {
    array.push_back({{"ledger", snapshot.path.native()},
                     {"program", snapshot.program},
                     {"process_id", snapshot.process_id},
                     {"parent_process_id", snapshot.parent_process_id},
                     {"state", state},
                     {"allocations", snapshot.flow.allocations},
                     {"frees", snapshot.flow.frees},
                     {"allocated_bytes", snapshot.flow.allocated_bytes},
                     {"live_bytes", snapshot.flow.live_bytes},
                     {"peak_live_bytes", snapshot.peak_live_bytes},
                     {"peak_rss_bytes", snapshot.peak_rss_bytes}});
  }
  return array;
}

std::string counted(size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count_text(count), count == 1 ? one : many);
}

}  // namespace

std::string report_directory(const std::filesystem::path& directory, ledger::Format format) {
  const HostScan scan = scan_directory(directory);
  const std::string& name = directory.native();
  if (scan.ledgers.empty()) {
    throw Fault(scan.unreadable == 0 ? fmt::format("{}: is a directory, and has no ledger in it", name)
                                     : fmt::format("{}: its ledgers belong to others and cannot be read", name));
  }
  if (format == ledger::Format::openmetrics) {
    throw Fault(
        fmt::format("{}: is a directory; openmetrics tells of one process: name one of the ledgers in it, such as {}",
                    name, scan.ledgers.front().path.native()));
  }
  const Lives lives = lives_in(scan.ledgers);
  if (lives.all.empty()) (void)read_found_snapshot(scan.ledgers.front().path);  // which tells what is wrong with it
  Trees trees;
  const Programs programs = programs_in(scan.ledgers, trees);
  if (format == ledger::Format::json) {
    ordered_json report{{"directory", name},
                        {"processes", lives.processes},
                        {"without_room", programs.without_room},
                        {"unreadable", programs.unreadable}};
    report["programs"] = json_of(programs);
    report["ledgers"] = json_of(lives);
    report["tree"] = ordered_json::parse(trees.tasks.rendered(format));
    report["tree"]["runtime"] = json_of(trees.runtime.totals());
    return report.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }
  return fmt::format("bursar: {} ({} of {})\n", displayable(name), counted(lives.all.size(), "ledger", "ledgers"),
                     counted(lives.processes, "process", "processes")) +
         text_of(programs, "programs") + text_of(lives) + trees.runtime.text() +
         (trees.tasks.has_tasks() ? trees.tasks.rendered(format) : "");
}

}  // namespace bursar::tool
