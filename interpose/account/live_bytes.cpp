// What lives of a task, and of the process, at this moment.
#include "interpose/account/live_bytes.h"

#include <algorithm>

#include "interpose/account/ledger.h"

namespace bursar::account {
namespace {

using ledger::Counter;
using ledger::Flow;
using ledger::Slot;

uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }
int64_t live_of(const Flow& flow) noexcept {
  return static_cast<int64_t>(read(flow.allocated_bytes) - read(flow.freed_bytes));
}

size_t slots_in_use() noexcept {
  const uint64_t used = read(ledger::book.header().slots_used);
  return static_cast<size_t>(std::min<uint64_t>(used, ledger::slot_count));
}

}  // namespace

Staying staying_in(ledger::Tag tag) noexcept {
  Staying staying{};
  // Slot 0 counts straight into the tables.
  for (size_t i = 1; i < slots_in_use(); ++i) {
    const Slot& slot = ledger::book.slot(i);
    if (slot.tag.load(std::memory_order_relaxed) != tag) continue;
    const auto of_others = static_cast<int64_t>(read(slot.foreign_freed_bytes));
    const int64_t at_entry = live_of(slot.at_entry);
    staying.allocations += read(slot.all.allocations) - read(slot.at_entry.allocations);
    staying.live_bytes += live_of(slot.all) - at_entry + of_others;
    const int64_t since_reset = slot.live_high.load(std::memory_order_relaxed) - at_entry + of_others;
    staying.high = std::max({staying.high, since_reset, slot.task_high.load(std::memory_order_relaxed)});
  }
  return staying;
}

int64_t known_live_bytes_of(const ledger::Task& task) noexcept {
  constexpr uint64_t bytes_mask = (uint64_t{1} << 48) - 1;  // task_format.h T2
  return static_cast<int64_t>(read(task.allocated_bytes) - read(task.freed_bytes) -
                              (read(task.freed_elsewhere) & bytes_mask));
}

uint64_t live_bytes_of(const ledger::Task& task, ledger::Tag tag) noexcept {
  return not_negative(known_live_bytes_of(task) + staying_in(tag).live_bytes);
}

uint64_t live_bytes_of_process() noexcept {
  auto live = static_cast<int64_t>(ledger::book.header().inherited_bytes);
  for (size_t i = 0; i < slots_in_use(); ++i) live += live_of(ledger::book.slot(i).all);
  return not_negative(live);
}

}  // namespace bursar::account
