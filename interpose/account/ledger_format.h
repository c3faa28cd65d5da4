// The bytes of a ledger: what the process that is counted writes and every tool reads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "interpose/account/task_format.h"

namespace bursar::ledger {

/// A ledger is one file, mapped shared by its process from the first block to the last and read by anybody at any time:
///
///   | Header | Slot 0 | Slot 1 | ... | TaskKind 0 | TaskKind 1 | ... | Task 0 | Task 1 | ... |
///
/// The header tells where each table begins, how long one entry is and how many there are. All numbers are little-endian and naturally
/// aligned. Nothing moves and nothing grows, so a reader needs no cooperation from the process, and no way of dying takes away what was
/// counted. The file has holes: an entry has memory behind it once it is used, and *_used says up to where entries are.
///
///   I1  magic, version, places, sizes and program never change once `state` is not `starting`
///   I2  slot 0 belongs to all threads without a slot of their own and is counted up with atomic additions; each other
///       slot has one writer at a time, which is why its counters are exact without them
///   I3  counters only grow (live_bytes, flushed_bytes, the highs and foreign_* apart), so a sum over slots that is read while they
///       are written lies between the true values at the start and at the end of the reading
///   I4  inherited_bytes + allocated_bytes - freed_bytes over all slots is what is live; header.live_bytes lags behind it by
///       what the slots have not flushed, less than flush_bytes a slot, and so may the peak, either way. The same holds for
///       inherited_blocks, allocations and frees. While one thread has a slot, nothing lags once its live_high is taken in
///   I5  what a thread did since it entered the task of `tag`, and no table of tasks knows yet: its counters minus those at_entry,
///       without what it freed of other tasks (foreign_frees). Slot 0 has no such part: it counts straight into the tables
///   I6  header.runtime is counted with atomic additions, of two's complement: a child that takes away what its parent told is below 0, and
///       the sum over both is right
inline constexpr char magic[8] = {'B', 'U', 'R', 'S', 'A', 'R', '\n', '\x1a'};
inline constexpr uint32_t version = 4;

inline constexpr size_t slot_count = 256;
inline constexpr size_t size_class_capacity = 112;
inline constexpr size_t program_bytes = 256;
inline constexpr size_t thread_name_bytes = 16;  // as the kernel has it

/// How much a thread's live bytes may change before the process's peak hears of it.
inline constexpr int64_t flush_bytes = int64_t{16} * 1024;

/// What the program called. A realloc that moved counts as one call, though it allocates and frees.
enum class Call : uint32_t { malloc, calloc, realloc, aligned, operator_new, free };
inline constexpr size_t call_count = 6;
inline constexpr const char* call_names[call_count] = {"malloc", "calloc", "realloc", "aligned", "new", "free"};

/// What a task is where the program does not say.
enum class TaskSource : uint32_t { api, thread, process, loop };
inline constexpr size_t task_source_count = 4;
inline constexpr const char* task_source_names[task_source_count] = {"api", "thread", "process", "loop"};

/// What code outside the heap counts, by bursar_metrics_count, in the order of bursar_counter.
enum class RuntimeFigure : uint32_t {
  interned_strings,
  interner_saved_bytes,
  arena_bytes,
  arena_allocations,
  pool_hits,
  pool_misses,
  cache_hits,
  cache_misses,
};
inline constexpr size_t runtime_figure_count = 8;

enum class State : uint32_t {
  starting,  // the header is being written
  running,   // or killed: a process that is gone without `exited` did not get to its end
  exited,    // reached the end of exit(); page_faults and peak_rss_bytes are set
  dropped,   // the process goes on, but its account does not: there was no room for it
};

struct SizeClassCounters {
  Counter allocations;
  Counter requested_bytes;
  Counter frees;
};

/// Four counts that go together: blocks, and bytes as handed out (what malloc_usable_size says).
struct Flow {
  Counter allocations;
  Counter frees;
  Counter allocated_bytes;
  Counter freed_bytes;
};

/// What a thread counts. Size class 0 stands for blocks that have sizes of their own: large ones, and those of task arenas.
///
/// Live bytes here may be negative: a thread may free what others allocated. Three highs keep what was highest, each until it is handed
/// on: live_high from reset to reset (a flush, an entry, a free of another task's block), process_high from flush to flush, task_high
/// from entry to entry:
///
///   highest of the process   header.live_bytes + max(process_high, live_high) - flushed_bytes
///   highest of the task      its live bytes as its record has them
///                            + max(task_high, live_high - (at_entry.allocated_bytes - at_entry.freed_bytes) + foreign_freed_bytes)
struct alignas(64) Slot {
  // The first line: what each call writes.
  Flow all;                            // by all threads that had the slot
  std::atomic<int64_t> live_high;      // of all.allocated_bytes - all.freed_bytes
  std::atomic<int64_t> process_high;   // the same
  std::atomic<int64_t> flushed_bytes;  // of all.allocated_bytes - all.freed_bytes the header knows so much
  std::atomic<Tag> tag;                // the task that the thread is in; 0: no thread has the slot
  std::atomic<uint32_t> thread_id;     // the kernel's; 0: no thread has the slot
  // The second: what tasks need.
  Flow at_entry;          // `all` when the thread entered its task
  Counter foreign_frees;  // of all.frees since the entry: blocks of other tasks
  Counter foreign_freed_bytes;
  std::atomic<int64_t> task_high;  // of the task's live bytes since the entry
  Counter threads;                 // that had this slot, one after the other
  // The third: what is rarely written.
  Flow at_thread_start;                 // `all` when the thread took the slot
  char thread_name[thread_name_bytes];  // as far as known: looked at now and then
  Counter realloc_allocations;          // of all.allocations: blocks that realloc handed out
  Counter realloc_frees;                // of all.frees: blocks that realloc took back
  Counter calls_beside[call_count];     // calls by kind; those of malloc and free are what is left (calls_of)
  SizeClassCounters size_classes[size_class_capacity];
};

/// How often the program called, with null pointers left out. operator delete counts as free.
inline uint64_t calls_of(const Slot& slot, Call call) noexcept {
  const auto read = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  if (call == Call::free) return read(slot.all.frees) - read(slot.realloc_frees);
  if (call != Call::malloc) return read(slot.calls_beside[static_cast<size_t>(call)]);
  uint64_t others = read(slot.realloc_allocations);
  for (const Call other : {Call::calloc, Call::aligned, Call::operator_new}) {
    others += read(slot.calls_beside[static_cast<size_t>(other)]);
  }
  return read(slot.all.allocations) - others;
}

/// What all ended threads of one name did. Names that differ in their digits alone are one: worker-3 and worker-7 are worker-*.
struct ThreadKind {
  std::atomic<uint32_t> is_there;  // then the name does not change
  char name[28];                   // NUL-terminated
  Counter threads;                 // ended
  Flow flow;
};
inline constexpr size_t thread_kind_count = 64;  // the last one takes all beyond

/// Where a table lies in the file.
struct Table {
  uint64_t offset;
  uint32_t entry_bytes;
  uint32_t entry_count;
};

struct alignas(64) Header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t file_bytes;
  Table slots;
  Table kinds;
  Table tasks;

