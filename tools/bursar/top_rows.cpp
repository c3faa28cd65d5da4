// Rows and columns out of snapshots.
#include "tools/bursar/top_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "tools/bursar/columns.h"

namespace bursar::tool {
namespace {

Cell name_cell(const std::string& name) { return {displayable(name), 0}; }
Cell count_cell(uint64_t count) { return {count_text(count), static_cast<double>(count)}; }
Cell size_cell(uint64_t bytes) { return {size_text(bytes), static_cast<double>(bytes)}; }
Cell time_cell(uint64_t ns) { return {time_text(ns), static_cast<double>(ns)}; }
Cell nothing_cell() { return {"-", rate_unknown}; }
Cell rate_cell(double rate) { return rate < 0 ? nothing_cell() : Cell{rate_text(rate), rate}; }

Cell size_rate_cell(double rate) {
  return rate < 0 ? nothing_cell() : Cell{size_text(static_cast<uint64_t>(rate)), rate};
}

/// Of tasks there may be none that has ended; then a 0 would be taken for a figure.
Cell cell_unless(bool there_is_none, const Cell& cell) { return there_is_none ? nothing_cell() : cell; }

/// The rates of a row: of one that was not there before, from zero.
class Rates {
 public:
  Rates(const FlowRow& now, const FlowRow* before, double seconds) : now_(now), seconds_(seconds) {
    if (before != nullptr) before_ = *before;
  }

  [[nodiscard]] double allocations() const { return rate_of(now_.allocations, before_.allocations, seconds_); }
  [[nodiscard]] double frees() const { return rate_of(now_.frees, before_.frees, seconds_); }
  [[nodiscard]] double bytes() const { return rate_of(now_.allocated_bytes, before_.allocated_bytes, seconds_); }

