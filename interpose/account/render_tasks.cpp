// The tables of tasks in the report that a person reads.
#include <algorithm>
#include <cstring>

#include "interpose/account/render_text.h"

namespace bursar::ledger {
namespace {

constexpr size_t kind_rows_max = 15;
constexpr size_t task_rows_max = 5;

/// Seven columns: a name, and where six numbers end.
constexpr size_t name_width = 28;
constexpr size_t ends[] = {41, 52, 63, 75, 87, 99};
static_assert(ends[5] < line_width);

/// Columns of single tasks: label, kind, and where three numbers end.
constexpr size_t label_width = 34;
constexpr size_t kind_start = 38;
constexpr size_t kind_width = 24;
constexpr size_t task_ends[] = {75, 87, 99};

using KindRows = Highest<kind_rows_max>;
using TaskRows = Highest<task_rows_max>;

/// A running task is told from one among the worst by this.
constexpr uint32_t running_bit = 1U << 31;

bool has_ended_tasks(const View& view, size_t kind) noexcept {
  return count_of(view.kinds[kind].wall_ns_per_task) != 0;
}

/// The number, or a dash where there is no task that has it.
Cell of_tasks(bool known, Cell number) noexcept { return known ? number : cell_of("-"); }

Cell count_at(const Distribution& distribution, uint32_t per_mille) noexcept {
  return grouped(quantile_of(distribution, per_mille));
}

Cell bytes_at(const Distribution& distribution, uint32_t per_mille) noexcept {
  return bytes_text(quantile_of(distribution, per_mille));
}

Cell time_at(const Distribution& distribution, uint32_t per_mille) noexcept {
  return duration_text(quantile_of(distribution, per_mille));
}

void add_head(Output& output, const char* name, const char* const (&heads)[6]) noexcept {
  output.add("  ").add(name);
  for (size_t i = 0; i < 6; ++i) add_right(output, ends[i], cell_of(heads[i]));
  output.add('\n');
}

void add_counts_row(Output& output, const View& view, KindReader& reader, size_t kind) noexcept {
  const KindTotals totals = reader.totals_of(kind);
  const Distribution& allocations = view.kinds[kind].allocations_per_task;
  const bool known = has_ended_tasks(view, kind);
  add_cut(output.add("  "), shown_kind(view, kind), name_width);
  add_right(output, ends[0], kind == kind_outside ? cell_of("-") : grouped(totals.tasks_begun));
  add_right(output, ends[1], of_tasks(known, count_at(allocations, 500)));
  add_right(output, ends[2], of_tasks(known, count_at(allocations, 900)));
  add_right(output, ends[3], of_tasks(known, count_at(allocations, 990)));
  add_right(output, ends[4], of_tasks(known, grouped(read(allocations.highest))));
  add_right(output, ends[5], bytes_text(totals.flow.allocated_bytes));
  output.add('\n');
}

void add_memory_row(Output& output, const View& view, KindReader& reader, size_t kind) noexcept {
  const KindTotals totals = reader.totals_of(kind);
  const Distribution& peak = view.kinds[kind].peak_live_bytes_per_task;
  const Distribution& wall = view.kinds[kind].wall_ns_per_task;
  const bool known = has_ended_tasks(view, kind);
  add_cut(output.add("  "), shown_kind(view, kind), name_width);
  add_right(output, ends[0], of_tasks(known, bytes_at(peak, 500)));
  add_right(output, ends[1], of_tasks(known, bytes_at(peak, 990)));
  add_right(output, ends[2], of_tasks(known, bytes_text(read(peak.highest))));
  add_right(output, ends[3], of_tasks(known, time_at(wall, 500)));
  add_right(output, ends[4], of_tasks(known, time_at(wall, 990)));
  add_right(output, ends[5], of_tasks(is_of_tasks(view, kind), bytes_text(totals.retained_bytes)));
  output.add('\n');
}

void add_bytes_row(Output& output, const View& view, KindReader&, size_t kind) noexcept {
  const Distribution& bytes = view.kinds[kind].allocated_bytes_per_task;
  const Distribution& retained = view.kinds[kind].retained_bytes_per_task;
  if (!has_ended_tasks(view, kind)) return;
  add_cut(output.add("  "), shown_kind(view, kind), name_width);
  add_right(output, ends[0], bytes_at(bytes, 500));
  add_right(output, ends[1], bytes_at(bytes, 990));
  add_right(output, ends[2], bytes_text(read(bytes.highest)));
  add_right(output, ends[3], bytes_at(retained, 500));
  add_right(output, ends[4], bytes_at(retained, 990));
  add_right(output, ends[5], bytes_text(read(retained.highest)));
  output.add('\n');
}

bool any_has_ended(const View& view, const KindRows& rows) noexcept {
  for (size_t i = 0; i < rows.count(); ++i) {
    if (has_ended_tasks(view, rows.id(i))) return true;
  }
  return false;
}

/// Most bytes first; what no task did comes last.
template <typename AddRow>
void add_kind_rows(Output& output, const View& view, const KindRows& rows, size_t kinds, AddRow add_row) noexcept {
  KindReader reader(view);
  for (size_t i = 0; i < rows.count(); ++i) add_row(output, view, reader, rows.id(i));
  if (kinds > rows.count()) output.add("  and ").add(uint64_t{kinds - rows.count()}).add(" more kinds\n");
  const KindTotals outside = reader.totals_of(kind_outside);
  if ((outside.flow.allocated_bytes | outside.live_bytes) != 0) add_row(output, view, reader, kind_outside);
}

void add_kinds(Output& output, const View& view, const KindRows& rows, size_t kinds) noexcept {
  output.add('\n').pad_to(ends[0] + 3).add("allocations per task\n");
  add_head(output, "task kind", {"tasks", "median", "p90", "p99", "highest", "handed out"});
  add_kind_rows(output, view, rows, kinds, add_counts_row);
  output.add('\n').pad_to(ends[0] - 6).add("peak live per task").pad_to(ends[3] - 6).add("wall time per task\n");
  add_head(output, "task kind", {"median", "p99", "highest", "median", "p99", "retained"});
  add_kind_rows(output, view, rows, kinds, add_memory_row);
  if (!any_has_ended(view, rows)) return;
  output.add('\n').pad_to(ends[0] - 6).add("handed out per task").pad_to(ends[3] - 6).add("retained per task\n");
  add_head(output, "task kind", {"median", "p99", "highest", "median", "p99", "highest"});
  add_kind_rows(output, view, rows, kinds, add_bytes_row);
}

bool find_task(const View& view, WorstBy by, uint32_t id, TaskTotals& task) noexcept {
  if ((id & running_bit) != 0) return find_running(view, id & ~running_bit, task);
  return find_worst(view, by, id, task);
}

enum class Measure : unsigned char { peak, allocations, live };

uint64_t value_of(const TaskTotals& task, Measure measure) noexcept {
  switch (measure) {
    case Measure::peak: return task.peak_live_bytes;
    case Measure::allocations: return task.allocations;
    case Measure::live: break;
  }
  return task.live_bytes;
}

/// How many run. Records first, by what they know alone; then those in which a thread is, with its part: so it takes records plus
/// slots squared, not records times slots.
size_t add_running(TaskRows& rows, const View& view, Measure measure) noexcept {
  size_t running = 0;
  TaskTotals task{};
  View records_alone = view;
  records_alone.slot_count = 0;
  for (size_t record = 1; record < view.task_count; ++record) {
    if (!find_running(records_alone, record, task)) continue;
    ++running;
    rows.add(value_of(task, measure), running_bit | static_cast<uint32_t>(record));
  }
  for (size_t i = 1; i < view.slot_count; ++i) {
    const uint32_t record = record_of(view.slots[i].tag.load(std::memory_order_relaxed));
    if (record == 0 || record >= view.task_count || !find_running(view, record, task)) continue;
    rows.add(value_of(task, measure), running_bit | record);
  }
  return running;
}

TaskRows worst_of(const View& view, WorstBy by) noexcept {
  TaskRows rows;
  const Measure measure = by == WorstBy::peak ? Measure::peak : Measure::allocations;
  TaskTotals task{};
  for (uint32_t i = 0; find_worst(view, by, i, task); ++i) rows.add(value_of(task, measure), i);
  (void)add_running(rows, view, measure);
  return rows;
}

/// What is known of it best: its label, or where it stands in time.
void add_task_name(Output& output, const TaskTotals& task) noexcept {
  Cell begun = duration_text(task.begun_ns);
  Name name = task.label;
  if (name.length() == 0) name.add("begun after ").add(begun.c_str());
  add_cut(output, name, label_width);
}

void add_task_head(Output& output, const char* name, const char* const (&heads)[3]) noexcept {
  output.add("\n  ").add(name).pad_to(kind_start).add("kind");
  for (size_t i = 0; i < 3; ++i) add_right(output, task_ends[i], cell_of(heads[i]));
  output.add('\n');
}

void add_task_row(Output& output, const View& view, const TaskTotals& task, uint64_t bytes, Cell last) noexcept {
  add_task_name(output.add("  "), task);
  add_cut(output.add(' ').pad_to(kind_start), shown_kind(view, task.kind), kind_width);
  add_right(output, task_ends[0], bytes_text(bytes));
  add_right(output, task_ends[1], grouped(task.allocations));
  add_right(output, task_ends[2], last);
  output.add('\n');
}

void add_worst(Output& output, const View& view, WorstBy by, const char* name) noexcept {
  const TaskRows rows = worst_of(view, by);
  if (rows.count() == 0) return;
  add_task_head(output, name, {"peak live", "allocations", "wall time"});
  TaskTotals task{};
  for (size_t i = 0; i < rows.count(); ++i) {
    if (!find_task(view, by, rows.id(i), task)) continue;  // it has ended meanwhile
    add_task_row(output, view, task, task.peak_live_bytes,
                 task.is_running ? cell_of("not ended") : duration_text(task.wall_ns));
  }
}

const char* name_of_running(Ending ending, Life life) noexcept {
  if (ending == Ending::killed || life == Life::gone) return "ended in the middle of";
  return ending == Ending::exited || ending == Ending::at_exit ? "tasks that did not end" : "running tasks";
}

void add_running_table(Output& output, const View& view, Ending ending, Life life) noexcept {
  TaskRows rows;
  const size_t running = add_running(rows, view, Measure::live);
  if (running == 0) return;
  add_task_head(output, name_of_running(ending, life), {"live", "allocations", "peak live"});
  TaskTotals task{};
  for (size_t i = 0; i < rows.count(); ++i) {
    if (!find_task(view, WorstBy::peak, rows.id(i), task)) continue;
    add_task_row(output, view, task, task.live_bytes, bytes_text(task.peak_live_bytes));
  }
  if (running > rows.count()) output.add("  and ").add(uint64_t{running - rows.count()}).add(" more\n");
}

/// In a sentence, a kind like "server: turn" has quotes, or it would be read as two things.
bool is_quoted(const Name& kind) noexcept {
  for (size_t i = 0; i + 1 < kind.length(); ++i) {
    if (kind.data()[i] == ':' && kind.data()[i + 1] == ' ') return true;
  }
  return false;
}

/// Where in a sentence there is room for so many columns of a kind.
struct KindInText {
  Name name;
  size_t width;

