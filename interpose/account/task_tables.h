// The tables of kinds and tasks in the ledger, as the process writes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/ledger_format.h"
#include "interpose/account/thread_account.h"

namespace bursar::account::tables {

using ledger::Tag;

/// Names kind 0. Pre: the ledger is open and empty; before all else here.
void start() noexcept;

/// The number of the kind with this name, which is made where there is none; kind_of_others when the table is full. The name may be
/// null, empty, huge or no UTF-8: it is cut to kind_name_bytes, and what is no UTF-8 or steers a terminal becomes '?'. Thread safe, without a
/// lock where the kind is there. Cost: a hash and one comparison.
[[nodiscard]] uint32_t kind_named(const char* name) noexcept;

/// A new task of the kind; it has a record where there is one, else it counts in its kind alone. Thread safe.
[[nodiscard]] Tag begin_task(uint32_t kind) noexcept;

/// The same for a task that is the rest of one which began earlier, under a name it had then: see drop_task.
[[nodiscard]] Tag begin_task_since(uint32_t kind, uint64_t begun_ns) noexcept;

/// When the task began, since the start of the process; now where it has no record.
[[nodiscard]] uint64_t begun_ns_of(Tag tag) noexcept;

/// The task was none, but the beginning of one of another kind: its kind keeps what it did, and counts no task. Pre: no thread is in it.
void drop_task(Tag tag) noexcept;

/// The task has ended: its figures go to its kind's distributions and, if they are high enough, among the worst. Pre: no thread is in it.
void end_task(Tag tag) noexcept;

/// All tasks of this process that have ended, and what they allocated. Cost: two loads.
struct Ended {
  uint64_t tasks;
  uint64_t allocations;
};
[[nodiscard]] Ended ended() noexcept;

/// What a thread did in a task, when it leaves it. Thread safe.
void count_stay(Tag tag, const Stay& stay) noexcept;

/// A block of a task was freed by a thread that is not in it, or that has no account. The task may have ended. Thread safe, also in signal
/// handlers.
void count_foreign_free(Tag tag, uint64_t bytes) noexcept;

/// One allocation by a thread without an account (a signal handler within it, a thread past its end). As above.
void count_foreign_allocation(Tag tag, uint64_t bytes) noexcept;

/// By how much the live bytes of the task may rise before its budget is spent, as far as its record knows; INT64_MAX without a budget.
[[nodiscard]] int64_t headroom_of(Tag tag) noexcept;

/// What tells the task from others of its kind; null and any bytes as with kind_named. Nothing for a task without a record.
void set_label(Tag tag, const char* label) noexcept;

/// The budget of the task; 0: none. False for a task without a record, which cannot have one.
[[nodiscard]] bool set_budget(Tag tag, uint64_t bytes) noexcept;

/// While a thread stays in a task: the record's peak hears of it.
void raise_peak(Tag tag, int64_t high_of_stay) noexcept;

/// In a new child: the tables of its own ledger begin with the parent's kinds and what lives of each; says what lives of all. Blocks keep the tags they
/// have: those with a record are of no task here, and so of their kinds. The tasks that the forking thread was in go on as new ones, of which
/// nothing lives yet. Sets thread.task_tag and thread.base_tag. Pre: the ledger of the child is open and empty; no other thread counts. Cost: some
/// nanoseconds for each block in use.
struct LiveSum {
  uint64_t blocks;
  uint64_t bytes;
};
LiveSum begin_child() noexcept;

}  // namespace bursar::account::tables
