// Families in turn, and in each the samples of all processes.
#include "tools/bursar/serve_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "tools/bursar/version.h"

namespace bursar::tool {
namespace {

/// 1 Mi allocations, 1 GiB: a task beyond is told apart by nobody.
constexpr uint32_t allocations_powers[] = {0, 20};
constexpr uint32_t bytes_powers[] = {10, 30};

/// As the ledger itself names kinds beyond those it has room for, so that these are among them.
constexpr const char* other_kinds = "(other kinds)";
constexpr const char* other_threads = "(other threads)";

/// One ledger, with what its samples have in common and the rows that are told.
struct Subject {
  const Snapshot* snapshot;
  Labels labels;
  std::string process_id;
  std::vector<TaskKindRow> kinds;
  std::vector<ThreadRow> threads;
};

void add_to(FlowRow& sum, const FlowRow& flow) {
  sum.allocations += flow.allocations;
  sum.frees += flow.frees;
  sum.allocated_bytes += flow.allocated_bytes;
  sum.freed_bytes += flow.freed_bytes;
  sum.live_blocks += flow.live_blocks;
  sum.live_bytes += flow.live_bytes;
}

/// Those below 2^power: all of them, where the counts end before.
uint64_t count_below(const Quantiles& quantiles, size_t power) {
  if (quantiles.below_powers.empty()) return 0;
  return quantiles.below_powers[std::min(power, quantiles.below_powers.size() - 1)];
}

void add_to(Quantiles& sum, const Quantiles& quantiles) {
  sum.total += quantiles.total;
  const size_t powers = std::max(sum.below_powers.size(), quantiles.below_powers.size());
  const uint64_t all = count_below(sum, powers);
  sum.below_powers.resize(powers, all);
  for (size_t power = 0; power < powers; ++power) sum.below_powers[power] += count_below(quantiles, power);
}

void add_to(TaskKindRow& sum, const TaskKindRow& row) {
  add_to(sum.flow, row.flow);
  sum.tasks_begun += row.tasks_begun;
  sum.tasks_ended += row.tasks_ended;
  sum.tasks_running += row.tasks_running;
  sum.refused_allocations += row.refused_allocations;
  sum.is_of_no_task = sum.is_of_no_task || row.is_of_no_task;
  sum.retained_bytes += row.retained_bytes;
  add_to(sum.allocations_per_task, row.allocations_per_task);
  add_to(sum.peak_live_bytes_per_task, row.peak_live_bytes_per_task);
}

void add_to(ThreadRow& sum, const ThreadRow& row) {
  add_to(sum.flow, row.flow);
  sum.threads += row.threads;
  sum.alive += row.alive;
}

/// The rows whose names have places, and the sum of the others where there are any. Rows of one name become one.
template <typename Row>
std::vector<Row> placed(const std::vector<Row>& rows, const Places& places, const char* others_name) {
  std::map<std::string, Row> by_name;
  for (const Row& row : rows) {
    const std::string name = places.has(row.name) ? row.name : others_name;
    const auto [known, is_new] = by_name.try_emplace(name);
    known->second.name = name;
    add_to(known->second, row);
  }
  std::vector<Row> told;
  told.reserve(by_name.size());
  for (auto& [name, row] : by_name) told.push_back(std::move(row));
  return told;
}

std::vector<Subject> subjects_of(const Watch& watch, uint64_t unix_ms) {
  std::vector<Subject> subjects;
  std::set<std::pair<std::string, uint32_t>> told;
  for (const WatchedLedger* ledger : watch.ledgers()) {
    const Snapshot& snapshot = ledger->snapshot;
    const bool is_past = ledger->ended_unix_ms != 0 && unix_ms - ledger->ended_unix_ms > told_after_end_ms;
    if (is_past) continue;
    if (!told.emplace(snapshot.program, snapshot.process_id).second) continue;
    subjects.push_back({.snapshot = &snapshot,
                        .labels = {},
                        .process_id = fmt::format("{}", snapshot.process_id),
                        .kinds = placed(snapshot.kinds, ledger->kind_places, other_kinds),
                        .threads = placed(snapshot.thread_kinds, ledger->thread_places, other_threads)});
  }
  for (Subject& subject : subjects) {
    subject.labels = {{"program", subject.snapshot->program}, {"process", subject.process_id}};
  }
  return subjects;
}

Labels with(Labels labels, std::string_view name, std::string_view value) {
  labels.push_back({name, value});
  return labels;
}

/// Writes one family after the other over all subjects.
class Writer {
 public:
  Writer(Exposition& exposition, const std::vector<Subject>& subjects) : exposition_(exposition), subjects_(subjects) {}

  void processes(const Family& family, const std::function<uint64_t(const Snapshot&)>& value) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) exposition_.add(subject.labels, value(*subject.snapshot));
  }

