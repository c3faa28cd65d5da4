// Telling reports from ledgers, and reading reports.
#include "tools/bursar/diff_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tools/bursar/columns.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/file_descriptor.h"
#include "tools/bursar/report.h"

namespace bursar::tool {
namespace {

using nlohmann::json;

/// A report has a few lines for each size class, kind and task: what is longer is none.
constexpr size_t report_bytes_max = size_t{64} * 1024 * 1024;

/// What is missing or null counts as nothing. Throws where that is no object.
template <typename Value>
Value value_of(const json& object, const char* key) {
  const auto& members = object.get_ref<const json::object_t&>();
  const auto found = members.find(key);
  return found == members.end() || found->second.is_null() ? Value{} : found->second.get<Value>();
}

uint64_t number(const json& object, const char* key) { return value_of<uint64_t>(object, key); }

/// The array of this name, empty where there is none.
json::array_t rows(const json& object, const char* key) { return value_of<json::array_t>(object, key); }

FlowRow flow_of(const json& object) {
  return {.allocations = number(object, "allocations"),
          .frees = number(object, "frees"),
          .allocated_bytes = number(object, "allocated_bytes"),
          .freed_bytes = number(object, "freed_bytes"),
          .live_blocks = number(object, "live_blocks"),
          .live_bytes = number(object, "live_bytes")};
}

Quantiles quantiles_of(const json& object, const char* key) {
  const json values(value_of<json::object_t>(object, key));
  return {.median = number(values, "median"),
          .p90 = number(values, "p90"),
          .p99 = number(values, "p99"),
          .highest = number(values, "highest"),
          .total = number(values, "total"),
          .below_powers = {}};
}

SizeClassRow size_class_of(const json& object) {
  SizeClassRow row{.block_bytes = number(object, "block_bytes"),
                   .requested_bytes = number(object, "requested_bytes"),
                   .flow = flow_of(object)};
  if (!object.contains("live_bytes")) row.flow.live_bytes = row.flow.live_blocks * row.block_bytes;
  return row;
}

/// What no task did has no name in a report: it gets the one that snapshots give it.
std::string name_of_outside(const Snapshot& snapshot) {
  const bool is_process = snapshot.task_source == ledger::TaskSource::process;
  return is_process ? base_name(snapshot.program) : "(outside tasks)";
}

TaskKindRow kind_of(const json& object, const Snapshot& snapshot) {
  TaskKindRow row;
  row.is_outside = value_of<json>(object, "kind").is_null();
  row.name = row.is_outside ? name_of_outside(snapshot) : value_of<std::string>(object, "kind");
  // As ledger::shown_kind has it.
  if (!row.is_outside && row.name == "(outside tasks)") row.name = "\"" + row.name + "\"";
  row.tasks_begun = number(object, "tasks_begun");
  row.tasks_ended = number(object, "tasks_ended");
  row.tasks_running = number(object, "tasks_running");
  row.refused_allocations = number(object, "refused_allocations");
  row.flow = flow_of(object);
  row.retained_bytes = number(object, "retained_bytes");
  row.allocations_per_task = quantiles_of(object, "allocations_per_task");
  row.peak_live_bytes_per_task = quantiles_of(object, "peak_live_bytes_per_task");
  return row;
}

ThreadRow thread_of(const json& object) {
  return {.name = value_of<std::string>(object, "name"),
          .threads = number(object, "threads"),
          .alive = number(object, "alive"),
          .flow = flow_of(object)};
}

Snapshot snapshot_of_json(const json& report) {
  Snapshot snapshot;
  snapshot.program = value_of<std::string>(report, "program");
  snapshot.process_id = value_of<uint32_t>(report, "process_id");
  const bool is_process = value_of<std::string>(report, "task_source") == "process";
  if (is_process) snapshot.task_source = ledger::TaskSource::process;
  snapshot.wall_ns = number(report, "wall_ns");
  snapshot.requested_bytes = number(report, "requested_bytes");
  snapshot.flow = flow_of(report);
  snapshot.peak_live_bytes = number(report, "peak_live_bytes");
  snapshot.peak_rss_bytes = number(report, "peak_rss_bytes");
  snapshot.page_faults = number(report, "page_faults");
  snapshot.threads = number(report, "threads");
  for (const json& row : rows(report, "size_classes")) snapshot.size_classes.push_back(size_class_of(row));
  for (const json& row : rows(report, "thread_kinds")) snapshot.thread_kinds.push_back(thread_of(row));
  for (const json& row : rows(report, "task_kinds")) snapshot.kinds.push_back(kind_of(row, snapshot));
  return snapshot;
}

/// The text of a file that begins as JSON does, else nothing: then it is for the reader of ledgers to say what is wrong with it.
std::string report_in(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string text;
  char part[16 * 1024];
  for (;;) {
    const ssize_t count = read(file.number(), part, sizeof part);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Fault(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    if (count == 0) return text;
    text.append(part, static_cast<size_t>(count));
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && text[first] != '{') return {};
    if (text.size() > report_bytes_max) throw Fault(fmt::format("{}: is too long for a report of bursar", path));
  }
}

}  // namespace

Snapshot snapshot_of_report(std::string_view text, const std::string& path) {
  try {
    const json report = json::parse(text);
    const auto version = report.find("ledger_version");
    if (version == report.end()) throw Fault(fmt::format("{}: is JSON, but no report of bursar", path));
    if (version->is_null()) throw Fault(fmt::format("{}: is the report of a program that counted nothing", path));
    Snapshot snapshot = snapshot_of_json(report);
    snapshot.path = path;
    return snapshot;
  } catch (const json::exception& error) {
    throw Fault(fmt::format("{}: is no report of bursar in JSON: {}", path, error.what()));
  }
}

Snapshot read_side(const std::string& word) {
  const std::filesystem::path path = ledger_named(word);
  const std::string report = report_in(path.native());
  return report.empty() ? read_snapshot(path) : snapshot_of_report(report, path.native());
}

}  // namespace bursar::tool
