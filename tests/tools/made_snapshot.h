// Snapshots made by hand.
#pragma once

#include <cstdint>
#include <string>

#include "tools/bursar/snapshot.h"

namespace bursar::test {

inline tool::FlowRow made_flow(uint64_t allocations, uint64_t frees, uint64_t bytes_each) {
  return {.allocations = allocations,
          .frees = frees,
          .allocated_bytes = allocations * bytes_each,
          .freed_bytes = frees * bytes_each,
          .live_blocks = allocations - frees,
          .live_bytes = (allocations - frees) * bytes_each};
}

/// All tasks alike.
inline tool::Quantiles made_quantiles(uint64_t value, uint64_t count) {
  return {.median = value, .p90 = value, .p99 = value, .highest = value, .total = value * count, .below_powers = {}};
}

inline tool::TaskKindRow made_kind(const std::string& name, uint64_t tasks, uint64_t allocations_each, uint64_t peak) {
  tool::TaskKindRow kind;
  kind.name = name;
  kind.tasks_begun = tasks;
  kind.tasks_ended = tasks;
  kind.flow = made_flow(tasks * allocations_each, tasks * allocations_each, 100);
  kind.allocations_per_task = made_quantiles(allocations_each, tasks);
  kind.allocated_bytes_per_task = made_quantiles(allocations_each * 100, tasks);
  kind.peak_live_bytes_per_task = made_quantiles(peak, tasks);
  return kind;
}

inline ledger::RuntimeTotals made_runtime(int64_t pool_hits, int64_t pool_misses, int64_t arena_bytes) {
  ledger::Header header{};
  const auto tell = [&](ledger::RuntimeFigure figure, int64_t change) {
    header.runtime[static_cast<size_t>(figure)] = static_cast<uint64_t>(change);
  };
  tell(ledger::RuntimeFigure::pool_hits, pool_hits);
  tell(ledger::RuntimeFigure::pool_misses, pool_misses);
  tell(ledger::RuntimeFigure::arena_bytes, arena_bytes);
  ledger::RuntimeTotals totals;
  totals.add(header);
  return totals;
}

/// Runs, and has counted these calls.
inline tool::Snapshot made_snapshot(uint32_t process_id, const std::string& program, const tool::FlowRow& flow) {
  tool::Snapshot snapshot;
  snapshot.path = "/ledgers/" + std::to_string(process_id);
  snapshot.program = program;
  snapshot.process_id = process_id;
  snapshot.is_alive = true;
  snapshot.started_unix_ns = 1'700'000'000'000'000'000;
  snapshot.wall_ns = 5'000'000'000;
  snapshot.flow = flow;
  snapshot.requested_bytes = flow.allocated_bytes;
  snapshot.peak_live_bytes = flow.allocated_bytes;
  snapshot.rss_bytes = 4 << 20;
  snapshot.threads = 1;
  return snapshot;
}

}  // namespace bursar::test