  void size_classes(const Family& family, const std::function<uint64_t(const SizeClassRow&)>& value) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      for (const SizeClassRow& row : subject.snapshot->size_classes) {
        const std::string block_bytes = fmt::format("{}", row.block_bytes);
        exposition_.add(with(subject.labels, "block_bytes", block_bytes), value(row));
      }
    }
  }

  void threads(const Family& family, const std::function<uint64_t(const ThreadRow&)>& value) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      for (const ThreadRow& row : subject.threads) {
        exposition_.add(with(subject.labels, "thread", row.name), value(row));
      }
    }
  }

  template <typename Value>
  void kinds(const Family& family, const Value& value) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      for (const TaskKindRow& row : subject.kinds) exposition_.add(with(subject.labels, "kind", row.name), value(row));
    }
  }

  void retained(const Family& family) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      for (const TaskKindRow& row : subject.kinds) {
        if (!row.is_of_no_task) exposition_.add(with(subject.labels, "kind", row.name), row.retained_bytes);
      }
    }
  }

  /// Only of those that tell any: most programs have no runtime.
  void runtime() {
    if (std::all_of(subjects_.begin(), subjects_.end(), has_no_runtime)) return;
    for (size_t i = 0; i < ledger::runtime_figure_count; ++i) {
      const ledger::RuntimeFigureName& figure = ledger::runtime_figure_names[i];
      const std::string name = fmt::format("bursar_{}", figure.name);
      exposition_.open({name.c_str(), FamilyType::counter, figure.unit == nullptr ? "" : figure.unit, figure.help});
      for (const Subject& subject : subjects_) {
        if (!has_no_runtime(subject)) exposition_.add(subject.labels, subject.snapshot->runtime.at(i));
      }
    }
  }

  void calls(const Family& family) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      for (size_t call = 0; call < ledger::call_count; ++call) {
        exposition_.add(with(subject.labels, "call", ledger::call_names[call]), subject.snapshot->calls[call]);
      }
    }
  }

  void starts(const Family& family) {
    exposition_.open(family);
    for (const Subject& subject : subjects_) {
      exposition_.add(subject.labels, std::round(static_cast<double>(subject.snapshot->started_unix_ns) / 1e6) / 1e3);
    }
  }

 private:
  static bool has_no_runtime(const Subject& subject) { return subject.snapshot->runtime.are_all_zero(); }

  Exposition& exposition_;
  const std::vector<Subject>& subjects_;
};

constexpr FamilyType counter = FamilyType::counter;
constexpr FamilyType gauge = FamilyType::gauge;

void add_processes(Writer& writer) {
  using S = Snapshot;
  writer.processes({"bursar_process_running", gauge, "", "1 while the process runs, 0 once it has ended."},
                   [](const S& s) -> uint64_t { return s.is_alive ? 1 : 0; });
  writer.starts({"bursar_process_start_time_seconds", gauge, "seconds", "When the process started, in Unix time."});
  writer.calls({"bursar_calls", counter, "", "Calls of the program."});
  writer.processes({"bursar_allocations", counter, "", "Blocks handed out."},
                   [](const S& s) { return s.flow.allocations; });
  writer.processes({"bursar_frees", counter, "", "Blocks taken back."}, [](const S& s) { return s.flow.frees; });
  writer.processes({"bursar_requested_bytes", counter, "bytes", "Bytes asked for."},
                   [](const S& s) { return s.requested_bytes; });
  writer.processes({"bursar_allocated_bytes", counter, "bytes", "Bytes handed out."},
                   [](const S& s) { return s.flow.allocated_bytes; });
  writer.processes({"bursar_freed_bytes", counter, "bytes", "Bytes taken back."},
                   [](const S& s) { return s.flow.freed_bytes; });
  writer.processes({"bursar_live_blocks", gauge, "", "Blocks not taken back."},
                   [](const S& s) { return s.flow.live_blocks; });
  writer.processes({"bursar_live_bytes", gauge, "bytes", "Bytes not taken back."},
                   [](const S& s) { return s.flow.live_bytes; });
  writer.processes({"bursar_peak_live_bytes", gauge, "bytes", "Most bytes live at once."},
                   [](const S& s) { return s.peak_live_bytes; });
  writer.processes({"bursar_rss_bytes", gauge, "bytes", "Resident memory; 0 once the process has ended."},
                   [](const S& s) { return s.rss_bytes; });
  writer.processes({"bursar_peak_rss_bytes", gauge, "bytes", "Most resident memory."},
                   [](const S& s) { return s.peak_rss_bytes; });
  writer.processes({"bursar_threads", gauge, "", "Threads that allocated so far."},
                   [](const S& s) { return s.threads; });
  writer.processes({"bursar_refused_allocations", counter, "", "Allocations that a budget did not allow."},
                   [](const S& s) { return s.refused_allocations; });
}

void add_size_classes(Writer& writer) {
  using Row = SizeClassRow;
  writer.size_classes(
      {"bursar_class_allocations", counter, "", "Blocks handed out by size class; 0 stands for large ones."},
      [](const Row& row) { return row.flow.allocations; });
  writer.size_classes({"bursar_class_frees", counter, "", "Blocks taken back by size class."},
                      [](const Row& row) { return row.flow.frees; });
  writer.size_classes({"bursar_class_requested_bytes", counter, "bytes", "Bytes asked for by size class."},
                      [](const Row& row) { return row.requested_bytes; });
  writer.size_classes({"bursar_class_live_bytes", gauge, "bytes", "Bytes not taken back by size class."},
                      [](const Row& row) { return row.flow.live_bytes; });
}

