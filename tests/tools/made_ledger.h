// A ledger filled by hand.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "interpose/account/ledger_view.h"

namespace bursar::test {

/// Header and tables behind one another, as in a file; the tables of kinds and tasks are shorter than those of most ledgers.
struct MadeLedger {
  static constexpr uint32_t kind_count = 8;
  static constexpr uint32_t task_count = 32;

  ledger::Header header{};
  ledger::Slot slots[ledger::slot_count]{};
  ledger::TaskKind kinds[kind_count]{};
  ledger::Task tasks[task_count]{};

  /// Classes of 16, 32, 48 ... bytes; nothing counted.
  MadeLedger() {
    std::memcpy(header.magic, ledger::magic, sizeof header.magic);
    header.version = ledger::version;
    header.header_bytes = sizeof(ledger::Header);
    header.file_bytes = sizeof(MadeLedger);
    header.slots = {offsetof(MadeLedger, slots), sizeof(ledger::Slot), ledger::slot_count};
    header.kinds = {offsetof(MadeLedger, kinds), sizeof(ledger::TaskKind), kind_count};
    header.tasks = {offsetof(MadeLedger, tasks), sizeof(ledger::Task), task_count};
    header.state = ledger::State::exited;
    header.size_class_count = 85;
    for (uint32_t i = 1; i < header.size_class_count; ++i) header.block_bytes[i] = 16 * i;
    header.process_id = 5'000'000;  // beyond what the kernel gives out
    header.parent_process_id = 4710;
    std::strcpy(header.program, "/usr/bin/guest");
    header.slots_used = 1;
    header.kinds_used = 1;
    header.tasks_used = 1;
  }

  /// In class 0, blocks are as large as they are asked for. By malloc and free.
  void count(size_t slot, size_t size_class, uint64_t allocations, uint64_t requested_bytes_each, uint64_t frees) {
    const uint64_t block_bytes = size_class == 0 ? requested_bytes_each : header.block_bytes[size_class];
    ledger::Slot& to = slots[slot];
    to.all.allocations += allocations;
    to.all.frees += frees;
    to.all.allocated_bytes += allocations * block_bytes;
    to.all.freed_bytes += frees * block_bytes;
    to.size_classes[size_class].allocations += allocations;
    to.size_classes[size_class].requested_bytes += allocations * requested_bytes_each;
    to.size_classes[size_class].frees += frees;
    use_slot(slot);
  }

  /// What was counted so far stays out of the account of the task that the thread enters.
  void enter(size_t slot, ledger::Tag tag) {
    ledger::Slot& to = slots[slot];
    to.tag = tag;
    to.at_entry.allocations = to.all.allocations.load();
    to.at_entry.frees = to.all.frees.load();
    to.at_entry.allocated_bytes = to.all.allocated_bytes.load();
    to.at_entry.freed_bytes = to.all.freed_bytes.load();
    to.foreign_frees = 0;
    to.foreign_freed_bytes = 0;
    use_slot(slot);
  }

  /// What the runtime told.
  void tell(ledger::RuntimeFigure figure, int64_t change) {
    header.runtime[static_cast<size_t>(figure)] += static_cast<uint64_t>(change);
  }

  void start_thread(size_t slot, uint32_t thread_id, const char* name) {
    slots[slot].thread_id = thread_id;
    slots[slot].threads += 1;
    std::strncpy(slots[slot].thread_name, name, ledger::thread_name_bytes - 1);
    if (slots[slot].tag == 0) slots[slot].tag = ledger::tag_of_kind(ledger::kind_outside);
    use_slot(slot);
  }

  ledger::TaskKind& add_kind(uint32_t index, const char* name) {
    ledger::TaskKind& kind = kinds[index];
    std::strncpy(kind.name, name, ledger::kind_name_bytes - 1);
    kind.is_there = 1;
    if (header.kinds_used <= index) header.kinds_used = index + 1;
    return kind;
  }

  static void add_value(ledger::Distribution& distribution, uint64_t value, uint32_t times = 1) {
    distribution.total += value * times;
    if (distribution.highest < value) distribution.highest = value;
    distribution.buckets[ledger::Distribution::bucket_of(value)] += times;
  }

