// Sums by kind of task and by task.
#include "interpose/account/render_task_totals.h"

#include <algorithm>
#include <cstring>

namespace bursar::ledger {
namespace {

Name name_from(const char* characters, size_t bytes) noexcept {
  Name name;
  for (size_t i = 0; i + 1 < bytes && characters[i] != '\0'; ++i) name.add(&characters[i], 1);
  return name;
}

/// Without the generation that stands above.
uint64_t freed_elsewhere_of(const Task& task) noexcept {
  return read(task.freed_elsewhere) & ((uint64_t{1} << 48) - 1);
}

/// As the record has it: without the stays.
int64_t live_of_record(const Task& task) noexcept {
  const uint64_t freed = read(task.freed_bytes) + freed_elsewhere_of(task);
  return static_cast<int64_t>(read(task.allocated_bytes) - freed);
}

/// The record that the tag's task has, or null: it has none, or another task has it by now.
const Task* record_with(const View& view, Tag tag) noexcept {
  const uint32_t record = record_of(tag);
  if (record == 0 || record >= view.task_count) return nullptr;
  const Task& task = view.tasks[record];
  return task.tag.load(std::memory_order_acquire) == tag ? &task : nullptr;
}

uint64_t clamped(int64_t bytes) noexcept { return bytes < 0 ? 0 : static_cast<uint64_t>(bytes); }

int64_t sum(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

/// The highest live bytes of the stay, from 0 at the entry.
int64_t high_of_stay(const Slot& slot) noexcept {
  const uint64_t at_entry = read(slot.at_entry.allocated_bytes) - read(slot.at_entry.freed_bytes);
  const auto live_high = static_cast<uint64_t>(slot.live_high.load(std::memory_order_relaxed));
  const auto high = static_cast<int64_t>(live_high - at_entry + read(slot.foreign_freed_bytes));
  return std::max(slot.task_high.load(std::memory_order_relaxed), high);
}

void add_stay(TaskTotals& task, int64_t& live, int64_t& high, const Slot& slot) noexcept {
  const FlowTotals stay = stay_of(slot);
  task.allocations += stay.allocations;
  task.allocated_bytes += stay.allocated_bytes;
  live = sum(live, static_cast<int64_t>(stay.allocated_bytes - stay.freed_bytes));
  high = std::max(high, high_of_stay(slot));
}

}  // namespace

FlowTotals stay_of(const Slot& slot) noexcept {
  FlowTotals foreign{};
  foreign.frees = read(slot.foreign_frees);
  foreign.freed_bytes = read(slot.foreign_freed_bytes);
  return difference(difference(read(slot.all), read(slot.at_entry)), foreign);
}

Name name_of_kind(const View& view, size_t kind) noexcept {
  return name_from(view.kinds[kind].name, sizeof view.kinds[kind].name);
}

Name shown_kind(const View& view, size_t kind) noexcept {
  constexpr char outside[] = "(outside tasks)";
  if (kind == kind_outside) return Name().add(outside);
  if (kind >= view.kind_count) return Name().add("(unknown)");
  const Name name = name_of_kind(view, kind);
  const bool is_as_outside =
      name.length() == sizeof(outside) - 1 && memcmp(name.data(), outside, sizeof(outside) - 1) == 0;
  // A program may call its tasks what it likes; views tell rows apart by what they show.
  if (is_as_outside) return Name().add("\"").add(outside).add("\"");
  return name.length() == 0 ? Name().add("(unnamed)") : name;
}

bool is_kind(const View& view, size_t kind) noexcept {
  return kind == kind_outside || view.kinds[kind].is_there.load(std::memory_order_acquire) != 0;
}

bool is_of_tasks(const View& view, size_t kind) noexcept {
  return kind != kind_outside || view.header->task_source == TaskSource::process;
}

bool has_tasks(const View& view) noexcept {
  for (size_t kind = 1; kind < view.kind_count; ++kind) {
    if (is_kind(view, kind)) return true;
  }
  return false;
}

uint64_t allocated_bytes_of_kind(const View& view, size_t kind) noexcept {
  uint64_t bytes = read(view.kinds[kind].allocated_bytes);
  for (size_t i = 1; i < view.slot_count; ++i) {
    const Tag tag = view.slots[i].tag.load(std::memory_order_relaxed);
    if (tag != 0 && kind_of(tag) == kind) bytes += stay_of(view.slots[i]).allocated_bytes;
  }
  return bytes;
}

void KindReader::load(size_t window) noexcept {
  window_ = window;
  for (size_t i = 0; i < window_kinds_; ++i) parts_[i] = {};
  for (size_t i = 1; i < view_.slot_count; ++i) {
    const Tag tag = view_.slots[i].tag.load(std::memory_order_relaxed);
    if (tag == 0 || kind_of(tag) / window_kinds_ != window) continue;
    const FlowTotals stay = stay_of(view_.slots[i]);
    Part& part = parts_[kind_of(tag) % window_kinds_];
    add_to(part.stays, stay);
    if (record_with(view_, tag) == nullptr) continue;
    part.running_bytes = sum(part.running_bytes, static_cast<int64_t>(stay.allocated_bytes - stay.freed_bytes));
  }
  for (size_t record = 1; record < view_.task_count; ++record) {
    const Tag tag = view_.tasks[record].tag.load(std::memory_order_acquire);
    if (tag == 0 || kind_of(tag) / window_kinds_ != window || record_of(tag) != record) continue;
    Part& part = parts_[kind_of(tag) % window_kinds_];
    ++part.running;
    part.running_bytes = sum(part.running_bytes, live_of_record(view_.tasks[record]));
  }
}

KindTotals KindReader::totals_of(size_t kind) noexcept {
  if (kind / window_kinds_ != window_) load(kind / window_kinds_);
  const Part& part = parts_[kind % window_kinds_];
  const TaskKind& from = view_.kinds[kind];
  KindTotals totals{};
  totals.name = name_of_kind(view_, kind);
  totals.flow = part.stays;
  totals.flow.frees += read(from.frees);
  totals.flow.freed_bytes += read(from.freed_bytes);
  totals.flow.allocations += read(from.allocations);
  totals.flow.allocated_bytes += read(from.allocated_bytes);
  totals.tasks_ended = read(from.tasks_ended);
  totals.tasks_begun = read(from.tasks_begun);
  totals.tasks_running = part.running;
  totals.tasks_without_record = read(from.tasks_without_record);
  totals.refused_allocations = read(from.refused_allocations);
  totals.live_blocks = difference(read(from.inherited_blocks) + totals.flow.allocations, totals.flow.frees);
  totals.live_bytes = difference(read(from.inherited_bytes) + totals.flow.allocated_bytes, totals.flow.freed_bytes);
  totals.retained_bytes = difference(totals.live_bytes, clamped(part.running_bytes));
  return totals;
}

bool find_running(const View& view, size_t record, TaskTotals& task) noexcept {
  const Task& from = view.tasks[record];
  const Tag tag = from.tag.load(std::memory_order_acquire);
  if (tag == 0 || record_of(tag) != record) return false;
  task = {};
  task.kind = kind_of(tag);
  task.label = name_from(from.label, sizeof from.label);
  task.thread_id = from.thread_id;
  task.begun_ns = from.begun_ns;
  task.is_running = true;
  task.budget_bytes = read(from.budget_bytes);
  task.allocations = read(from.allocations);
  task.allocated_bytes = read(from.allocated_bytes);
  const int64_t of_record = live_of_record(from);
  int64_t live = of_record;
  int64_t high = 0;
  for (size_t i = 1; i < view.slot_count; ++i) {
    if (view.slots[i].tag.load(std::memory_order_relaxed) == tag) add_stay(task, live, high, view.slots[i]);
  }
  task.live_bytes = clamped(live);
  task.peak_live_bytes = std::max({read(from.peak_live_bytes), clamped(sum(of_record, high)), task.live_bytes});
  return true;
}

bool find_worst(const View& view, WorstBy by, size_t index, TaskTotals& task) noexcept {
  const WorstTasks& worst = view.header->worst;
  const bool by_peak = by == WorstBy::peak;
  constexpr int tries_max = 8;
  for (int attempt = 1;; ++attempt) {
    const uint32_t before = worst.sequence.load(std::memory_order_acquire);
    const uint32_t count = by_peak ? worst.by_peak_count : worst.by_allocations_count;
    const size_t have = std::min(count, WorstTasks::capacity);
    if (index < have) {
      const WorstTask& from = by_peak ? worst.by_peak[index] : worst.by_allocations[index];
      task = {.kind = from.kind,
              .label = name_from(from.label, sizeof from.label),
              .thread_id = from.thread_id,
              .begun_ns = from.begun_ns,
              .wall_ns = from.wall_ns,
              .allocations = from.allocations,
              .allocated_bytes = from.allocated_bytes,
              .peak_live_bytes = from.peak_live_bytes,
              .live_bytes = from.retained_bytes,
              .budget_bytes = 0,
              .is_running = false};
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool is_whole = before % 2 == 0 && worst.sequence.load(std::memory_order_relaxed) == before;
    if (is_whole || attempt == tries_max) return index < have;
  }
}

uint64_t count_of(const Distribution& distribution) noexcept {
  uint64_t count = 0;
  for (const auto& bucket : distribution.buckets) count += bucket.load(std::memory_order_relaxed);
  return count;
}

namespace {

/// Nearest rank, whatever the buckets lie in. The last value is known: it is the highest.
template <typename CountOf>
uint64_t value_at(CountOf count_in, uint64_t count, uint64_t highest, uint32_t per_mille) noexcept {
  if (count == 0) return 0;
  const uint64_t whole = count / 1000 * per_mille;
  const uint64_t rank = std::max<uint64_t>(1, whole + (count % 1000 * per_mille + 999) / 1000);
  if (rank >= count) return highest;
  uint64_t seen = 0;
  for (uint32_t bucket = 0; bucket < Distribution::bucket_count; ++bucket) {
    seen += count_in(bucket);
    if (seen < rank) continue;
    if (bucket + 1 == Distribution::bucket_count) return highest;  // it has no upper end
    const uint64_t lowest = Distribution::lowest_of(bucket);
    return std::min(highest, lowest + (Distribution::lowest_of(bucket + 1) - 1 - lowest) / 2);
  }
  return highest;
}

/// Whether each of so many values is the highest.
bool are_all(const Distribution& distribution, uint64_t count, uint64_t highest) noexcept {
  const uint64_t total = read(distribution.total);
  return count != 0 && highest != 0 && total / highest == count && total % highest == 0;
}

}  // namespace

uint64_t quantile_of(const Distribution& distribution, uint32_t per_mille) noexcept {
  const uint64_t count = count_of(distribution);
  const uint64_t highest = read(distribution.highest);
  if (are_all(distribution, count, highest)) return highest;
  return value_at([&](uint32_t bucket) { return distribution.buckets[bucket].load(std::memory_order_relaxed); }, count,
                  highest, per_mille);
}

uint64_t quantile_of(const uint64_t* buckets, uint64_t highest, uint32_t per_mille) noexcept {
  uint64_t count = 0;
  for (uint32_t bucket = 0; bucket < Distribution::bucket_count; ++bucket) count += buckets[bucket];
  return value_at([&](uint32_t bucket) { return buckets[bucket]; }, count, highest, per_mille);
}

}  // namespace bursar::ledger