void add_threads(Writer& writer) {
  using Row = ThreadRow;
  writer.threads({"bursar_thread_allocations", counter, "", "Blocks handed out by name of thread."},
                 [](const Row& row) { return row.flow.allocations; });
  writer.threads({"bursar_thread_frees", counter, "", "Blocks taken back by name of thread, whoever allocated them."},
                 [](const Row& row) { return row.flow.frees; });
  writer.threads({"bursar_thread_allocated_bytes", counter, "bytes", "Bytes handed out by name of thread."},
                 [](const Row& row) { return row.flow.allocated_bytes; });
  writer.threads({"bursar_thread_freed_bytes", counter, "bytes", "Bytes taken back by name of thread."},
                 [](const Row& row) { return row.flow.freed_bytes; });
  writer.threads({"bursar_thread_alive", gauge, "", "Threads that run by name."},
                 [](const Row& row) { return row.alive; });
}

void add_kinds(Writer& writer) {
  using Row = TaskKindRow;
  writer.kinds({"bursar_tasks_begun", counter, "", "Tasks begun by kind."},
               [](const Row& row) { return row.tasks_begun; });
  writer.kinds({"bursar_tasks_ended", counter, "", "Tasks ended by kind."},
               [](const Row& row) { return row.tasks_ended; });
  writer.kinds({"bursar_tasks_running", gauge, "", "Tasks that run by kind."},
               [](const Row& row) { return row.tasks_running; });
  writer.kinds({"bursar_task_allocations", counter, "", "Blocks handed out by kind of task."},
               [](const Row& row) { return row.flow.allocations; });
  writer.kinds({"bursar_task_frees", counter, "", "Blocks of a kind of task taken back, whoever freed them."},
               [](const Row& row) { return row.flow.frees; });
  writer.kinds({"bursar_task_allocated_bytes", counter, "bytes", "Bytes handed out by kind of task."},
               [](const Row& row) { return row.flow.allocated_bytes; });
  writer.kinds({"bursar_task_freed_bytes", counter, "bytes", "Bytes of a kind of task taken back."},
               [](const Row& row) { return row.flow.freed_bytes; });
  writer.kinds({"bursar_task_live_bytes", gauge, "bytes", "Bytes of a kind of task not taken back."},
               [](const Row& row) { return row.flow.live_bytes; });
  writer.retained({"bursar_task_retained_bytes", gauge, "bytes", "Bytes live of tasks that have ended."});
  writer.kinds(
      {"bursar_task_refused_allocations", counter, "", "Allocations that a budget did not allow, by kind of task."},
      [](const Row& row) { return row.refused_allocations; });
  writer.kinds({"bursar_allocations_per_task", FamilyType::histogram, "", "Blocks that ended tasks were handed out."},
               [](const Row& row) {
                 return histogram_of(row.allocations_per_task, allocations_powers[0], allocations_powers[1]);
               });
  writer.kinds(
      {"bursar_peak_per_task_bytes", FamilyType::histogram, "bytes", "Most bytes live at once of ended tasks."},
      [](const Row& row) { return histogram_of(row.peak_live_bytes_per_task, bytes_powers[0], bytes_powers[1]); });
}

void add_server(Exposition& exposition, const Watch& watch) {
  exposition.open({"bursar_build", FamilyType::info, "", "The version of bursar that serves this."});
  exposition.add({{"version", version}}, uint64_t{1});
  exposition.open({"bursar_ledgers", gauge, "", "Ledgers that were read."});
  exposition.add({}, uint64_t{watch.ledgers().size()});
  exposition.open(
      {"bursar_unreadable_ledgers", gauge, "", "Ledgers that are damaged, of another version or of another user."});
  exposition.add({}, uint64_t{watch.unreadable().size() + watch.of_others()});
  exposition.open({"bursar_left_out_ledgers", gauge, "", "Ledgers beyond those that are kept."});
  exposition.add({}, uint64_t{watch.left_out()});
}

}  // namespace

HistogramCounts histogram_of(const Quantiles& quantiles, uint32_t first_power, uint32_t last_power) {
  HistogramCounts histogram;
  histogram.sum = quantiles.total;
  for (uint32_t power = first_power; power <= last_power; ++power) {
    histogram.bounds.push_back((uint64_t{1} << power) - 1);
    histogram.counts.push_back(count_below(quantiles, power));
  }
  histogram.counts.push_back(count_below(quantiles, quantiles.below_powers.size()));
  return histogram;
}

std::string metrics_of(const Watch& watch, Dialect dialect, uint64_t unix_ms) {
  const std::vector<Subject> subjects = subjects_of(watch, unix_ms);
  Exposition exposition(dialect);
  Writer writer(exposition, subjects);
  add_server(exposition, watch);
  add_processes(writer);
  writer.runtime();
  add_size_classes(writer);
  add_threads(writer);
  add_kinds(writer);
  return std::move(exposition).close();
}

}  // namespace bursar::tool
