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
  if (bits == ~GranuleBits{0}) return segment_granules;
  // rows[n] has the bits from which on 2^n bits are set. A row of any length is one of 32, 16, ... 1 after the other.
  GranuleBits rows[6] = {bits};
  for (size_t n = 1; n < 6; ++n) rows[n] = rows[n - 1] & rows[n - 1] >> (size_t{1} << (n - 1));
  GranuleBits starts = ~GranuleBits{0};
  size_t length = 0;
  for (size_t n = 6; n-- != 0;) {
    const GranuleBits longer = starts & rows[n] >> length;
    if (longer == 0) continue;
    starts = longer;
    length += size_t{1} << n;
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
