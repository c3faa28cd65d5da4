// Sums over the slots of a ledger.
#include "interpose/account/render_totals.h"

#include <algorithm>

namespace bursar::ledger {
namespace {

uint32_t class_count_of(const Header& header) noexcept {
  return header.size_class_count < size_class_capacity ? header.size_class_count
                                                       : static_cast<uint32_t>(size_class_capacity);
}

/// What is taken back is read before what is handed out, so that a ledger that grows meanwhile never shows more blocks
/// freed than allocated.
void add_frees(Totals& totals, const View& view) noexcept {
  for (size_t i = 0; i < view.slot_count; ++i) {
    totals.frees += read(view.slots[i].all.frees);
    totals.freed_bytes += read(view.slots[i].all.freed_bytes);
  }
}

/// What is left of two counters that are read one after the other may be less than none.
uint64_t calls_seen(const Slot& slot, Call call) noexcept {
  const uint64_t calls = calls_of(slot, call);
  return static_cast<int64_t>(calls) < 0 ? 0 : calls;
}

void add_slot(Totals& totals, const Header& header, const Slot& slot) noexcept {
  for (size_t call = 0; call < call_count; ++call) totals.calls[call] += calls_seen(slot, static_cast<Call>(call));
  totals.allocations += read(slot.all.allocations);
  totals.allocated_bytes += read(slot.all.allocated_bytes);
  totals.threads += read(slot.threads);
  if (totals.class_count != 0) totals.requested_bytes += read(slot.size_classes[0].requested_bytes);
  for (size_t i = 1; i < totals.class_count; ++i) {
    totals.requested_bytes += read(slot.size_classes[i].requested_bytes);
    totals.small_allocated_bytes += read(slot.size_classes[i].allocations) * header.block_bytes[i];
  }
}

Ending ending_of(const Header& header, const ExitFacts& facts) noexcept {
  if (facts.term_signal > 0) return Ending::killed;
  if (facts.exit_status != unknown_exit_status) return Ending::exited;
  // Pairs with the release of the one who wrote what is set with it.
  switch (header.state.load(std::memory_order_acquire)) {
    case State::exited: return Ending::at_exit;
    case State::dropped: return Ending::dropped;
    case State::starting:
    case State::running: break;
  }
  return Ending::unfinished;
}

uint64_t known_or(uint64_t fact, const Counter& otherwise) noexcept { return fact != 0 ? fact : read(otherwise); }

/// By how much more was live, at the most, while a thread was at a high that the header has not heard of (I4). The others are
/// taken as they stand now, so it is exact where there is one.
uint64_t unheard_high(const View& view) noexcept {
  int64_t highest = 0;
  for (size_t i = 1; i < view.slot_count; ++i) {
    const Slot& slot = view.slots[i];
    const auto live = static_cast<int64_t>(read(slot.all.allocated_bytes) - read(slot.all.freed_bytes));
    const int64_t high = std::max(slot.process_high.load(std::memory_order_relaxed),  //
                                  slot.live_high.load(std::memory_order_relaxed));
    if (high > live)
      highest = std::max(highest, static_cast<int64_t>(static_cast<uint64_t>(high) - static_cast<uint64_t>(live)));
  }
  return static_cast<uint64_t>(highest);
}

void find_peak(Totals& totals, const View& view) noexcept {
  totals.peak_live_bytes = read(view.header->peak_live_bytes);
  totals.peak_live_ns = read(view.header->peak_live_ns);
  const uint64_t unheard = totals.live_bytes + unheard_high(view);
  if (totals.peak_live_bytes < unheard) {
    totals.peak_live_bytes = unheard;
    totals.peak_live_ns = 0;
  }
}

}  // namespace

Totals totals_of(const View& view, const ExitFacts& facts) noexcept {
  const Header& header = *view.header;
  Totals totals{};
  totals.class_count = class_count_of(header);
  totals.ending = ending_of(header, facts);
  add_frees(totals, view);
  for (size_t i = 0; i < view.slot_count; ++i) add_slot(totals, header, view.slots[i]);
  for (size_t i = 0; i < view.kind_count; ++i) totals.refused_allocations += read(view.kinds[i].refused_allocations);

  totals.live_blocks = difference(header.inherited_blocks + totals.allocations, totals.frees);
  totals.live_bytes = difference(header.inherited_bytes + totals.allocated_bytes, totals.freed_bytes);
  totals.wall_ns = known_or(facts.wall_ns, header.ended_ns);
  totals.peak_rss_bytes = known_or(facts.peak_rss_bytes, header.peak_rss_bytes);
  totals.rss_scope = facts.rss_scope;
  totals.page_faults = known_or(facts.page_faults, header.page_faults);
  totals.runtime.add(header);
  find_peak(totals, view);
  return totals;
}

ClassTotals class_totals_of(const View& view, const Totals& totals, size_t size_class) noexcept {
  ClassTotals sum{};
  sum.block_bytes = view.header->block_bytes[size_class];
  for (size_t i = 0; i < view.slot_count; ++i) sum.frees += read(view.slots[i].size_classes[size_class].frees);
  for (size_t i = 0; i < view.slot_count; ++i) {
    const SizeClassCounters& counters = view.slots[i].size_classes[size_class];
    sum.allocations += read(counters.allocations);
    sum.requested_bytes += read(counters.requested_bytes);
  }
  sum.live_blocks = difference(sum.allocations, sum.frees);
  sum.allocated_bytes = size_class == 0 ? difference(totals.allocated_bytes, totals.small_allocated_bytes)
                                        : sum.allocations * sum.block_bytes;
  return sum;
}

const char* name_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::exited: return "exited";
    case Ending::killed: return "killed";
    case Ending::at_exit: return "at_exit";
    case Ending::dropped: return "dropped";
    case Ending::unfinished: return "unfinished";
  }
  return "unfinished";
}

FlowTotals read(const Flow& flow) noexcept {
  FlowTotals totals{};
  totals.frees = read(flow.frees);
  totals.freed_bytes = read(flow.freed_bytes);
  totals.allocations = read(flow.allocations);
  totals.allocated_bytes = read(flow.allocated_bytes);
  return totals;
}

FlowTotals difference(const FlowTotals& more, const FlowTotals& less) noexcept {
  return {.allocations = difference(more.allocations, less.allocations),
          .frees = difference(more.frees, less.frees),
          .allocated_bytes = difference(more.allocated_bytes, less.allocated_bytes),
          .freed_bytes = difference(more.freed_bytes, less.freed_bytes)};
}

void add_to(FlowTotals& sum, const FlowTotals& flow) noexcept {
  sum.allocations += flow.allocations;
  sum.frees += flow.frees;
  sum.allocated_bytes += flow.allocated_bytes;
  sum.freed_bytes += flow.freed_bytes;
}

}  // namespace bursar::ledger
