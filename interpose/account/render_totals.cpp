// Sums over the slots of a ledger.
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

size_t slots_used_of(const Header& header) noexcept {
  const uint64_t used = header.slots_used.load(std::memory_order_relaxed);
  return used < slot_count ? static_cast<size_t>(used) : slot_count;
}

uint32_t class_count_of(const Header& header) noexcept {
  return header.size_class_count < size_class_capacity ? header.size_class_count
                                                       : static_cast<uint32_t>(size_class_capacity);
}

uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }

/// What is taken back is read before what is handed out, so that a ledger that grows meanwhile never shows more blocks
/// freed than allocated.
void add_frees(Totals& totals, const Slot* slots, size_t used) noexcept {
  for (size_t i = 0; i < used; ++i) {
    totals.frees += read(slots[i].frees);
    totals.freed_bytes += read(slots[i].freed_bytes);
  }
}

void add_slot(Totals& totals, const Header& header, const Slot& slot) noexcept {
  for (size_t call = 0; call < call_count; ++call) totals.calls[call] += read(slot.calls[call]);
  totals.allocations += read(slot.allocations);
  totals.requested_bytes += read(slot.requested_bytes);
  totals.allocated_bytes += read(slot.allocated_bytes);
  totals.threads += read(slot.threads);
  for (size_t i = 1; i < totals.class_count; ++i) {
    totals.small_allocated_bytes += read(slot.size_classes[i].allocations) * header.block_bytes[i];
  }
}

Ending ending_of(const Header& header, const ExitFacts& facts) noexcept {
  if (facts.term_signal > 0) return Ending::killed;
  if (facts.exit_status != unknown_exit_status) return Ending::exited;
  // Pairs with the release of the one who wrote what is set with it.
  return header.state.load(std::memory_order_acquire) == State::exited ? Ending::at_exit : Ending::unfinished;
}

uint64_t known_or(uint64_t fact, const Counter& otherwise) noexcept { return fact != 0 ? fact : read(otherwise); }

}  // namespace

Totals totals_of(const Header& header, const Slot* slots, const ExitFacts& facts) noexcept {
  Totals totals{};
  const size_t used = slots_used_of(header);
  totals.class_count = class_count_of(header);
  totals.ending = ending_of(header, facts);
  add_frees(totals, slots, used);
  for (size_t i = 0; i < used; ++i) add_slot(totals, header, slots[i]);

  totals.live_blocks = difference(header.inherited_blocks + totals.allocations, totals.frees);
  totals.live_bytes = difference(header.inherited_bytes + totals.allocated_bytes, totals.freed_bytes);
  totals.wall_ns = known_or(facts.wall_ns, header.ended_ns);
  totals.peak_rss_bytes = known_or(facts.peak_rss_bytes, header.peak_rss_bytes);
  totals.rss_scope = facts.rss_scope;
  totals.page_faults = known_or(facts.page_faults, header.page_faults);
  totals.peak_live_bytes = read(header.peak_live_bytes);
  totals.peak_live_ns = read(header.peak_live_ns);
  // The header's peak lags (I4); what lives now is a peak as well.
  if (totals.peak_live_bytes < totals.live_bytes) {
    totals.peak_live_bytes = totals.live_bytes;
    totals.peak_live_ns = totals.wall_ns;
  }
  return totals;
}

ClassTotals class_totals_of(const Header& header, const Slot* slots, const Totals& totals, size_t size_class) noexcept {
  ClassTotals sum{};
  sum.block_bytes = header.block_bytes[size_class];
  const size_t used = slots_used_of(header);
  for (size_t i = 0; i < used; ++i) sum.frees += read(slots[i].size_classes[size_class].frees);
  for (size_t i = 0; i < used; ++i) {
    const SizeClassCounters& counters = slots[i].size_classes[size_class];
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
    case Ending::unfinished: return "unfinished";
  }
  return "unfinished";
}

}  // namespace bursar::ledger
