// From a ledger's tables to plain values.
#include "tools/bursar/snapshot.h"

#include <algorithm>

#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_thread_totals.h"
#include "interpose/account/render_totals.h"
#include "tools/bursar/columns.h"
#include "tools/bursar/ledger_file.h"
#include "tools/bursar/printable.h"
#include "tools/bursar/process_status.h"

namespace bursar::tool {
namespace {

using ledger::View;

std::string text_of(const ledger::Name& name) { return printable({name.data(), name.length()}); }

FlowRow row_of(const ledger::FlowTotals& flow) {
  return {.allocations = flow.allocations,
          .frees = flow.frees,
          .allocated_bytes = flow.allocated_bytes,
          .freed_bytes = flow.freed_bytes,
          .live_blocks = ledger::difference(flow.allocations, flow.frees),
          .live_bytes = ledger::difference(flow.allocated_bytes, flow.freed_bytes)};
}

/// The buckets are five sixths of a ledger with many kinds: whoever keeps snapshots cannot keep these.
Quantiles quantiles_of(const ledger::Distribution& distribution) {
  Quantiles result;
  result.median = ledger::quantile_of(distribution, 500);
  result.p90 = ledger::quantile_of(distribution, 900);
  result.p99 = ledger::quantile_of(distribution, 990);
  result.highest = ledger::read(distribution.highest);
  result.total = ledger::read(distribution.total);
  return result;
}

/// Each power of two lies between two buckets.
std::vector<uint64_t> counts_below_powers(const ledger::Distribution& distribution) {
  using ledger::Distribution;
  uint64_t all = 0;
  for (const auto& bucket : distribution.buckets) all += bucket.load(std::memory_order_relaxed);
  std::vector<uint64_t> counts;
  if (all == 0) return counts;
  uint64_t count = 0;
  uint32_t bucket = 0;
  for (uint32_t power = 0; power < 64 && count != all; ++power) {
    for (; bucket < Distribution::bucket_count && Distribution::lowest_of(bucket) < uint64_t{1} << power; ++bucket) {
      count += distribution.buckets[bucket].load(std::memory_order_relaxed);
    }
    counts.push_back(std::min(count, all));
  }
  if (counts.back() != all) counts.push_back(all);
  return counts;
}

Quantiles histogram_of(const ledger::Distribution& distribution) {
  Quantiles result = quantiles_of(distribution);
  result.below_powers = counts_below_powers(distribution);
  return result;
}

std::string kind_text(const View& view, size_t kind) {
  const bool is_process = kind == ledger::kind_outside && view.header->task_source == ledger::TaskSource::process;
  return is_process ? printable(base_name(view.header->program)) : text_of(ledger::shown_kind(view, kind));
}

TaskKindRow kind_row_of(const View& view, ledger::KindReader& reader, size_t kind) {
  const ledger::KindTotals totals = reader.totals_of(kind);
  const ledger::TaskKind& from = view.kinds[kind];
  TaskKindRow row;
  row.name = kind_text(view, kind);
  row.is_outside = kind == ledger::kind_outside;
  row.is_of_no_task = !ledger::is_of_tasks(view, kind);
  row.tasks_begun = totals.tasks_begun;
  row.tasks_ended = totals.tasks_ended;
  row.tasks_running = totals.tasks_running;
  row.tasks_without_record = totals.tasks_without_record;
  row.refused_allocations = totals.refused_allocations;
  row.flow = row_of(totals.flow);
  row.flow.live_blocks = totals.live_blocks;
  row.flow.live_bytes = totals.live_bytes;
  row.retained_bytes = row.is_of_no_task ? 0 : totals.retained_bytes;
  row.allocations_per_task = histogram_of(from.allocations_per_task);
  row.allocated_bytes_per_task = quantiles_of(from.allocated_bytes_per_task);
  row.peak_live_bytes_per_task = histogram_of(from.peak_live_bytes_per_task);
  row.wall_ns_per_task = quantiles_of(from.wall_ns_per_task);
  row.retained_bytes_per_task = quantiles_of(from.retained_bytes_per_task);
  return row;
}

void add_kinds(Snapshot& snapshot, const View& view) {
  std::vector<ledger::KindReader::Part> parts(view.kind_count + 1);
  ledger::KindReader reader(view, parts.data(), parts.size());
  for (size_t kind = 0; kind < view.kind_count; ++kind) {
    if (ledger::is_kind(view, kind)) snapshot.kinds.push_back(kind_row_of(view, reader, kind));
  }
  std::stable_sort(snapshot.kinds.begin(), snapshot.kinds.end(), [](const TaskKindRow& a, const TaskKindRow& b) {
    if (a.is_outside != b.is_outside) return b.is_outside;
    return a.flow.allocated_bytes > b.flow.allocated_bytes;
  });
}

TaskRow task_row_of(const View& view, const ledger::TaskTotals& task, uint64_t now_ns) {
  return {.kind = kind_text(view, task.kind),
          .label = text_of(task.label),
          .thread_id = task.thread_id,
          .begun_ns = task.begun_ns,
          .wall_ns = task.is_running ? ledger::difference(now_ns, task.begun_ns) : task.wall_ns,
          .allocations = task.allocations,
          .allocated_bytes = task.allocated_bytes,
          .peak_live_bytes = task.peak_live_bytes,
          .live_bytes = task.live_bytes,
          .budget_bytes = task.budget_bytes,
          .is_running = task.is_running};
}

/// What running tasks are ordered by.
struct RunningTask {
  size_t record;
  uint64_t live_bytes;
  uint64_t peak_live_bytes;
  uint64_t allocations;
};

/// By their records alone, then those in which a thread is, with its part: so it takes records plus slots, not records times slots.
std::vector<RunningTask> running_tasks_of(const View& view) {
  std::vector<RunningTask> running;
  ledger::TaskTotals task{};
  const auto figures = [&](size_t record) {
    return RunningTask{record, task.live_bytes, task.peak_live_bytes, task.allocations};
  };
  View records_alone = view;
  records_alone.slot_count = 0;
  for (size_t record = 1; record < view.task_count; ++record) {
    if (ledger::find_running(records_alone, record, task)) running.push_back(figures(record));
  }
  for (size_t i = 1; i < view.slot_count; ++i) {
    const uint32_t record = ledger::record_of(view.slots[i].tag.load(std::memory_order_relaxed));
    const auto at = std::lower_bound(running.begin(), running.end(), record,
                                     [](const RunningTask& each, size_t value) { return each.record < value; });
    if (at != running.end() && at->record == record && ledger::find_running(view, record, task)) *at = figures(record);
  }
  return running;
}

/// The first of them by the measure, the earlier record of two alike first.
std::vector<TaskRow> first_rows_of(std::vector<RunningTask> running, uint64_t RunningTask::*measure, size_t rows_max,
                                   const View& view, uint64_t now_ns) {
  const size_t count = std::min(rows_max, running.size());
  const auto goes_before = [measure](const RunningTask& a, const RunningTask& b) {
    return a.*measure != b.*measure ? a.*measure > b.*measure : a.record < b.record;
  };
  std::partial_sort(running.begin(), running.begin() + static_cast<ptrdiff_t>(count), running.end(), goes_before);
  std::vector<TaskRow> rows;
  ledger::TaskTotals task{};
  for (size_t i = 0; i < count; ++i) {
    if (ledger::find_running(view, running[i].record, task)) rows.push_back(task_row_of(view, task, now_ns));
  }
  return rows;
}

/// Those that run, if any are as bad, and those that have ended.
std::vector<TaskRow> worst_of(std::vector<TaskRow> rows, const View& view, ledger::WorstBy by) {
  ledger::TaskTotals task{};
  for (size_t i = 0; ledger::find_worst(view, by, i, task); ++i) rows.push_back(task_row_of(view, task, 0));
  const auto worse = [by](const TaskRow& a, const TaskRow& b) {
    return by == ledger::WorstBy::peak ? a.peak_live_bytes > b.peak_live_bytes : a.allocations > b.allocations;
  };
  std::stable_sort(rows.begin(), rows.end(), worse);
  if (rows.size() > ledger::WorstTasks::capacity) rows.resize(ledger::WorstTasks::capacity);
  return rows;
}

void add_tasks(Snapshot& snapshot, const View& view, uint64_t now_ns) {
  const std::vector<RunningTask> running = running_tasks_of(view);
  const auto first = [&](uint64_t RunningTask::*measure, size_t rows_max) {
    return first_rows_of(running, measure, rows_max, view, now_ns);
  };
  constexpr size_t worst_max = ledger::WorstTasks::capacity;
  snapshot.tasks_running = running.size();
  snapshot.running = first(&RunningTask::live_bytes, snapshot_running_max);
  snapshot.worst_by_peak = worst_of(first(&RunningTask::peak_live_bytes, worst_max), view, ledger::WorstBy::peak);
  snapshot.worst_by_allocations =
      worst_of(first(&RunningTask::allocations, worst_max), view, ledger::WorstBy::allocations);
}

void add_threads(Snapshot& snapshot, const View& view) {
  ledger::ThreadReader reader(view);
  ledger::ThreadTotals thread{};
  while (reader.next(thread)) {
    snapshot.thread_kinds.push_back({.name = text_of(thread.name),
                                     .threads = thread.threads,
                                     .alive = snapshot.is_alive ? thread.alive : 0,
                                     .flow = row_of(thread.flow)});
  }
  std::stable_sort(snapshot.thread_kinds.begin(), snapshot.thread_kinds.end(),
                   [](const ThreadRow& a, const ThreadRow& b) { return a.flow.allocations > b.flow.allocations; });
}

void add_size_classes(Snapshot& snapshot, const View& view, const ledger::Totals& totals) {
  for (size_t i = 0; i < totals.class_count; ++i) {
    const ledger::ClassTotals from = ledger::class_totals_of(view, totals, i);
    if ((from.allocations | from.frees) == 0) continue;
    SizeClassRow row;
    row.block_bytes = from.block_bytes;
    row.requested_bytes = from.requested_bytes;
    row.flow.allocations = from.allocations;
    row.flow.frees = from.frees;
    row.flow.allocated_bytes = from.allocated_bytes;
    row.flow.live_blocks = from.live_blocks;
    row.flow.freed_bytes = i == 0 ? 0 : from.frees * from.block_bytes;
    row.flow.live_bytes = from.live_blocks * from.block_bytes;
    snapshot.size_classes.push_back(row);
  }
}

/// What is not in the other size classes is in the one of large blocks, which have sizes of their own.
void complete_large(Snapshot& snapshot) {
  SizeClassRow* large = nullptr;
  uint64_t small_freed_bytes = 0;
  for (SizeClassRow& row : snapshot.size_classes) {
    if (row.block_bytes == 0) large = &row;
    small_freed_bytes += row.flow.freed_bytes;
  }
  if (large == nullptr) return;
  large->flow.freed_bytes = ledger::difference(snapshot.flow.freed_bytes, small_freed_bytes);
  large->flow.live_bytes = ledger::difference(large->flow.allocated_bytes, large->flow.freed_bytes);
}

void add_process(Snapshot& snapshot, const ledger::Header& header) {
  snapshot.program = printable(header.program);
  snapshot.process_id = header.process_id;
  snapshot.parent_process_id = header.parent_process_id;
  snapshot.state = header.state.load(std::memory_order_acquire);
  const bool known = static_cast<size_t>(header.task_source) < ledger::task_source_count;
  snapshot.task_source = known ? header.task_source : ledger::TaskSource::api;
  snapshot.started_unix_ns = header.started_unix_ns;
  snapshot.inherited_bytes = header.inherited_bytes;
  snapshot.budget_bytes = header.budget_bytes;
}

void add_totals(Snapshot& snapshot, const ledger::Totals& totals) {
  std::copy(std::begin(totals.calls), std::end(totals.calls), snapshot.calls);
  snapshot.requested_bytes = totals.requested_bytes;
  snapshot.flow = {.allocations = totals.allocations,
                   .frees = totals.frees,
                   .allocated_bytes = totals.allocated_bytes,
                   .freed_bytes = totals.freed_bytes,
                   .live_blocks = totals.live_blocks,
                   .live_bytes = totals.live_bytes};
  snapshot.peak_live_bytes = totals.peak_live_bytes;
  snapshot.peak_live_ns = totals.peak_live_ns;
  snapshot.page_faults = totals.page_faults;
  snapshot.threads = totals.threads;
  snapshot.refused_allocations = totals.refused_allocations;
  snapshot.runtime = totals.runtime;
}

}  // namespace

uint64_t last_seen_ns(const View& view) {
  uint64_t last = std::max(ledger::read(view.header->ended_ns), ledger::read(view.header->peak_live_ns));
  ledger::TaskTotals task{};
  for (size_t record = 1; record < view.task_count; ++record) {
    if (view.tasks[record].tag.load(std::memory_order_relaxed) != 0) last = std::max(last, view.tasks[record].begun_ns);
  }
  for (const ledger::WorstBy by : {ledger::WorstBy::peak, ledger::WorstBy::allocations}) {
    for (size_t i = 0; ledger::find_worst(view, by, i, task); ++i) last = std::max(last, task.begun_ns + task.wall_ns);
  }
  return last;
}

Snapshot snapshot_of(const LedgerFile& file, const std::filesystem::path& path) {
  const View& view = file.view();
  const ledger::Header& header = file.header();
  Snapshot snapshot;
  snapshot.path = path;
  add_process(snapshot, header);
  ProcessStatus process = process_status_of(header, path);
  snapshot.has_id = process.has_id;
  if (snapshot.state == ledger::State::exited) process = {};
  snapshot.is_alive = process.is_alive;
  snapshot.rss_bytes = process.rss_bytes;

  const uint64_t ended_ns = ledger::read(header.ended_ns);
  const uint64_t alive_ns = process.is_alive ? ledger::difference(monotonic_ns(), header.started_ns) : 0;
  snapshot.wall_ns = process.is_alive ? alive_ns : ended_ns;
  const ledger::Totals totals =
      ledger::totals_of(view, {.wall_ns = snapshot.wall_ns, .peak_rss_bytes = process.peak_rss_bytes});
  add_totals(snapshot, totals);
  snapshot.peak_rss_bytes = totals.peak_rss_bytes;
  add_size_classes(snapshot, view, totals);
  complete_large(snapshot);
  add_threads(snapshot, view);
  add_kinds(snapshot, view);
  add_tasks(snapshot, view, process.is_alive ? alive_ns : last_seen_ns(view));
  return snapshot;
}

Snapshot read_snapshot(const std::filesystem::path& path) { return snapshot_of(LedgerFile::read(path), path); }

Snapshot read_found_snapshot(const std::filesystem::path& path) {
  return snapshot_of(LedgerFile::read_found(path), path);
}

const char* state_name(const Snapshot& snapshot) {
  switch (snapshot.state) {
    case ledger::State::exited: return "exited";
    case ledger::State::dropped: return "dropped";
    case ledger::State::starting: return "starting";
    case ledger::State::running: break;
  }
  return snapshot.is_alive ? "running" : "gone";
}

}  // namespace bursar::tool
