// Adding up of kinds, worst and running tasks.
#include "tools/bursar/task_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "interpose/account/render_totals.h"

namespace bursar::tool {
namespace {

using ledger::Counter;
using ledger::Distribution;
using ledger::TaskKind;
using ledger::View;
using ledger::WorstTask;

void add(Counter& sum, uint64_t value) {
  sum.store(sum.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

void add(std::atomic<uint32_t>& sum, uint32_t value) {
  const uint64_t wide = uint64_t{sum.load(std::memory_order_relaxed)} + value;
  sum.store(static_cast<uint32_t>(std::min<uint64_t>(wide, UINT32_MAX)), std::memory_order_relaxed);
}

void raise(Counter& highest, uint64_t value) {
  if (highest.load(std::memory_order_relaxed) < value) highest.store(value, std::memory_order_relaxed);
}

void add(Distribution& sum, const Distribution& part) {
  add(sum.total, ledger::read(part.total));
  raise(sum.highest, ledger::read(part.highest));
  for (size_t i = 0; i < Distribution::bucket_count; ++i)
    add(sum.buckets[i], part.buckets[i].load(std::memory_order_relaxed));
}

void add_value(Distribution& sum, uint64_t value) {
  add(sum.total, value);
  raise(sum.highest, value);
  add(sum.buckets[Distribution::bucket_of(value)], 1);
}

constexpr Distribution TaskKind::*distributions[] = {
    &TaskKind::allocations_per_task, &TaskKind::allocated_bytes_per_task, &TaskKind::peak_live_bytes_per_task,
    &TaskKind::wall_ns_per_task, &TaskKind::retained_bytes_per_task};

/// What was freed, but not allocated by the process: it was inherited, and stands in the ledger of the one that allocated it. The tree has
/// it as inherited, so that nothing is taken off what other processes keep. That of running tasks is known to be their own.
void add_inherited(TaskKind& sum, const ledger::KindTotals& totals) {
  const ledger::FlowTotals& flow = totals.flow;
  const uint64_t of_running = ledger::difference(totals.live_bytes, totals.retained_bytes);
  const uint64_t own = std::max(ledger::difference(flow.allocated_bytes, flow.freed_bytes), of_running);
  add(sum.inherited_blocks, ledger::difference(flow.frees, flow.allocations));
  add(sum.inherited_bytes, ledger::difference(own + flow.freed_bytes, flow.allocated_bytes));
}

/// With what slots say of the kind, which the tree does not have.
void add(TaskKind& sum, const TaskKind& part, const ledger::KindTotals& totals) {
  add(sum.allocations, totals.flow.allocations);
  add(sum.frees, totals.flow.frees);
  add(sum.allocated_bytes, totals.flow.allocated_bytes);
  add(sum.freed_bytes, totals.flow.freed_bytes);
  add_inherited(sum, totals);
  add(sum.tasks_begun, totals.tasks_begun);
  add(sum.tasks_ended, totals.tasks_ended);
  add(sum.tasks_without_record, totals.tasks_without_record);
  add(sum.refused_allocations, totals.refused_allocations);
  for (Distribution TaskKind::*distribution : distributions) add(sum.*distribution, part.*distribution);
}

std::string text_of(const ledger::Name& name) { return {name.data(), name.length()}; }

template <size_t bytes>
void copy_text(char (&to)[bytes], const std::string& text) {
  std::memcpy(to, text.c_str(), std::min(text.size() + 1, bytes));
  to[bytes - 1] = '\0';
}

bool is_process_the_task(const View& view) { return view.header->task_source == ledger::TaskSource::process; }

/// As long as it ran, as far as its ledger tells.
uint64_t wall_ns_of(const ledger::Header& header) {
  return std::max(ledger::read(header.ended_ns), ledger::read(header.peak_live_ns));
}

WorstTask worst_from(const ledger::TaskTotals& task) {
  WorstTask worst{};
  worst.thread_id = task.thread_id;
  worst.begun_ns = task.begun_ns;
  worst.wall_ns = task.wall_ns;
  worst.allocations = task.allocations;
  worst.allocated_bytes = task.allocated_bytes;
  worst.peak_live_bytes = task.peak_live_bytes;
  worst.retained_bytes = task.live_bytes;
  copy_text(worst.label, text_of(task.label));
  return worst;
}

void insert(WorstTask (&tasks)[ledger::WorstTasks::capacity], uint32_t& count, const WorstTask& task,
            uint64_t WorstTask::*measure) {
  uint32_t at = count;
  while (at > 0 && tasks[at - 1].*measure < task.*measure) --at;
  if (at == ledger::WorstTasks::capacity) return;
  if (count < ledger::WorstTasks::capacity) ++count;
  std::move_backward(tasks + at, tasks + count - 1, tasks + count);
  tasks[at] = task;
}

/// The tables of the tree as a reader takes them.
struct Tables {
  std::unique_ptr<TaskKind[]> kinds;
  std::unique_ptr<ledger::Task[]> tasks;
  View view{};
};

void fill(ledger::Task& record, const ledger::TaskTotals& task, ledger::Tag tag) {
  record.thread_id = task.thread_id;
  record.begun_ns = task.begun_ns;
  record.allocations = task.allocations;
  record.allocated_bytes = task.allocated_bytes;
  record.freed_bytes = ledger::difference(task.allocated_bytes, task.live_bytes);
  record.peak_live_bytes = task.peak_live_bytes;
  record.budget_bytes = task.budget_bytes;
  copy_text(record.label, text_of(task.label));
  record.tag = tag;
}

}  // namespace

TaskKind& TaskTree::kind_named(const std::string& name) {
  if (kinds_.empty()) kinds_.push_back(std::make_unique<TaskKind>());
  const bool is_full = names_.size() + 1 >= ledger::kind_count && names_.count(name) == 0;
  const std::string& shown = is_full ? "(others)" : name;
  const auto [known, is_new] = names_.try_emplace(shown, static_cast<uint32_t>(kinds_.size()));
  if (is_new) {
    kinds_.push_back(std::make_unique<TaskKind>());
    copy_text(kinds_.back()->name, shown);
    kinds_.back()->is_there = 1;
  }
  return *kinds_[known->second];
}

uint32_t TaskTree::index_of(const TaskKind& kind) const noexcept {
  return static_cast<uint32_t>(
      std::find_if(kinds_.begin(), kinds_.end(), [&](const auto& each) { return each.get() == &kind; }) -
      kinds_.begin());
}

uint32_t TaskTree::index_in_tree(const View& view, size_t kind) {
  if (kind == ledger::kind_outside) return 0;
  return index_of(kind_named(text_of(ledger::shown_kind(view, kind))));
}

void TaskTree::add(const View& view) {
  ledger::KindReader reader(view);
  for (size_t kind = 0; kind < view.kind_count; ++kind) {
    if (!ledger::is_kind(view, kind) || (kind == ledger::kind_outside && is_process_the_task(view))) continue;
    const std::string name = kind == ledger::kind_outside ? "" : text_of(ledger::shown_kind(view, kind));
    tool::add(kind_named(name), view.kinds[kind], reader.totals_of(kind));
  }
  if (is_process_the_task(view)) add_process_task(view);
  if (is_process_the_task(view) || ledger::has_tasks(view)) ++processes_with_tasks_;
  add_running(view);
  add_worst(view);
}

void TaskTree::add_process_task(const View& view) {
  const ledger::Totals totals = ledger::totals_of(view, {});
  const uint64_t retained_bytes = ledger::difference(totals.allocated_bytes, totals.freed_bytes);
  has_process_tasks_ = true;
  TaskKind& kind = kind_named(std::filesystem::path(view.header->program).filename().native());
  ledger::KindReader reader(view);
  if (view.kind_count != 0) tool::add(kind, view.kinds[0], reader.totals_of(0));
  tool::add(kind.tasks_begun, 1);
  tool::add(kind.tasks_ended, 1);
  add_value(kind.allocations_per_task, totals.allocations);
  add_value(kind.allocated_bytes_per_task, totals.allocated_bytes);
  add_value(kind.peak_live_bytes_per_task, totals.peak_live_bytes);
  add_value(kind.wall_ns_per_task, wall_ns_of(*view.header));
  add_value(kind.retained_bytes_per_task, retained_bytes);

  WorstTask task{};
  task.kind = index_of(kind);
  task.thread_id = view.header->process_id;
  task.wall_ns = wall_ns_of(*view.header);
  task.allocations = totals.allocations;
  task.allocated_bytes = totals.allocated_bytes;
  task.peak_live_bytes = totals.peak_live_bytes;
  task.retained_bytes = retained_bytes;
  copy_text(task.label, fmt::format("process {}", view.header->process_id));
  insert(header_->worst.by_peak, header_->worst.by_peak_count, task, &WorstTask::peak_live_bytes);
  insert(header_->worst.by_allocations, header_->worst.by_allocations_count, task, &WorstTask::allocations);
}

void TaskTree::add_running(const View& view) {
  ledger::TaskTotals task{};
  for (size_t record = 1; record < view.task_count; ++record) {
    if (!ledger::find_running(view, record, task)) continue;
    task.kind = index_in_tree(view, task.kind);
    if (running_.size() + 1 < ledger::task_record_count) running_.push_back(task);
  }
}

void TaskTree::add_worst(const View& view) {
  ledger::TaskTotals task{};
  const auto from_tree = [&] {
    WorstTask worst = worst_from(task);
    worst.kind = index_in_tree(view, task.kind);
    return worst;
  };
  ledger::WorstTasks& worst = header_->worst;
  for (size_t i = 0; ledger::find_worst(view, ledger::WorstBy::peak, i, task); ++i)
    insert(worst.by_peak, worst.by_peak_count, from_tree(), &WorstTask::peak_live_bytes);
  for (size_t i = 0; ledger::find_worst(view, ledger::WorstBy::allocations, i, task); ++i)
    insert(worst.by_allocations, worst.by_allocations_count, from_tree(), &WorstTask::allocations);
}

std::string TaskTree::rendered(ledger::Format format) const {
  Tables tables;
  tables.kinds = std::make_unique<TaskKind[]>(kinds_.size());
  for (size_t i = 0; i < kinds_.size(); ++i)
    std::memcpy(static_cast<void*>(&tables.kinds[i]), kinds_[i].get(), sizeof(TaskKind));
  tables.tasks = std::make_unique<ledger::Task[]>(running_.size() + 1);
  for (uint32_t i = 0; i < running_.size(); ++i)
    fill(tables.tasks[i + 1], running_[i], ledger::make_tag(running_[i].kind, 1, i + 1));
  tables.view = {.header = header_.get(),
                 .slots = nullptr,
                 .kinds = tables.kinds.get(),
                 .tasks = tables.tasks.get(),
                 .slot_count = 0,
                 .kind_count = kinds_.size(),
                 .task_count = running_.size() + 1};
  std::string text;
  const ledger::Sink sink{
      [](void* context, const char* part, size_t bytes) { static_cast<std::string*>(context)->append(part, bytes); },
      &text};
  ledger::render_tasks_alone(tables.view, format, sink);
  return text;
}

}  // namespace bursar::tool