  [[nodiscard]] size_t columns() const noexcept { return cut_width(name, width) + (is_quoted(name) ? 2 : 0); }

  void add_to(Output& output) const noexcept {
    const char* quote = is_quoted(name) ? "\"" : "";
    add_cut(output.add(quote), name, width);
    output.add(quote);
  }
};

/// Whether the label says what kind it is of: up to the first `*`, it begins like it.
bool says_kind(const Name& label, const Name& kind) noexcept {
  size_t same = 0;
  while (same < kind.length() && kind.data()[same] != '*') ++same;
  return same != 0 && same <= label.length() && memcmp(label.data(), kind.data(), same) == 0;
}

/// Which task: "GET /search?q=x", "ld (process 28288)", or "the upload begun after 1.52 s".
class TaskInText {
 public:
  TaskInText(const Name& kind, const TaskTotals& task) noexcept
      : kind_{kind, kind_width}, label_(task.label), begun_(duration_text(task.begun_ns)) {}

  [[nodiscard]] size_t columns() const noexcept {
    if (label_.length() == 0) return sizeof("the  begun after ") - 1 + kind_.columns() + begun_.length();
    if (says_kind(label_, kind_.name)) return cut_width(label_, task_label_bytes);
    return kind_.columns() + sizeof(" ()") - 1 + cut_width(label_, label_width);
  }

