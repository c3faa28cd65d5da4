// Finds what stands in two places.
#include "tools/bursar/hand_over.h"

#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_totals.h"

namespace bursar::tool {
namespace {

using ledger::Counter;
using ledger::Flow;
using ledger::FlowTotals;
using ledger::read;
using ledger::Slot;
using ledger::Tag;
using ledger::Task;
using ledger::TaskKind;
using ledger::View;

/// The same figure in each of the places.
struct Figure {
  Counter Flow::*of_flow;
  uint64_t FlowTotals::*of_stay;
  Counter TaskKind::*of_kind;
  Counter Task::*of_task;
};
constexpr Figure figures[] = {
    {&Flow::allocations, &FlowTotals::allocations, &TaskKind::allocations, &Task::allocations},
    {&Flow::allocated_bytes, &FlowTotals::allocated_bytes, &TaskKind::allocated_bytes, &Task::allocated_bytes},
    {&Flow::frees, &FlowTotals::frees, &TaskKind::frees, &Task::frees},
    {&Flow::freed_bytes, &FlowTotals::freed_bytes, &TaskKind::freed_bytes, &Task::freed_bytes},
};

Tag tag_of(const Slot& slot) noexcept { return slot.tag.load(std::memory_order_relaxed); }

/// By how much the tables and what threads have not handed to them exceed what was counted.
uint64_t told_twice(const View& view, const Figure& figure) noexcept {
  uint64_t in_tables = 0;
  uint64_t counted = 0;
  for (size_t kind = 0; kind < view.kind_count; ++kind) in_tables += read(view.kinds[kind].*figure.of_kind);
  for (size_t i = 0; i < view.slot_count; ++i) {
    counted += read(view.slots[i].all.*figure.of_flow);
    if (i != 0 && tag_of(view.slots[i]) != 0) in_tables += stay_of(view.slots[i]).*figure.of_stay;
  }
  return in_tables > counted ? in_tables - counted : 0;
}

uint64_t distance(uint64_t a, uint64_t b) noexcept { return a > b ? a - b : b - a; }

/// The slot that has the amount, or most nearly: of frees by other threads that are under way, some may be missing in the tables. Null if none is near.
Slot* find_source(const View& view, Slot* slots, const Figure& figure, uint64_t amount) noexcept {
  Slot* nearest = nullptr;
  uint64_t least = amount / 2 + 1;
  for (size_t i = 1; i < view.slot_count; ++i) {
    if (tag_of(slots[i]) == 0) continue;
    const uint64_t off = distance(stay_of(slots[i]).*figure.of_stay, amount);
    if (off >= least) continue;
    nearest = &slots[i];
    least = off;
  }
  return nearest;
}

void finish(const View& view, Slot& slot, Task* tasks, const Figure& figure) noexcept {
  const uint64_t amount = stay_of(slot).*figure.of_stay;
  slot.at_entry.*figure.of_flow += amount;
  const uint32_t record = ledger::record_of(tag_of(slot));
  if (record == 0 || record >= view.task_count || tasks[record].tag.load(std::memory_order_relaxed) != tag_of(slot))
    return;
  tasks[record].*figure.of_task += amount;
}

}  // namespace

void finish_hand_over(const View& view, Slot* slots, Task* tasks) noexcept {
  for (const Figure& figure : figures) {
    const uint64_t amount = told_twice(view, figure);
    if (amount == 0) continue;
    if (Slot* slot = find_source(view, slots, figure, amount); slot != nullptr) finish(view, *slot, tasks, figure);
  }
}

}  // namespace bursar::tool
