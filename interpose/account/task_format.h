// The bytes of a ledger that tell of tasks: kinds, their distributions, and single tasks.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bursar::ledger {

using Counter = std::atomic<uint64_t>;
static_assert(Counter::is_always_lock_free && sizeof(Counter) == 8);

/// Who allocated a block: a kind of task, and which task of it. Every block in use has one; 0 marks a block that is free.
///
///   | kind: 10 bits | generation: 6 | record: 16 |
///
/// `record` is the number of the task's record; record 0 is none: the block belongs to its kind alone. The generation tells the
/// tasks apart that had a record one after the other; it is never 0, so that no tag is.
using Tag = uint32_t;
inline constexpr uint32_t tag_record_bits = 16;
inline constexpr uint32_t tag_generation_bits = 6;
inline constexpr uint32_t generation_max = (1U << tag_generation_bits) - 1;

constexpr Tag make_tag(uint32_t kind, uint32_t generation, uint32_t record) noexcept {
  return kind << (tag_record_bits + tag_generation_bits) | generation << tag_record_bits | record;
}
constexpr uint32_t kind_of(Tag tag) noexcept { return tag >> (tag_record_bits + tag_generation_bits); }
constexpr uint32_t generation_of(Tag tag) noexcept { return tag >> tag_record_bits & generation_max; }
constexpr uint32_t record_of(Tag tag) noexcept { return tag & ((1U << tag_record_bits) - 1); }

/// A block of the kind alone.
constexpr Tag tag_of_kind(uint32_t kind) noexcept { return make_tag(kind, 1, 0); }
static_assert(tag_of_kind(0) != 0);

/// Kind 0 is what no task did; where the process is the task (tasks=process), it is that one. The last one takes all kinds beyond.
inline constexpr uint32_t kind_count = 1024;
inline constexpr uint32_t kind_outside = 0;
inline constexpr uint32_t kind_of_others = kind_count - 1;
inline constexpr uint32_t task_record_count = 1U << tag_record_bits;
static_assert(kind_of(make_tag(kind_of_others, generation_max, task_record_count - 1)) == kind_of_others);

inline constexpr size_t kind_name_bytes = 64;   // NUL included; longer ones are cut at a character
inline constexpr size_t task_label_bytes = 48;  // the same

/// How many tasks had a value near which: exact up to 15, then eight steps a doubling (a step is at most an eighth of the value). Values
/// from 2^44 on (16 TiB, five hours in ns) count in the last bucket.
struct Distribution {
  static constexpr uint32_t exact_values = 16;
  static constexpr uint32_t steps = 8;
  static constexpr uint32_t width_max = 44;
  static constexpr uint32_t bucket_count = exact_values + steps * (width_max - 4);

  Counter total;    // the sum of the values
  Counter highest;  // exact
  std::atomic<uint32_t> buckets[bucket_count];

  static constexpr uint32_t bucket_of(uint64_t value) noexcept {
    if (value < exact_values) return static_cast<uint32_t>(value);
    const auto width = static_cast<uint32_t>(std::bit_width(value));
    if (width > width_max) return bucket_count - 1;
    return exact_values + (width - 5) * steps + static_cast<uint32_t>(value >> (width - 4) & (steps - 1));
  }

  /// The lowest value of a bucket; of bucket_count the one that is too high for all.
  static constexpr uint64_t lowest_of(uint32_t bucket) noexcept {
    if (bucket < exact_values) return bucket;
    const uint32_t above = bucket - exact_values;
    return uint64_t{steps + above % steps} << (above / steps + 1);
  }
};
static_assert(Distribution::bucket_of(15) == 15 && Distribution::bucket_of(16) == 16);
static_assert(Distribution::bucket_of(17) == 16 && Distribution::bucket_of(18) == 17);
static_assert(Distribution::lowest_of(16) == 16 && Distribution::lowest_of(17) == 18);
static_assert(Distribution::bucket_of((uint64_t{1} << 44) - 1) == Distribution::bucket_count - 1);
static_assert(Distribution::lowest_of(Distribution::bucket_count) == uint64_t{1} << 44);

/// What all tasks of a name did. Any thread adds to it, with atomic additions.
///
///   K1  name never changes once `is_there` is 1
///   K2  the first six counters have what threads did until they last left a task of the kind, and what was freed of it from elsewhere;
///       what a thread did since it entered stands in its slot (ledger_format.h I5). Each counter is handed over by two instructions;
///       between them it stands in both, which a reader finds by the sums (tools/bursar/hand_over.h)
///   K3  each of the five distributions has tasks_ended values, those of the process's own task (tasks=process) apart
struct alignas(64) TaskKind {
  std::atomic<uint32_t> is_there;
  char name[kind_name_bytes];  // UTF-8, NUL-terminated
  Counter allocations;
  Counter frees;
  Counter allocated_bytes;  // as handed out
  Counter freed_bytes;
  Counter inherited_blocks;  // live at the fork that made this process
  Counter inherited_bytes;
  Counter tasks_begun;
  Counter tasks_ended;
  Counter
      tasks_without_record;  // of tasks_begun, when there was no record for one more: counted in the kind alone, and never as ended
  Counter refused_allocations;  // over the budget
  Distribution allocations_per_task;
  Distribution allocated_bytes_per_task;
  Distribution peak_live_bytes_per_task;
  Distribution wall_ns_per_task;
  Distribution retained_bytes_per_task;  // still live when it ended
};

/// A task that runs.
///
///   T1  tag is that of the task that has the record; 0 while none has: then nothing else here means anything
///   T2  allocations to freed_bytes have what threads did in it until they last left it (see K2), freed_elsewhere what was freed of it by
///       threads that were not in it: | generation: 16 bits | bytes: 48 |
///   T3  live is allocated_bytes - freed_bytes - (the bytes of) freed_elsewhere, plus what the threads in it did since they entered
struct alignas(64) Task {
  std::atomic<Tag> tag;
  uint32_t thread_id;  // the kernel's, of the thread that began it
  uint64_t begun_ns;   // since the start of the process
  Counter allocations;
  Counter frees;
  Counter allocated_bytes;
  Counter freed_bytes;
  Counter freed_elsewhere;
  Counter peak_live_bytes;  // as of the last time a thread left it or flushed
  Counter budget_bytes;     // 0: none
  char label[task_label_bytes];
};
static_assert(sizeof(Task) == 128);

/// One of the ended tasks with the highest peaks, or with the most allocations.
struct WorstTask {
  uint32_t kind;
  uint32_t thread_id;
  uint64_t begun_ns;
  uint64_t wall_ns;
  uint64_t allocations;
  uint64_t allocated_bytes;
  uint64_t peak_live_bytes;
  uint64_t retained_bytes;
  char label[task_label_bytes];
};

/// Written under a lock of the process, read without one: whoever reads takes `sequence` before and after, and reads again when it was
/// odd or has changed (a few times at most: the process may have died in between; then what is there is taken as it is).
struct WorstTasks {
  static constexpr uint32_t capacity = 16;

  std::atomic<uint32_t> sequence;
  uint32_t by_peak_count;
  uint32_t by_allocations_count;
  uint32_t unused;
  WorstTask by_peak[capacity];  // the highest first
  WorstTask by_allocations[capacity];
};

}  // namespace bursar::ledger