  void add_to(Output& output) noexcept {
    if (label_.length() == 0) {
      kind_.add_to(output.add("the "));
      output.add(" begun after ").add(begun_.c_str());
    } else if (says_kind(label_, kind_.name)) {
      add_cut(output, label_, task_label_bytes);
    } else {
      kind_.add_to(output);
      add_cut(output.add(" ("), label_, label_width);
      output.add(')');
    }
  }

 private:
  KindInText kind_;
  Name label_;
  Cell begun_;
};

/// "; the highest peak was 48.0 MiB, in GET /search?q=x", on a line of its own where it does not fit.
void add_highest_peak(Output& output, const View& view) noexcept {
  const TaskRows rows = worst_of(view, WorstBy::peak);
  TaskTotals task{};
  if (rows.count() == 0 || !find_task(view, WorstBy::peak, rows.id(0), task)) return;
  TaskInText place(shown_kind(view, task.kind), task);
  Cell peak = bytes_text(task.peak_live_bytes);
  const size_t fixed = sizeof("; the highest peak was , in ") - 1;
  output.add(output.column() + fixed + peak.length() + place.columns() <= line_width ? "; " : ";\n  ");
  place.add_to(output.add("the highest peak was ").add(peak.c_str()).add(", in "));
}

/// What most people came for: of the kind with most bytes.
void add_sentence(Output& output, const View& view, const KindRows& rows) noexcept {
  for (size_t i = 0; i < rows.count(); ++i) {
    const uint32_t kind = rows.id(i);
    if (!has_ended_tasks(view, kind)) continue;
    const Distribution& allocations = view.kinds[kind].allocations_per_task;
    KindInText{shown_kind(view, kind), task_label_bytes}.add_to(output.add("\n  allocations per "));
    output.add(": median ").add(count_at(allocations, 500).c_str());
    output.add(", p99 ").add(count_at(allocations, 990).c_str());
    add_highest_peak(output, view);
    output.add('\n');
    return;
  }
}

}  // namespace

void render_tasks(const View& view, Ending ending, Life life, Output& output) noexcept {
  if (!has_tasks(view)) return;
  KindRows rows;
  size_t kinds = 0;
  for (size_t kind = 1; kind < view.kind_count; ++kind) {
    if (!is_kind(view, kind)) continue;
    ++kinds;
    rows.add(allocated_bytes_of_kind(view, kind), static_cast<uint32_t>(kind));
  }
  add_sentence(output, view, rows);
  add_kinds(output, view, rows, kinds);
  add_worst(output, view, WorstBy::peak, "highest peaks");
  add_worst(output, view, WorstBy::allocations, "most allocations");
  add_running_table(output, view, ending, life);
}

}  // namespace bursar::ledger
