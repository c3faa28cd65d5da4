// Comparing two snapshots, row by row.
#include "tools/bursar/rising.h"

#include <algorithm>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bursar::tool {
namespace {

void raise(uint64_t& now, uint64_t before) { now = std::max(now, before); }

void raise(FlowRow& now, const FlowRow& before) {
  raise(now.allocations, before.allocations);
  raise(now.frees, before.frees);
  raise(now.allocated_bytes, before.allocated_bytes);
  raise(now.freed_bytes, before.freed_bytes);
}

void raise(SizeClassRow& now, const SizeClassRow& before) {
  raise(now.requested_bytes, before.requested_bytes);
  raise(now.flow, before.flow);
}

void raise(ThreadRow& now, const ThreadRow& before) {
  raise(now.threads, before.threads);
  raise(now.flow, before.flow);
}

void raise(TaskKindRow& now, const TaskKindRow& before) {
  raise(now.tasks_begun, before.tasks_begun);
  raise(now.tasks_ended, before.tasks_ended);
  raise(now.tasks_without_record, before.tasks_without_record);
  raise(now.refused_allocations, before.refused_allocations);
  raise(now.flow, before.flow);
}

uint64_t name_of(const SizeClassRow& row) { return row.block_bytes; }
const std::string& name_of(const ThreadRow& row) { return row.name; }
const std::string& name_of(const TaskKindRow& row) { return row.name; }

/// Nothing lives in a row that is gone, and nobody is there.
void settle(SizeClassRow& row) { row.flow.live_blocks = row.flow.live_bytes = 0; }
void settle(ThreadRow& row) { row.alive = row.flow.live_blocks = row.flow.live_bytes = 0; }
void settle(TaskKindRow& row) {
  row.tasks_running = row.retained_bytes = row.flow.live_blocks = row.flow.live_bytes = 0;
}

template <typename Row>
void raise(std::vector<Row>& now, const std::vector<Row>& before) {
  std::map<std::decay_t<decltype(name_of(std::declval<const Row&>()))>, Row*> by_name;
  for (Row& row : now) by_name.emplace(name_of(row), &row);
  std::vector<Row> gone;
  for (const Row& row : before) {
    if (const auto known = by_name.find(name_of(row)); known != by_name.end()) {
      raise(*known->second, row);
    } else {
      settle(gone.emplace_back(row));
    }
  }
  now.insert(now.end(), gone.begin(), gone.end());
}

}  // namespace

void keep_rising(Snapshot& now, const Snapshot& before) {
  for (size_t call = 0; call < ledger::call_count; ++call) raise(now.calls[call], before.calls[call]);
  raise(now.requested_bytes, before.requested_bytes);
  raise(now.flow, before.flow);
  raise(now.peak_live_bytes, before.peak_live_bytes);
  raise(now.threads, before.threads);
  raise(now.refused_allocations, before.refused_allocations);
  raise(now.size_classes, before.size_classes);
  raise(now.thread_kinds, before.thread_kinds);
  raise(now.kinds, before.kinds);
}

}  // namespace bursar::tool
