// Threads and tasks in the JSON report.
#include "interpose/account/render_json.h"
#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_thread_totals.h"

namespace bursar::ledger {
namespace {

void add_name(Members& members, const char* key, Name name) noexcept { add_string(members.key(key), name.c_str()); }

/// null where there is none: for what no task did.
void add_kind_name(Members& members, const char* key, const View& view, size_t kind) noexcept {
  const bool is_known = is_of_tasks(view, kind) && kind < view.kind_count;
  if (is_known) return add_name(members, key, name_of_kind(view, kind));
  members.key(key).add("null");
}

void add_threads(Output& output, const View& view, bool has_ended) noexcept {
  Elements rows(output);
  ThreadReader reader(view);
  ThreadTotals thread{};
  while (reader.next(thread)) {
    Members members(rows.next());
    add_name(members, "name", thread.name);
    members.number("threads", thread.threads);
    members.number("alive", has_ended ? 0 : thread.alive);
    members.flow(thread.flow);
    members.end();
  }
  rows.end();
}

void add_distribution(Members& members, const char* key, const Distribution& distribution) noexcept {
  Members values(members.key(key));
  values.number("median", quantile_of(distribution, 500));
  values.number("p90", quantile_of(distribution, 900));
  values.number("p99", quantile_of(distribution, 990));
  values.number("highest", read(distribution.highest));
  values.number("total", read(distribution.total));
  values.end();
}

void add_kind(Output& output, const View& view, KindReader& reader, size_t kind) noexcept {
  const KindTotals totals = reader.totals_of(kind);
  const TaskKind& from = view.kinds[kind];
  Members members(output);
  add_kind_name(members, "kind", view, kind);
  members.number("tasks_begun", totals.tasks_begun);
  members.number("tasks_ended", totals.tasks_ended);
  members.number("tasks_running", totals.tasks_running);
  members.number("tasks_without_record", totals.tasks_without_record);
  members.number("refused_allocations", totals.refused_allocations);
  members.flow(totals.flow);
  members.number("live_blocks", totals.live_blocks);
  members.number("live_bytes", totals.live_bytes);
  members.number_or_null("retained_bytes", totals.retained_bytes, is_of_tasks(view, kind));
  add_distribution(members, "allocations_per_task", from.allocations_per_task);
  add_distribution(members, "allocated_bytes_per_task", from.allocated_bytes_per_task);
  add_distribution(members, "peak_live_bytes_per_task", from.peak_live_bytes_per_task);
  add_distribution(members, "wall_ns_per_task", from.wall_ns_per_task);
  add_distribution(members, "retained_bytes_per_task", from.retained_bytes_per_task);
  members.end();
}

void add_kinds(Output& output, const View& view) noexcept {
  Elements rows(output);
  KindReader reader(view);
  for (size_t kind = 0; kind < view.kind_count; ++kind) {
    if (is_kind(view, kind)) add_kind(rows.next(), view, reader, kind);
  }
  rows.end();
}

void add_task(Output& output, const View& view, const TaskTotals& task) noexcept {
  Members members(output);
  add_kind_name(members, "kind", view, task.kind);
  add_name(members, "label", task.label);
  members.number("thread_id", task.thread_id);
  members.number("begun_ns", task.begun_ns);
  members.number_or_null("wall_ns", task.wall_ns, !task.is_running);
  members.number("allocations", task.allocations);
  members.number("allocated_bytes", task.allocated_bytes);
  members.number("peak_live_bytes", task.peak_live_bytes);
  members.number("live_bytes", task.live_bytes);
  members.number_or_null("budget_bytes", task.budget_bytes, task.budget_bytes != 0);
  members.end();
}

void add_running(Output& output, const View& view) noexcept {
  Elements rows(output);
  TaskTotals task{};
  for (size_t record = 1; record < view.task_count; ++record) {
    if (find_running(view, record, task)) add_task(rows.next(), view, task);
  }
  rows.end();
}

void add_worst(Output& output, const View& view, WorstBy by) noexcept {
  Elements rows(output);
  TaskTotals task{};
  for (size_t i = 0; find_worst(view, by, i, task); ++i) add_task(rows.next(), view, task);
  rows.end();
}

}  // namespace

void render_json_threads(Members& members, const View& view, bool has_ended) noexcept {
  add_threads(members.key("thread_kinds"), view, has_ended);
}

void render_json_tasks_alone(const View& view, Output& output) noexcept {
  Members members(output, Members::Lines::many);
  render_json_tasks(members, view);
  members.end();
}

void render_json_tasks(Members& members, const View& view) noexcept {
  add_kinds(members.key("task_kinds"), view);
  add_running(members.key("running_tasks"), view);
  add_worst(members.key("worst_by_peak"), view, WorstBy::peak);
  add_worst(members.key("worst_by_allocations"), view, WorstBy::allocations);
}

}  // namespace bursar::ledger
