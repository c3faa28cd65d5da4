// What a ledger says at one moment, as plain values: what every view of the command shows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "interpose/account/ledger_view.h"
#include "interpose/account/render_runtime.h"

namespace bursar::tool {

struct FlowRow {
  uint64_t allocations = 0;
  uint64_t frees = 0;
  uint64_t allocated_bytes = 0;
  uint64_t freed_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t live_bytes = 0;
};

struct SizeClassRow {
  uint64_t block_bytes = 0;  // 0: large blocks
  uint64_t requested_bytes = 0;
  FlowRow flow;
};

/// Threads of one name, ended or alive.
struct ThreadRow {
  std::string name;
  uint64_t threads = 0;
  uint64_t alive = 0;
  FlowRow flow;
};

/// A distribution, put into the numbers that are told. The quantiles are within an eighth (ledger::quantile_of); highest is exact.
struct Quantiles {
  uint64_t median = 0;
  uint64_t p90 = 0;
  uint64_t p99 = 0;
  uint64_t highest = 0;
  uint64_t total = 0;

  /// [n]: how many values are below 2^n, up to the first n for which all are. These counts are exact. Only of the distributions that
  /// are told as histograms; empty otherwise.
  std::vector<uint64_t> below_powers;
};

struct TaskKindRow {
  std::string name;  // kind 0: "(outside tasks)", or the program's name where the process is the task
  bool is_outside = false;
  bool is_of_no_task = false;  // kind 0, unless the process is the task: nothing of it is retained
  uint64_t tasks_begun = 0;
  uint64_t tasks_ended = 0;
  uint64_t tasks_running = 0;
  uint64_t tasks_without_record = 0;
  uint64_t refused_allocations = 0;
  FlowRow flow;                 // running tasks included
  uint64_t retained_bytes = 0;  // live of tasks that have ended
  Quantiles allocations_per_task;
  Quantiles allocated_bytes_per_task;
  Quantiles peak_live_bytes_per_task;
  Quantiles wall_ns_per_task;
  Quantiles retained_bytes_per_task;
};

/// One task, running or ended.
struct TaskRow {
  std::string kind;
  std::string label;
  uint64_t thread_id = 0;
  uint64_t begun_ns = 0;  // since the start of the process
  uint64_t wall_ns = 0;   // of a running one: until now, or until the process was last seen
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
  uint64_t peak_live_bytes = 0;
  uint64_t live_bytes = 0;  // of an ended one: at its end
  uint64_t budget_bytes = 0;
  bool is_running = false;
};

/// A program may have 65,535 tasks at a time, and views keep two snapshots of each of many programs.
inline constexpr size_t snapshot_running_max = 1000;

struct Snapshot {
  std::filesystem::path path;
  std::string program;  // the path by which it was executed
  uint32_t process_id = 0;
  uint32_t parent_process_id = 0;
  ledger::State state = ledger::State::running;
  ledger::TaskSource task_source = ledger::TaskSource::api;
  bool is_alive = false;  // the process still runs the program (process_status.h)
  bool has_id = false;    // or ends, or its parent has not asked for its status yet
  uint64_t started_unix_ns = 0;
  uint64_t wall_ns = 0;  // until it ended, or now; 0 where nobody knows
  uint64_t calls[ledger::call_count] = {};
  uint64_t requested_bytes = 0;
  FlowRow flow;
  uint64_t inherited_bytes = 0;
  uint64_t peak_live_bytes = 0;
  uint64_t peak_live_ns = 0;    // 0: unknown
  uint64_t rss_bytes = 0;       // now, from /proc; 0 unless it is alive
  uint64_t peak_rss_bytes = 0;  // from the ledger, or from /proc while it is alive
  uint64_t page_faults = 0;
  uint64_t threads = 0;  // ever
  uint64_t budget_bytes = 0;
  uint64_t refused_allocations = 0;
  ledger::RuntimeTotals runtime;
  std::vector<SizeClassRow> size_classes;  // those in use, by size
  std::vector<ThreadRow> thread_kinds;     // most allocations first
  std::vector<TaskKindRow> kinds;          // most allocated bytes first; the one outside tasks last
  uint64_t tasks_running = 0;              // with a record
  std::vector<TaskRow> running;            // most live bytes first, snapshot_running_max of them
  std::vector<TaskRow> worst_by_peak;      // running ones among them
  std::vector<TaskRow> worst_by_allocations;
};

class LedgerFile;

/// The last moment of which a ledger tells that its process did something, since the start of that; 0 where it tells of none.
[[nodiscard]] uint64_t last_seen_ns(const ledger::View& view);

/// What a ledger that was read from `path` says.
[[nodiscard]] Snapshot snapshot_of(const LedgerFile& file, const std::filesystem::path& path);

/// Reads a ledger. Throws a Fault that says what is wrong with the file. Cost: a millisecond, 15 where all kinds and
/// tasks that a ledger can have are in use; the process is not touched.
[[nodiscard]] Snapshot read_snapshot(const std::filesystem::path& path);

/// The same of a file that nobody named (LedgerFile::read_found).
[[nodiscard]] Snapshot read_found_snapshot(const std::filesystem::path& path);

/// What became of the process, in the word that all views use.
[[nodiscard]] const char* state_name(const Snapshot& snapshot);

}  // namespace bursar::tool
