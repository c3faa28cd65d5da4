// What an arena consists of: its chunks, its position in them, its list of destructors. For arena.h alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>

#include "bursar/export.h"
#include "bursar/memory.h"

namespace bursar {

/// How an arena behaves. All of it concerns the moments when it needs a chunk; no option costs anything between them.
struct ArenaOptions {
  /// The first chunk's size; each further one is twice the last, up to chunk_bytes_max. 16 KiB: what one small task needs, below
  /// what malloc would map.
  std::size_t first_chunk_bytes = std::size_t{16} * 1024;
  std::size_t chunk_bytes_max = std::size_t{1024} * 1024;
  /// What the arena may hold of the heap, its chunks' headers included.
  std::size_t limit_bytes = std::numeric_limits<std::size_t>::max();
  /// With every reset the high water that the arena keeps memory for falls by one part in so many, unless the cycle was higher. 64: a peak is
  /// forgotten after some two hundred resets.
  std::uint32_t decay_divisor = 64;
  /// For the texts of errors. It must outlive the arena.
  const char* name = "arena";
  /// Where chunks come from; null: operator new.
  std::pmr::memory_resource* upstream = nullptr;
};

/// What an arena has done, from figures it has anyway: the position's two halves and the chunks. Bytes as handed out: rounded up to a
/// multiple of 8, and what alignment skips included.
struct ArenaStats {
  std::size_t bytes = 0;                ///< live: since the last reset, without what was rewound
  std::uint64_t allocations = 0;        ///< the same
  std::uint64_t total_bytes = 0;        ///< since the arena was made
  std::uint64_t total_allocations = 0;  ///< the same
  std::size_t peak_bytes = 0;           ///< the highest `bytes` ever
  std::size_t high_water_bytes = 0;     ///< what reset keeps memory for: the highest `bytes`, decayed
  std::size_t held_bytes = 0;           ///< of the heap now, headers included
  std::size_t chunks = 0;               ///< now, blocks with a chunk of their own included
  std::uint64_t chunks_acquired = 0;    ///< since the arena was made: each one was a call of the heap
  std::uint64_t resets = 0;
};

struct ArenaEpoch;

namespace arena_detail {

/// The head of what the arena gets from the heap at once.   | Chunk | blocks, bumped upwards ... | free |
struct alignas(memory_alignment) Chunk {
  Chunk* next = nullptr;         // in the order of use; for a large block: the one before it
  std::size_t bytes = 0;         // with this head
  std::size_t bytes_before = 0;  // live in the chunks before this one
  std::uint32_t index = 0;       // its place in the order
};

inline constexpr std::uint32_t chunk_head_bytes = sizeof(Chunk);
static_assert(chunk_head_bytes == memory_alignment);

/// Positions are 32-bit: what is larger gets a chunk of its own, in which nothing is counted.
inline constexpr std::size_t chunk_bytes_limit = std::size_t{1} << 31;

/// Every block's size is a multiple of this, so that make<T> need not align most types.
inline constexpr std::size_t block_granule = 8;

struct Finalizer;
struct Finalizers;
struct Run;

/// How objects of one type are destroyed.
struct Destroyer {
  void (*destroy_one)(std::byte* object) noexcept;
  /// Destroys the objects of this type, and of no other, that the list ends with, one by one, newest first, to where it ended with `until`.
  void (*destroy_singles)(Finalizers& list, const Run& run, const Finalizer* until) noexcept;
  /// Destroys the run's newest object, takes it out of the run, and goes on with the one before it, to the one that ends at `beyond`. It
  /// returns early where a destructor has made objects, as the other does: those go first.
  void (*destroy_run)(Run& run, const std::byte* beyond) noexcept;
  std::size_t stride_bytes;  // from one to the next
};

/// Two objects or more of one type whose destructor does something and that lie one after the other, the last that were made: they are destroyed
/// by one loop, into which the destructor inlines. None where destroyer is null.
struct Run {
  const Destroyer* destroyer = nullptr;
  std::byte* end = nullptr;
};

/// What is to be destroyed, 16 bytes: an object, or a run's oldest one. Behind a run that is closed stands a mark: a null destroyer and the run's end.
/// They lie one after the other in blocks of the arena itself, so that the walk over them need not wait for one to find the next.
struct Finalizer {
  const Destroyer* destroyer;
  std::byte* place;
};
static_assert(sizeof(Finalizer) == 16);

/// The list's end: `next` is where the next one goes, in a block that begins at `begin`. Below `limit` there is room for the mark of the run that
/// is open, one Finalizer, and the mark of its run. Before `begin` stands a mark without a run, and before that the Finalizers of the block before.
///
///     | Finalizers of the block before | {null, null} | Finalizer ... | free ... |
struct Finalizers {
  Finalizer* next = nullptr;
  Finalizer* begin = nullptr;
  Finalizer* limit = nullptr;
};
inline constexpr std::size_t finalizers_in_head = 3;
inline constexpr std::size_t finalizers_to_add = 3;
inline constexpr std::size_t finalizers_first = 5;  // with the head 128 bytes: small arenas stay small
inline constexpr std::size_t finalizers_later = 125;
static_assert(sizeof(Finalizers) <= (finalizers_in_head - 1) * sizeof(Finalizer));
static_assert(finalizers_first >= finalizers_to_add);

/// In programs that are watched (ASan, Valgrind, heaptrack) every block has this before it, so that it can be told when it dies.
struct WatchedBlock {
  WatchedBlock* previous = nullptr;
  Chunk* chunk = nullptr;
  std::size_t bytes = 0;
};

/// Where an arena without a chunk points to: there is no room in it. (Each module may have its own: nothing compares it.)
alignas(memory_alignment) inline std::byte empty_chunk[memory_alignment] = {};

inline constexpr std::uint64_t one_allocation = std::uint64_t{1} << 32;

/// Invariants:
///   I1  position == (allocations modulo 2^32) << 32 | offset of the next block in the chunk at `base`; live_allocations is exact for
///       the moment when the count was synced_count
///   I2  offset <= end; end is a multiple of 64; base is one too
///   I3  chunk == nullptr: base == empty_chunk, end == 0, offset == 0
///   I4  watched: end == 0 and offset == 0 although there is a chunk, whose true offset is hidden_offset: every allocation takes the
///       slow path
///   I5  first -> ... -> chunk are in use, what follows is kept for use; their `bytes`, and those of `large`, add up to held_bytes
///   I6  finalizers ends with the newest object, or with the run that is open, of which `run` tells the end; large and watched_blocks begin with the
///       newest
///   I7  while a run is open, the block has room for its mark behind finalizers.next
struct State {
  std::byte* base = empty_chunk;
  std::uint64_t position = 0;
  std::uint32_t end = 0;
  std::uint32_t hidden_offset = 0;
  Finalizers finalizers;
  Run run;
  Chunk* chunk = nullptr;
  Chunk* first = nullptr;
  Chunk* large = nullptr;
  WatchedBlock* watched_blocks = nullptr;
  std::size_t large_bytes = 0;  // in the blocks of `large`, heads not counted
  std::size_t held_bytes = 0;
  std::size_t next_chunk_bytes = 0;  // 0: as the options say
  std::size_t high_water_bytes = 0;
  std::size_t peak_bytes = 0;
  std::uint64_t released_bytes = 0;  // by rewinding and resets
  std::uint64_t released_allocations = 0;
  std::uint64_t live_allocations = 0;  // when the count was synced_count
  std::uint32_t synced_count = 0;
  std::uint64_t chunks_acquired = 0;
  std::uint64_t resets = 0;
  std::uint64_t told_bytes = 0;  // to bursar_metrics_count
  std::uint64_t told_allocations = 0;
  ArenaEpoch* epoch = nullptr;  // arena_pointer.h
};

}  // namespace arena_detail
}  // namespace bursar
