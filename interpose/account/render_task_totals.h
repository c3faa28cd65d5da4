// What the tables of a ledger amount to by kind of task and by task, read while they may be written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/text.h"
#include "interpose/account/render.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {

/// A name of the ledger with an end, whatever stands there.
using Name = Text<kind_name_bytes>;
static_assert(kind_name_bytes >= task_label_bytes);

struct KindTotals {
  Name name;  // empty: the kind outside tasks, or one that the ledger does not know
  uint64_t tasks_begun;
  uint64_t tasks_ended;
  uint64_t tasks_running;
  uint64_t tasks_without_record;
  uint64_t refused_allocations;
  FlowTotals flow;  // running tasks included
  uint64_t live_blocks;
  uint64_t live_bytes;
  uint64_t retained_bytes;  // live of ended tasks; means nothing where no task is (is_of_tasks)
};

/// One task, running or ended.
struct TaskTotals {
  uint32_t kind;
  Name label;
  uint32_t thread_id;
  uint64_t begun_ns;
  uint64_t wall_ns;  // of a running one: 0
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t peak_live_bytes;
  uint64_t live_bytes;  // of an ended one: at its end
  uint64_t budget_bytes;
  bool is_running;
};

/// Kinds one after the other, some at a time: what slots and records add to a kind is found by going through all of them.
class KindReader {
 public:
  /// What slots and records add to a kind.
  struct Part {
    FlowTotals stays;
    uint64_t running;
    int64_t running_bytes;
  };

  explicit KindReader(const View& view) noexcept : view_(view), parts_(own_parts_), window_kinds_(own_window_kinds) {}

  /// With so many parts of the caller's, which outlive this: as many kinds are found at a time. Pre: count > 0.
  KindReader(const View& view, Part* parts, size_t count) noexcept : view_(view), parts_(parts), window_kinds_(count) {}

  KindReader(const KindReader&) = delete;
  KindReader& operator=(const KindReader&) = delete;

  /// Pre: kind < view.kind_count. Cost: a walk over slots and records whenever the kind is not near the last one.
  [[nodiscard]] KindTotals totals_of(size_t kind) noexcept;

 private:
  static constexpr size_t own_window_kinds = 8;

  void load(size_t window) noexcept;

  const View& view_;
  Part* parts_;
  size_t window_kinds_;
  size_t window_ = SIZE_MAX;
  Part own_parts_[own_window_kinds];
};

/// A kind that is there: others have no numbers. Kind 0 always is.
[[nodiscard]] bool is_kind(const View& view, size_t kind) noexcept;

/// False for what no task did, which is never over: nothing of it is retained.
[[nodiscard]] bool is_of_tasks(const View& view, size_t kind) noexcept;

/// Tasks, or what belongs to a kind other than the one outside of all: false where nobody used tasks.
[[nodiscard]] bool has_tasks(const View& view) noexcept;

/// Bytes that tasks of the kind were handed out: what kinds are ordered by.
[[nodiscard]] uint64_t allocated_bytes_of_kind(const View& view, size_t kind) noexcept;

/// Pre: kind < view.kind_count.
[[nodiscard]] Name name_of_kind(const View& view, size_t kind) noexcept;

/// A kind as it is shown, whatever its number.
[[nodiscard]] Name shown_kind(const View& view, size_t kind) noexcept;

/// What the thread that has the slot did in its task, and no table knows yet (I5).
[[nodiscard]] FlowTotals stay_of(const Slot& slot) noexcept;

/// False where no task has the record. Pre: 0 < record < view.task_count.
[[nodiscard]] bool find_running(const View& view, size_t record, TaskTotals& task) noexcept;

enum class WorstBy : unsigned char { peak, allocations };

/// The same of an ended task among the worst; false where there are not so many.
[[nodiscard]] bool find_worst(const View& view, WorstBy by, size_t index, TaskTotals& task) noexcept;

/// The value that so many of a thousand tasks do not exceed: the middle of its bucket, or the highest where it is known to be that one.
[[nodiscard]] uint64_t quantile_of(const Distribution& distribution, uint32_t per_mille) noexcept;

/// How many values a distribution has.
[[nodiscard]] uint64_t count_of(const Distribution& distribution) noexcept;

/// The same over copied buckets, `bucket_count` of them.
[[nodiscard]] uint64_t quantile_of(const uint64_t* buckets, uint64_t highest, uint32_t per_mille) noexcept;

}  // namespace bursar::ledger
