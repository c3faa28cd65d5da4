// Large blocks: page runs inside segments, places in tracts, and mappings of their own.
#pragma once

#include <cstddef>

#include "allocator/lock.h"
#include "allocator/report.h"
#include "allocator/run.h"
#include "allocator/tags.h"
#include "allocator/units.h"

namespace bursar {

struct Tract;

/// What a run of either kind remembers beside its place.
///
///   I1  bytes is a multiple of a granule; for pages it is granules * granule_bytes
struct LargeRun : Run {
  size_t bytes;
  Tract* tract;  // where a block of kind mapping lies; null where the mapping is its own
  LargeRun* next_spare;
  LargeRun* next_mapping;  // of those of kind mapping that are in use
  LargeRun* previous_mapping;
  BlockTag tag;
};
static_assert(sizeof(LargeRun) <= run_record_bytes);

namespace large {

/// Blocks of more than this lie in tracts, up to an eighth of one; larger ones are mappings of their own. From 256 or 512 KiB on
/// tracts cost blocks of all sizes side by side 10 to 40 % of time, since those find a place sooner in a segment's one word.
inline constexpr size_t in_tract_bytes_min = 1 * MiB;
inline constexpr size_t in_tract_bytes_max = 128 * MiB;

/// Where there is no tract, a block is a run inside a segment up to this size; beyond, cutting segments up would waste more than a
/// mapping costs.
inline constexpr size_t in_segment_bytes_max = segment_bytes / 2;
static_assert(in_tract_bytes_min <= in_segment_bytes_max);

/// Whether a block is expected to grow: then it gets a place with room behind it.
enum class Growth : uint8_t { none, expected };

/// A block of at least `bytes` at a multiple of `alignment`, reading zero if asked. Null when there is no memory.
/// Pre: bytes <= request_bytes_max, alignment a power of two; the caller is inside.
[[nodiscard]] void* allocate(size_t bytes, size_t alignment, Zeroed wanted, Growth growth = Growth::none) noexcept;

/// Pre: the run is of kind pages or mapping.
void deallocate(Run* run) noexcept;

/// What the block holds, all of it usable.
[[nodiscard]] inline size_t usable_bytes(const Run* run) noexcept { return static_cast<const LargeRun*>(run)->bytes; }

[[nodiscard]] inline BlockTag* tag_of(Run* run) noexcept { return &static_cast<LargeRun*>(run)->tag; }

/// The blocks of kind mapping; the others follow by next_mapping. Pre: the depot's lock is held.
[[nodiscard]] LargeRun* first_mapping_locked() noexcept;

/// The block with another size and its contents, moved at most by moving its pages; null when that does not work and
/// the block is as before. Pre: bytes > medium_bytes_max.
[[nodiscard]] void* resize(Run* run, size_t bytes) noexcept;

/// The right words for a pointer that no run holds: a large block freed a moment ago, a place inside a mapping, or foreign.
[[noreturn]] void report_no_block(const void* pointer, Caller caller) noexcept;

/// Gives cached mappings back that were freed `purge` ago, or all.
void purge_due() noexcept;
bool purge_all() noexcept;

/// Bytes and number of mappings in use. Without the lock: a snapshot.
[[nodiscard]] size_t mapped_bytes() noexcept;
[[nodiscard]] size_t mapping_count() noexcept;

void forget_after_fork() noexcept;

/// Checks the tracts' invariants. Pre: no other thread is active.
void validate() noexcept;

}  // namespace large
}  // namespace bursar