  /// Tasks of the kind that have ended, all alike: their blocks have `bytes_each`, and the last `retained` of each are not freed.
  void end_tasks(uint32_t kind_index, uint32_t tasks_ended, uint64_t allocations, uint64_t bytes_each,
                 uint64_t retained, uint64_t wall_ns) {
    ledger::TaskKind& kind = kinds[kind_index];
    kind.tasks_begun += tasks_ended;
    kind.tasks_ended += tasks_ended;
    kind.allocations += tasks_ended * allocations;
    kind.frees += tasks_ended * (allocations - retained);
    kind.allocated_bytes += tasks_ended * allocations * bytes_each;
    kind.freed_bytes += tasks_ended * (allocations - retained) * bytes_each;
    add_value(kind.allocations_per_task, allocations, tasks_ended);
    add_value(kind.allocated_bytes_per_task, allocations * bytes_each, tasks_ended);
    add_value(kind.peak_live_bytes_per_task, allocations * bytes_each, tasks_ended);
    add_value(kind.wall_ns_per_task, wall_ns, tasks_ended);
    add_value(kind.retained_bytes_per_task, retained * bytes_each, tasks_ended);
  }

  /// A task that runs, and has allocated what its record says.
  ledger::Tag begin_task(uint32_t record, uint32_t kind_index, const char* label, uint64_t allocations,
                         uint64_t allocated_bytes) {
    ledger::Task& task = tasks[record];
    std::strncpy(task.label, label, ledger::task_label_bytes - 1);
    task.thread_id = 4711;
    task.begun_ns = 1'000'000;
    task.allocations = allocations;
    task.allocated_bytes = allocated_bytes;
    task.peak_live_bytes = allocated_bytes;
    task.tag = ledger::make_tag(kind_index, 1, record);
    kinds[kind_index].tasks_begun += 1;
    kinds[kind_index].allocations += allocations;
    kinds[kind_index].allocated_bytes += allocated_bytes;
    if (header.tasks_used <= record) header.tasks_used = record + 1;
    return task.tag;
  }

  /// Among the worst by peak and by allocations: call it with the highest first.
  void add_worst(uint32_t kind_index, const char* label, uint64_t allocations, uint64_t peak_live_bytes,
                 uint64_t wall_ns) {
    ledger::WorstTask task{};
    task.kind = kind_index;
    task.begun_ns = 5'000'000;
    task.wall_ns = wall_ns;
    task.allocations = allocations;
    task.allocated_bytes = peak_live_bytes;
    task.peak_live_bytes = peak_live_bytes;
    std::strncpy(task.label, label, ledger::task_label_bytes - 1);
    header.worst.by_peak[header.worst.by_peak_count++] = task;
    header.worst.by_allocations[header.worst.by_allocations_count++] = task;
  }

  [[nodiscard]] ledger::View view() const {
    return {.header = &header,
            .slots = slots,
            .kinds = kinds,
            .tasks = tasks,
            .slot_count = entries(header.slots_used, ledger::slot_count),
            .kind_count = entries(header.kinds_used, kind_count),
            .task_count = entries(header.tasks_used, task_count)};
  }

  [[nodiscard]] std::string bytes() const { return {reinterpret_cast<const char*>(this), sizeof(MadeLedger)}; }

 private:
  static size_t entries(uint64_t used, size_t count) { return used < count ? used : count; }

  void use_slot(size_t slot) {
    if (header.slots_used <= slot) header.slots_used = slot + 1;
  }
};

inline std::unique_ptr<MadeLedger> make_ledger() { return std::make_unique<MadeLedger>(); }

/// A thousand searches, one of which needed 48 MiB, eleven uploads, one of which runs, and what no task did.
inline std::unique_ptr<MadeLedger> make_server_ledger() {
  auto made = make_ledger();
  made->add_kind(0, "");
  made->kinds[0].allocations = 10;
  made->kinds[0].allocated_bytes = 4'096;
  made->add_kind(1, "GET /search");
  made->add_kind(2, "POST /upload");
  made->end_tasks(1, 970, 71, 100, 0, 2'000'000);
  made->end_tasks(1, 29, 2'310, 100, 1, 90'000'000);
  made->end_tasks(1, 1, 12'288, 4'096, 2, 1'200'000'000);
  made->end_tasks(2, 10, 7, 64, 0, 500'000);
  made->add_worst(1, "GET /search?q=x", 12'288, 50'331'648, 1'200'000'000);
  made->add_worst(1, "GET /search?q=y", 2'310, 231'000, 90'000'000);
  made->add_worst(2, "", 7, 448, 500'000);
  made->begin_task(3, 2, "POST /upload?name=large.iso", 5, 10'000'000);
  return made;
}

}  // namespace bursar::test