 private:
  const FlowRow& now_;
  FlowRow before_{};
  double seconds_;
};

/// The rows of the snapshot before, by what tells them apart.
template <typename Of, typename KeyOf>
auto by_key(const std::vector<Of>* rows, KeyOf key_of) {
  std::unordered_map<std::decay_t<decltype(key_of(std::declval<const Of&>()))>, const Of*> found;
  if (rows == nullptr) return found;
  for (const Of& row : *rows) found.emplace(key_of(row), &row);
  return found;
}

template <typename Map, typename Key>
auto find_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

struct TaskSums {
  uint64_t running = 0;
  uint64_t ended = 0;
};

TaskSums tasks_of(const Snapshot& snapshot) {
  TaskSums sums;
  for (const TaskKindRow& kind : snapshot.kinds) {
    sums.running += kind.tasks_running;
    sums.ended += kind.tasks_ended;
  }
  return sums;
}

uint64_t alive_threads(const Snapshot& snapshot) {
  uint64_t alive = 0;
  for (const ThreadRow& row : snapshot.thread_kinds) alive += row.alive;
  return alive;
}

double task_rate(const Subject& subject) {
  if (subject.before == nullptr) return rate_unknown;
  return rate_of(tasks_of(*subject.now).ended, tasks_of(*subject.before).ended, subject.seconds_between);
}

Rates rates_of(const Subject& subject) {
  return {subject.now->flow, subject.before == nullptr ? nullptr : &subject.before->flow, subject.seconds_between};
}

/// The fault without the path in front of it: the name of the file is enough.
Row row_of_fault(const Subject& subject) {
  const std::string path = subject.path.native();
  std::string fault = subject.fault;
  if (fault.rfind(path + ": ", 0) == 0) fault.erase(0, path.size() + 2);
  const std::string line = fmt::format("{}: {}", base_name(path), fault);
  return {.id = path, .name = line, .cells = {}, .fault = displayable(line), .is_over = false};
}

Row row_of_process(const Subject& subject) {
  const Snapshot& now = *subject.now;
  const Rates rates = rates_of(subject);
  const bool is_over = !now.is_alive || now.state != ledger::State::running;
  Row row{.id = subject.path.native(),
          .name = fmt::format("{} {}", now.process_id, base_name(now.program)),
          .cells = {},
          .fault = {},
          .is_over = is_over};
  row.cells = {{fmt::format("{}", now.process_id), static_cast<double>(now.process_id)},
               name_cell(base_name(now.program)),
               size_cell(now.flow.live_bytes),
               size_cell(now.peak_live_bytes),
               cell_unless(now.rss_bytes == 0, size_cell(now.rss_bytes)),
               rate_cell(rates.allocations()),
               rate_cell(rates.frees()),
               size_rate_cell(rates.bytes()),
               count_cell(alive_threads(now)),
               count_cell(tasks_of(now).running),
               rate_cell(task_rate(subject)),
               {state_name(now), 0}};
  return row;
}

Table table_of_kinds(const Subject& subject) {
  Table table;
  table.columns = {{"kind", 'N', Align::left, 15, 99},        {"tasks/s", 'T', Align::right, 7, 90},
                   {"tasks", 'S', Align::right, 9, 60},       {"running", 'U', Align::right, 7, 50},
                   {"allocs/task", 'A', Align::right, 8, 95}, {"p99", '9', Align::right, 8, 85},
                   {"peak/task", 'K', Align::right, 9, 80},   {"highest", 'H', Align::right, 9, 75},
                   {"bytes/task", 'Y', Align::right, 10, 65}, {"live", 'L', Align::right, 9, 92},
                   {"retained", 'R', Align::right, 9, 70},    {"bytes/s", 'B', Align::right, 9, 40},
                   {"refused", 'F', Align::right, 7, 10}};
  const auto before =
      by_key(subject.before == nullptr ? nullptr : &subject.before->kinds, [](const auto& row) { return row.name; });
  for (const TaskKindRow& kind : subject.now->kinds) {
    const TaskKindRow* old = find_in(before, kind.name);
    const Rates rates(kind.flow, old == nullptr ? nullptr : &old->flow, subject.seconds_between);
    const bool none_ended = kind.tasks_ended == 0;
    Row row{.id = kind.name, .name = kind.name, .cells = {}, .fault = {}, .is_over = false};
    row.cells = {name_cell(kind.name),
                 rate_cell(rate_of(kind.tasks_ended, old == nullptr ? 0 : old->tasks_ended, subject.seconds_between)),
                 count_cell(kind.tasks_ended),
                 count_cell(kind.tasks_running),
                 cell_unless(none_ended, count_cell(kind.allocations_per_task.median)),
                 cell_unless(none_ended, count_cell(kind.allocations_per_task.p99)),
                 cell_unless(none_ended, size_cell(kind.peak_live_bytes_per_task.median)),
                 cell_unless(none_ended, size_cell(kind.peak_live_bytes_per_task.highest)),
                 cell_unless(none_ended, size_cell(kind.allocated_bytes_per_task.median)),
                 size_cell(kind.flow.live_bytes),
                 cell_unless(none_ended, size_cell(kind.retained_bytes)),
                 size_rate_cell(rates.bytes()),
                 count_cell(kind.refused_allocations)};
    table.rows.push_back(std::move(row));
  }
  return table;
}

Cell block_cell(uint64_t block_bytes) {
  if (block_bytes == 0) return {"large", 1e30};
  return {count_text(block_bytes) + " B", static_cast<double>(block_bytes)};
}

Cell waste_cell(const SizeClassRow& row) {
  if (row.flow.allocated_bytes == 0 || row.requested_bytes > row.flow.allocated_bytes) return nothing_cell();
  const double share = 1 - static_cast<double>(row.requested_bytes) / static_cast<double>(row.flow.allocated_bytes);
  return {fmt::format("{:.1f} %", 100 * share), share};
}

Table table_of_size_classes(const Subject& subject) {
  Table table;
  table.columns = {{"block", 'K', Align::right, 8, 99},        {"alloc/s", 'A', Align::right, 9, 80},
                   {"free/s", 'F', Align::right, 9, 50},       {"bytes/s", 'B', Align::right, 9, 60},
                   {"allocations", 'N', Align::right, 11, 70}, {"handed out", 'D', Align::right, 10, 40},
                   {"live blocks", 'S', Align::right, 11, 75}, {"live", 'L', Align::right, 9, 90},
                   {"waste", 'W', Align::right, 6, 30}};
  const auto before = by_key(subject.before == nullptr ? nullptr : &subject.before->size_classes,
                             [](const auto& row) { return row.block_bytes; });
  for (const SizeClassRow& each : subject.now->size_classes) {
    const SizeClassRow* old = find_in(before, each.block_bytes);
    const Rates rates(each.flow, old == nullptr ? nullptr : &old->flow, subject.seconds_between);
    Row row{.id = fmt::format("{}", each.block_bytes), .name = {}, .cells = {}, .fault = {}, .is_over = false};
    row.cells = {
        block_cell(each.block_bytes),      rate_cell(rates.allocations()),    rate_cell(rates.frees()),
        size_rate_cell(rates.bytes()),     count_cell(each.flow.allocations), size_cell(each.flow.allocated_bytes),
        count_cell(each.flow.live_blocks), size_cell(each.flow.live_bytes),   waste_cell(each)};
    row.name = row.cells.front().text;
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table table_of_threads(const Subject& subject) {
  Table table;
  table.columns = {{"name", 'N', Align::left, 12, 99},         {"threads", 'T', Align::right, 7, 60},
                   {"alive", 'V', Align::right, 6, 70},        {"alloc/s", 'A', Align::right, 9, 90},
                   {"free/s", 'F', Align::right, 9, 50},       {"bytes/s", 'B', Align::right, 9, 80},
                   {"allocations", 'S', Align::right, 11, 75}, {"handed out", 'D', Align::right, 10, 65},
                   {"frees", 'R', Align::right, 11, 40},       {"freed", 'E', Align::right, 9, 30}};
  const auto before = by_key(subject.before == nullptr ? nullptr : &subject.before->thread_kinds,
                             [](const auto& row) { return row.name; });
  for (const ThreadRow& thread : subject.now->thread_kinds) {
    const ThreadRow* old = find_in(before, thread.name);
    const Rates rates(thread.flow, old == nullptr ? nullptr : &old->flow, subject.seconds_between);
    Row row{.id = thread.name, .name = thread.name, .cells = {}, .fault = {}, .is_over = thread.alive == 0};
    row.cells = {name_cell(thread.name),
                 count_cell(thread.threads),
                 count_cell(thread.alive),
                 rate_cell(rates.allocations()),
                 rate_cell(rates.frees()),
                 size_rate_cell(rates.bytes()),
                 count_cell(thread.flow.allocations),
                 size_cell(thread.flow.allocated_bytes),
                 count_cell(thread.flow.frees),
                 size_cell(thread.flow.freed_bytes)};
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// An ended task that nobody gave a label is known by its moment, as in a report.
Cell label_cell(const TaskRow& task, bool are_running) {
  if (!task.label.empty() || are_running) return name_cell(task.label);
  return name_cell(fmt::format("begun after {}", time_text(task.begun_ns)));
}

/// Running tasks have an age and a live heap, ended ones a wall time and what was live at their end.
Table table_of_tasks(const std::vector<TaskRow>& tasks, Pane pane) {
  const bool are_running = pane == Pane::running;
  Table table;
  table.columns = {{"kind", 'N', Align::left, 15, 99},
                   {"label", 'B', Align::left, are_running ? size_t{8} : columns_of("begun after 12.3 s"), 70},
                   {"thread", 'T', Align::right, 7, 30},
                   {are_running ? "age" : "wall", are_running ? 'G' : 'W', Align::right, 8, 60},
                   {"allocations", 'S', Align::right, 11, 85},
                   {"handed out", 'D', Align::right, 10, 50},
                   {"peak", 'K', Align::right, 9, 90},
                   {are_running ? "live" : "at end", are_running ? 'L' : 'A', Align::right, 9, 80},
                   {are_running ? "budget" : "state", 'U', are_running ? Align::right : Align::left, 7, 20}};
  if (!are_running) table.columns.back().key = 'E';
  for (const TaskRow& task : tasks) {
    Row row{.id = fmt::format("{} {} {} {}", task.thread_id, task.begun_ns, task.kind, task.label),
            .name = fmt::format("{} {}", task.kind, task.label),
            .cells = {},
            .fault = {},
            .is_over = !task.is_running && are_running};
    const Cell last = are_running ? cell_unless(task.budget_bytes == 0, size_cell(task.budget_bytes))
                                  : Cell{task.is_running ? "running" : "ended", 0};
    row.cells = {name_cell(task.kind),
                 label_cell(task, are_running),
                 {fmt::format("{}", task.thread_id), static_cast<double>(task.thread_id)},
                 time_cell(task.wall_ns),
                 count_cell(task.allocations),
                 size_cell(task.allocated_bytes),
                 size_cell(task.peak_live_bytes),
                 size_cell(task.live_bytes),
                 last};
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// What part of the look-ups and requests was a hit; nothing for other figures.
Cell hit_rate_cell(const ledger::RuntimeTotals& totals, ledger::RuntimeFigure figure) {
  using Figure = ledger::RuntimeFigure;
  const bool is_pool = figure == Figure::pool_hits;
  if (!is_pool && figure != Figure::cache_hits) return nothing_cell();
  const auto hits = static_cast<double>(totals.of(figure));
  const double all = hits + static_cast<double>(totals.of(is_pool ? Figure::pool_misses : Figure::cache_misses));
  return all == 0 ? nothing_cell() : Cell{fmt::format("{:.1f} %", 100 * hits / all), hits / all};
}

/// The figures that are not 0.
Table table_of_runtime(const Subject& subject) {
  Table table;
  table.columns = {{"figure", 'F', Align::left, 17, 99},
                   {"per second", 'S', Align::right, 10, 70},
                   {"so far", 'O', Align::right, 11, 90},
                   {"hit rate", 'H', Align::right, 8, 80}};
  const ledger::RuntimeTotals& now = subject.now->runtime;
  for (size_t i = 0; i < ledger::runtime_figure_count; ++i) {
    if (now.at(i) == 0) continue;
    const ledger::RuntimeFigureName& figure = ledger::runtime_figure_names[i];
    const bool is_bytes = figure.unit != nullptr;
    const uint64_t before = subject.before == nullptr ? 0 : subject.before->runtime.at(i);
    const double rate = rate_of(now.at(i), before, subject.seconds_between);
    table.rows.push_back({.id = figure.name,
                          .name = figure.label,
                          .cells = {name_cell(figure.label), is_bytes ? size_rate_cell(rate) : rate_cell(rate),
                                    is_bytes ? size_cell(now.at(i)) : count_cell(now.at(i)),
                                    hit_rate_cell(now, static_cast<ledger::RuntimeFigure>(i))},
                          .fault = {},
                          .is_over = false});
  }
  return table;
}

/// Those with the highest peaks, and those with the most allocations that are not among them.
std::vector<TaskRow> worst_of(const Snapshot& snapshot) {
  std::vector<TaskRow> tasks = snapshot.worst_by_peak;
  for (const TaskRow& task : snapshot.worst_by_allocations) {
    const bool is_there = std::any_of(tasks.begin(), tasks.end(), [&](const TaskRow& other) {
      return other.begun_ns == task.begun_ns && other.thread_id == task.thread_id && other.kind == task.kind;
    });
    if (!is_there) tasks.push_back(task);
  }
  return tasks;
}

}  // namespace

Table table_of_processes(const std::vector<Subject>& subjects) {
  Table table;
  table.columns = {{"pid", 'P', Align::right, 7, 99},     {"name", 'N', Align::left, 12, 98},
                   {"live", 'L', Align::right, 8, 95},    {"peak", 'K', Align::right, 8, 70},
                   {"rss", 'R', Align::right, 8, 90},     {"alloc/s", 'A', Align::right, 8, 85},
                   {"free/s", 'F', Align::right, 8, 40},  {"bytes/s", 'B', Align::right, 8, 60},
                   {"threads", 'H', Align::right, 7, 50}, {"running", 'U', Align::right, 7, 45},
                   {"tasks/s", 'T', Align::right, 8, 80}, {"state", 'S', Align::left, 7, 30}};
  for (const Subject& subject : subjects) {
    table.rows.push_back(subject.now == nullptr ? row_of_fault(subject) : row_of_process(subject));
  }
  return table;
}

Table table_of(Pane pane, const Subject& subject) {
  switch (pane) {
    case Pane::kinds: return table_of_kinds(subject);
    case Pane::size_classes: return table_of_size_classes(subject);
    case Pane::threads: return table_of_threads(subject);
    case Pane::running: return table_of_tasks(subject.now->running, pane);
    case Pane::worst: return table_of_tasks(worst_of(*subject.now), pane);
    case Pane::runtime: break;
  }
  return table_of_runtime(subject);
}

Order first_order_of_processes() { return {2, false}; }

Order first_order_of(Pane pane) {
  switch (pane) {
    case Pane::kinds: return {9, false};
    case Pane::size_classes: return {7, false};
    case Pane::threads: return {6, false};
    case Pane::running: return {7, false};
    case Pane::worst: return {6, false};
    case Pane::runtime: break;
  }
  return {2, false};
}

std::array<std::string, 3> headings_of(const Subject& subject) {
  const Snapshot& now = *subject.now;
  const Rates rates = rates_of(subject);
  const auto source = static_cast<size_t>(now.task_source);
  std::string first =
      fmt::format("{} (process {})  {}", displayable(base_name(now.program)), now.process_id, state_name(now));
  if (now.wall_ns != 0) first += fmt::format("  {} {}", now.is_alive ? "up" : "ran", time_text(now.wall_ns));
  if (source < ledger::task_source_count) first += fmt::format("  tasks={}", ledger::task_source_names[source]);
  if (now.budget_bytes != 0) first += fmt::format("  budget {} a task", size_text(now.budget_bytes));
  if (now.refused_allocations != 0) first += fmt::format("  refused {}", count_text(now.refused_allocations));
  std::string second =
      fmt::format("live {} in {} block{}  peak {}", size_text(now.flow.live_bytes), count_text(now.flow.live_blocks),
                  now.flow.live_blocks == 1 ? "" : "s", size_text(now.peak_live_bytes));
  if (now.peak_live_ns != 0) second += fmt::format(" after {}", time_text(now.peak_live_ns));
  if (now.rss_bytes != 0) second += fmt::format("  rss {}", size_text(now.rss_bytes));
  if (now.peak_rss_bytes != 0) second += fmt::format("  peak rss {}", size_text(now.peak_rss_bytes));
  const std::string third = fmt::format(
      "{} alloc/s  {} free/s  {}/s  {} tasks/s  threads {} of {}  allocations {}", rate_cell(rates.allocations()).text,
      rate_cell(rates.frees()).text, size_rate_cell(rates.bytes()).text, rate_cell(task_rate(subject)).text,
      count_text(alive_threads(now)), count_text(now.threads), count_text(now.flow.allocations));
  return {first, second, third};
}

std::string heading_of_processes(const std::vector<Subject>& subjects, uint64_t of_others) {
  uint64_t alive = 0;
  uint64_t live_bytes = 0;
  uint64_t rss_bytes = 0;
  for (const Subject& subject : subjects) {
    if (subject.now == nullptr || !subject.now->is_alive) continue;
    ++alive;
    live_bytes += subject.now->flow.live_bytes;
    rss_bytes += subject.now->rss_bytes;
  }
  std::string heading = fmt::format("bursar top  {} process{}  live {}  rss {}", alive, alive == 1 ? "" : "es",
                                    size_text(live_bytes), size_text(rss_bytes));
  if (of_others != 0) {
    heading +=
        fmt::format("  ({} that belong{} to others cannot be read)", count_text(of_others), of_others == 1 ? "s" : "");
  }
  return heading;
}

}  // namespace bursar::tool
