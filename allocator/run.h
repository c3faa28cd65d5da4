// A run: neighbouring granules with one use, and the record that tells it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

struct Segment;

enum class RunKind : uint8_t {
  unused,
  slab,       // blocks of one size class
  pages,      // one large block inside a segment
  mapping,    // one large block with a mapping of its own
  bump,       // a chunk of a task's bump arena
  emergency,  // blocks for a thread that was interrupted inside the heap
};

/// What every kind of run tells about itself. The records lie outside the runs: records at the head of each run
/// would fight for the same cache sets, and an overflow of a block would reach them.
struct Run {
  /// The thread whose free of a block here takes the fast path (thread_identity); 0: nobody's does. Of slabs alone it is ever
  /// set. First, so that a free finds out with one load.
  std::atomic<uintptr_t> owner;
  uintptr_t start;
  Segment* segment;  // null for mappings
  RunKind kind;
  uint8_t granules;    // those inside a segment; 0 for mappings
  uint8_t size_class;  // of a slab
};

/// A record has two cache lines, whatever its kind.
inline constexpr size_t run_record_bytes = 128;

}  // namespace bursar
