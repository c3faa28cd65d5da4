// A segment: an aligned chunk of address space cut in runs of granules, each known by a bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/run.h"
#include "allocator/units.h"

namespace bursar {

/// Bits of a segment's granules, the lowest address in the lowest bit.
using GranuleBits = uint64_t;

constexpr GranuleBits granule_bits(size_t first, size_t count) noexcept {
  return (count == 64 ? ~GranuleBits{0} : (GranuleBits{1} << count) - 1) << first;
}

/// The lowest granule at which `count` bits in a row are set and whose number is a multiple of `alignment`;
/// segment_granules when there is none. Pre: count in [1, 64], alignment a power of two up to 64.
[[nodiscard]] size_t find_run(GranuleBits bits, size_t count, size_t alignment) noexcept;

/// The length of the longest row of set bits.
[[nodiscard]] size_t longest_run(GranuleBits bits) noexcept;

enum class HugePages : uint8_t { no, yes };

/// Only the depot changes a segment, with its lock held.
///
///   I1  free_granules has the bits of all granules that belong to no run
///   I2  dirty ⊆ free_granules ∩ [0, committed): free granules that may be resident or hold old data
///   I3  granules at and above `committed` were never touched; those below are readable and writable
///   I4  the record of a run is records[n], n its first granule; the other records of its granules are unused
struct Segment {
  uintptr_t start;
  GranuleBits free_granules;
  GranuleBits dirty;
  uint32_t committed;
  uint32_t generation;  // of the depot that keeps it
  HugePages huge_pages;
  uint8_t shelf;  // the depot's list it stands on
  bool awaits_purge;
  uint64_t dirty_since_ms;

  Segment* next;
  Segment* previous;
  Segment* purge_next;
  Segment* purge_previous;
  Segment* next_made;  // of all that ever were, the newest first

  struct alignas(run_record_bytes) Record {
    unsigned char bytes[run_record_bytes];
  } records[segment_granules];

  [[nodiscard]] Run* record_of(size_t granule) noexcept { return reinterpret_cast<Run*>(records[granule].bytes); }
  [[nodiscard]] size_t granule_of(uintptr_t address) const noexcept { return (address - start) >> granule_shift; }
  [[nodiscard]] bool is_empty() const noexcept { return free_granules == ~GranuleBits{0}; }
};

/// Checks I1 to I4; for checked builds and tests.
void validate(Segment& segment) noexcept;

}  // namespace bursar
