// The bytes of a ledger: what the process that is counted writes and every tool reads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bursar::ledger {

/// A ledger is one file, mapped shared by its process from the first block to the last and read by anybody at any time:
///
///   | Header | Slot 0 | Slot 1 | ... | Slot slot_count-1 |
///
/// All numbers are little-endian and naturally aligned. Nothing moves and nothing grows, so a reader needs no
/// cooperation from the process, and no way of dying takes away what was counted.
///
///   I1  magic, version, sizes and program never change once `state` is not `starting`
///   I2  slot 0 belongs to all threads without a slot of their own and is counted up with atomic additions; each other
///       slot has one writer at a time, which is why its counters are exact without them
///   I3  counters only grow (live and unflushed ones apart), so a sum over slots that is read while they are written lies
///       between the true values at the start and at the end of the reading
///   I4  inherited_bytes + allocated_bytes - freed_bytes over all slots is what is live; header.live_bytes lags behind it by
///       what the slots have not flushed, less than flush_bytes a slot, and so may the peak. The same holds for
///       inherited_blocks, allocations and frees. While one thread has a slot, nothing lags
inline constexpr char magic[8] = {'B', 'U', 'R', 'S', 'A', 'R', '\n', '\x1a'};
inline constexpr uint32_t version = 2;

inline constexpr size_t slot_count = 256;
inline constexpr size_t size_class_capacity = 112;
inline constexpr size_t program_bytes = 256;

/// How much a thread's live bytes may change before the process's peak hears of it.
inline constexpr int64_t flush_bytes = int64_t{16} * 1024;

using Counter = std::atomic<uint64_t>;
static_assert(Counter::is_always_lock_free && sizeof(Counter) == 8);

/// What the program called. A realloc that moved counts as one call, though it allocates and frees.
enum class Call : uint32_t { malloc, calloc, realloc, aligned, operator_new, free };
inline constexpr size_t call_count = 6;
inline constexpr const char* call_names[call_count] = {"malloc", "calloc", "realloc", "aligned", "new", "free"};

enum class State : uint32_t {
  starting,  // the header is being written
  running,   // or killed: a process that is gone without `exited` did not get to its end
  exited,    // reached the end of exit(); page_faults and peak_rss_bytes are set
};

struct SizeClassCounters {
  Counter allocations;
  Counter requested_bytes;
  Counter frees;
};

/// Class 0 stands for blocks that have sizes of their own: large ones, and those of task arenas.
struct alignas(64) Slot {
  Counter calls[call_count];             // operator delete counts as free; calls with a null pointer are not counted
  Counter allocations;                   // blocks handed out
  Counter frees;                         // blocks taken back
  Counter requested_bytes;               // as asked for
  Counter allocated_bytes;               // as handed out: what malloc_usable_size says
  Counter freed_bytes;                   // as handed out
  std::atomic<int64_t> unflushed_bytes;  // live bytes the header does not know of yet
  Counter threads;                       // that had this slot, one after the other
  SizeClassCounters size_classes[size_class_capacity];
};

struct alignas(64) Header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint32_t slot_bytes;
  uint32_t slot_count;
  uint64_t file_bytes;

  std::atomic<State> state;
  uint32_t size_class_count;                  // classes in use, class 0 included
  uint32_t block_bytes[size_class_capacity];  // of each class; 0 for class 0

  uint32_t process_id;
  uint32_t parent_process_id;
  uint64_t started_ns;          // CLOCK_MONOTONIC
  char program[program_bytes];  // NUL-terminated; the path of the executable
  uint64_t inherited_bytes;     // live at the fork that made this process; 0 after exec
  uint64_t inherited_blocks;

  alignas(64) std::atomic<int64_t> live_bytes;  // lags: I4
  Counter peak_live_bytes;
  Counter peak_live_ns;    // since the start, when the peak was seen
  Counter slots_used;      // slots 0 to slots_used-1 may be non-zero
  Counter ended_ns;        // since the start; set with State::exited
  Counter page_faults;     // minor and major; set with State::exited
  Counter peak_rss_bytes;  // from the kernel; set with State::exited
};

inline constexpr size_t file_bytes = sizeof(Header) + slot_count * sizeof(Slot);

}  // namespace bursar::ledger
