// The tasks of all processes of a run, put together: a kind of the same name in several of them is one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpose/account/ledger_view.h"
#include "interpose/account/render.h"
#include "interpose/account/render_task_totals.h"

namespace bursar::tool {

/// A ledger in memory, made of the tables of others. Distributions add up; so quantiles of the sum are as exact as those of each. What a
/// child inherited is live in the process that allocated it alone: of each process and kind, what it was handed out less what it took back.
class TaskTree {
 public:
  /// Where the process is the task (tasks=process), it is one task of a kind that has the program's name.
  void add(const ledger::View& view);

  [[nodiscard]] bool has_tasks() const noexcept { return names_.size() > 1; }

  /// Of processes that are a task each.
  [[nodiscard]] bool has_process_tasks() const noexcept { return has_process_tasks_; }

  /// How many of the added ledgers have tasks.
  [[nodiscard]] size_t processes_with_tasks() const noexcept { return processes_with_tasks_; }

  [[nodiscard]] std::string rendered(ledger::Format format) const;

 private:
  [[nodiscard]] ledger::TaskKind& kind_named(const std::string& name);
  [[nodiscard]] uint32_t index_of(const ledger::TaskKind& kind) const noexcept;
  [[nodiscard]] uint32_t index_in_tree(const ledger::View& view, size_t kind);
  void add_process_task(const ledger::View& view);
  void add_running(const ledger::View& view);
  void add_worst(const ledger::View& view);

  std::unique_ptr<ledger::Header> header_ = std::make_unique<ledger::Header>();
  std::vector<std::unique_ptr<ledger::TaskKind>> kinds_;  // number 0 is what no task did
  std::map<std::string, uint32_t> names_{{"", 0}};
  std::vector<ledger::TaskTotals> running_;
  size_t processes_with_tasks_ = 0;
  bool has_process_tasks_ = false;
};

}  // namespace bursar::tool
