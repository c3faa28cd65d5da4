// A segment's bits.
#include "allocator/segment.h"

#include <bit>

#include "allocator/check.h"

namespace bursar {
namespace {

/// Every multiple of `alignment`.
constexpr GranuleBits aligned_bits(size_t alignment) noexcept {
  GranuleBits bits = 0;
  for (size_t i = 0; i < segment_granules; i += alignment) bits |= GranuleBits{1} << i;
  return bits;
}

/// The bits at which a row of `count` set bits begins.
GranuleBits run_starts(GranuleBits bits, size_t count) noexcept {
  // After each step a bit tells of `length` set bits from it upwards; the length doubles until it would be too much.
  size_t length = 1;
  while (length * 2 <= count) {
    bits &= bits >> length;
    length *= 2;
  }
  return count == length ? bits : bits & (bits >> (count - length));
}

}  // namespace

size_t find_run(GranuleBits bits, size_t count, size_t alignment) noexcept {
  const GranuleBits starts = run_starts(bits, count) & aligned_bits(alignment);
  return static_cast<size_t>(std::countr_zero(starts));  // 64 when there is none
}

size_t longest_run(GranuleBits bits) noexcept {
  size_t length = 0;
  while (bits != 0) {
    bits &= bits >> 1;
    ++length;
  }
  return length;
}

void validate(Segment& segment) noexcept {
  BURSAR_CHECK((segment.dirty & ~segment.free_granules) == 0);                                          // I2
  BURSAR_CHECK((segment.dirty & ~granule_bits(0, segment.committed)) == 0 || segment.committed == 64);  // I2
  for (size_t granule = 0; granule < segment_granules;) {
    if ((segment.free_granules >> granule & 1) != 0) {
      BURSAR_CHECK(segment.record_of(granule)->kind == RunKind::unused);  // I4
      ++granule;
      continue;
    }
    const Run& run = *segment.record_of(granule);
    BURSAR_CHECK(run.kind != RunKind::unused && run.segment == &segment);                     // I4
    BURSAR_CHECK(run.start == segment.start + granule * granule_bytes && run.granules != 0);  // I4
    BURSAR_CHECK((granule_bits(granule, run.granules) & segment.free_granules) == 0);         // I1
    granule += run.granules;
    BURSAR_CHECK(granule <= segment.committed);  // I3
  }
}

}  // namespace bursar
