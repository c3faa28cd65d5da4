// What the slots of a ledger amount to, read while they may be written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/render.h"

namespace bursar::ledger {

/// What became of the process, as far as ledger and facts tell.
enum class Ending : unsigned char {
  exited,      // with a known status
  killed,      // by a known signal
  at_exit,     // reached the end of exit(); its status is not known (yet)
  dropped,     // the account ended before the process did
  unfinished,  // still running, or gone without a word
};

/// Sums over all slots, and the facts, with the ledger's own numbers where those are unknown.
struct Totals {
  uint64_t calls[call_count];
  uint64_t allocations;
  uint64_t frees;
  uint64_t requested_bytes;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;
  uint64_t threads;
  uint64_t refused_allocations;
  uint64_t small_allocated_bytes;  // in all classes but class 0

  uint64_t live_blocks;
  uint64_t live_bytes;
  uint64_t peak_live_bytes;
  uint64_t peak_live_ns;  // 0: unknown, as the header has not heard of the peak
  uint64_t wall_ns;       // 0: unknown
  uint64_t peak_rss_bytes;
  uint64_t page_faults;
  RuntimeTotals runtime;
  RssScope rss_scope;
  uint32_t class_count;
  Ending ending;
};

struct ClassTotals {
  uint64_t block_bytes;
  uint64_t allocations;
  uint64_t frees;
  uint64_t requested_bytes;
  uint64_t allocated_bytes;
  uint64_t live_blocks;
};

/// A Flow, plainly.
struct FlowTotals {
  uint64_t allocations;
  uint64_t frees;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;
};

[[nodiscard]] Totals totals_of(const View& view, const ExitFacts& facts) noexcept;

/// Pre: size_class < totals.class_count, and `totals` is of the same view.
[[nodiscard]] ClassTotals class_totals_of(const View& view, const Totals& totals, size_t size_class) noexcept;

/// The names of Ending for programs.
[[nodiscard]] const char* name_of(Ending ending) noexcept;

/// `more - less`, and 0 where the counters, read one after the other, have it the other way round.
constexpr uint64_t difference(uint64_t more, uint64_t less) noexcept { return more > less ? more - less : 0; }

inline uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }

/// Frees first: what is freed was allocated before, so a flow that grows meanwhile never has more blocks freed than allocated.
[[nodiscard]] FlowTotals read(const Flow& flow) noexcept;

[[nodiscard]] FlowTotals difference(const FlowTotals& more, const FlowTotals& less) noexcept;

void add_to(FlowTotals& sum, const FlowTotals& flow) noexcept;

}  // namespace bursar::ledger