  std::atomic<State> state;
  uint32_t size_class_count;                  // classes in use, class 0 included
  uint32_t block_bytes[size_class_capacity];  // of each class; 0 for class 0

  uint32_t process_id;
  uint32_t parent_process_id;
  uint64_t started_ns;          // CLOCK_MONOTONIC
  uint64_t started_unix_ns;     // CLOCK_REALTIME at the same moment
  char program[program_bytes];  // NUL-terminated; the path by which it was executed
  TaskSource task_source;
  std::atomic<uint32_t> had_no_room;  // 1: for more entries, so that some threads, kinds or tasks are counted together
  uint64_t budget_bytes;              // of each task that has none of its own; 0: none
  uint64_t inherited_bytes;           // live at the fork that made this process; 0 after exec
  uint64_t inherited_blocks;

  alignas(64) std::atomic<int64_t> live_bytes;  // lags: I4
  Counter peak_live_bytes;
  Counter peak_live_ns;    // since the start, when the peak was seen
  Counter slots_used;      // slots 0 to slots_used-1 may be non-zero
  Counter kinds_used;      // the same of kinds
  Counter tasks_used;      // the same of tasks; record 0 is never used
  Counter ended_ns;        // since the start; set with State::exited or dropped
  Counter page_faults;     // minor and major; set with State::exited
  Counter peak_rss_bytes;  // from the kernel; set with State::exited
  alignas(64) Counter runtime[runtime_figure_count];
  ThreadKind thread_kinds[thread_kind_count];
  WorstTasks worst;
};

}  // namespace bursar::ledger
