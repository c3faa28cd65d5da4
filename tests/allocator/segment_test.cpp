// A segment's bits, against a model that looks at each.
#include "allocator/segment.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

bool has_run_at(GranuleBits bits, size_t first, size_t count) {
  if (first + count > segment_granules) return false;
  for (size_t i = first; i < first + count; ++i) {
    if ((bits >> i & 1) == 0) return false;
  }
  return true;
}

size_t find_run_slowly(GranuleBits bits, size_t count, size_t alignment) {
  for (size_t first = 0; first < segment_granules; first += alignment) {
    if (has_run_at(bits, first, count)) return first;
  }
  return segment_granules;
}

size_t longest_run_slowly(GranuleBits bits) {
  size_t longest = 0;
  for (size_t first = 0; first < segment_granules; ++first) {
    while (has_run_at(bits, first, longest + 1)) ++longest;
  }
  return longest;
}

void compare(GranuleBits bits) {
  ASSERT_EQ(longest_run(bits), longest_run_slowly(bits)) << std::hex << bits;
  for (size_t alignment = 1; alignment <= segment_granules; alignment *= 2) {
    for (size_t count = 1; count <= segment_granules; ++count) {
      ASSERT_EQ(find_run(bits, count, alignment), find_run_slowly(bits, count, alignment))
          << std::hex << bits << std::dec << ", count " << count << ", alignment " << alignment;
    }
  }
}

TEST(Segment, FindsRunsInPatternsOfEveryDensity) {
  test::Random random(test::told_seed());
  const int rounds = test::is_slow_build() ? 10 : 50;
  for (int round = 0; round < rounds; ++round) {
    const GranuleBits a = random.next();
    const GranuleBits b = random.next();
    const GranuleBits c = random.next();
    for (const GranuleBits bits : {a, a & b, a & b & c, a | b, a | b | c, a | b | c | random.next()}) {
      compare(bits);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Segment, FindsRunsAtTheEnds) {
  for (const GranuleBits bits : {GranuleBits{0}, ~GranuleBits{0}, GranuleBits{1}, GranuleBits{1} << 63,
                                 granule_bits(0, 63), granule_bits(1, 63), granule_bits(32, 32), granule_bits(0, 32)}) {
    compare(bits);
    if (HasFatalFailure()) return;
  }
}

TEST(Segment, BitsOfARunAreItsGranules) {
  EXPECT_EQ(granule_bits(0, 64), ~GranuleBits{0});
  EXPECT_EQ(granule_bits(0, 1), GranuleBits{1});
  EXPECT_EQ(granule_bits(63, 1), GranuleBits{1} << 63);
  EXPECT_EQ(granule_bits(4, 3), GranuleBits{0x70});
  EXPECT_EQ(granule_bits(5, 0), GranuleBits{0});
}

/// Granules 4 to 7 in use by one run, 0 to 3 dirty, 8 and above never touched.
std::unique_ptr<Segment> make_segment() {
  auto segment = std::make_unique<Segment>();
  segment->start = 16 * segment_bytes;
  segment->free_granules = ~granule_bits(4, 4);
  segment->dirty = granule_bits(0, 4);
  segment->committed = 8;
  Run& run = *segment->record_of(4);
  run.start = segment->start + 4 * granule_bytes;
  run.segment = segment.get();
  run.kind = RunKind::pages;
  run.granules = 4;
  return segment;
}

const testing::KilledBySignal aborted(SIGABRT);

TEST(Segment, ValidateAcceptsASegmentInOrder) { validate(*make_segment()); }

TEST(Segment, ValidateSeesAFreeGranuleInARun) {
  auto segment = make_segment();
  segment->free_granules |= granule_bits(5, 1);
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesADirtyGranuleInUse) {
  auto segment = make_segment();
  segment->dirty |= granule_bits(6, 1);
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesADirtyGranuleThatWasNeverTouched) {
  auto segment = make_segment();
  segment->dirty |= granule_bits(9, 1);
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesARunThatWasNotCommitted) {
  auto segment = make_segment();
  segment->committed = 7;
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesARunWithoutARecord) {
  auto segment = make_segment();
  segment->record_of(4)->kind = RunKind::unused;
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesARecordWithoutARun) {
  auto segment = make_segment();
  segment->record_of(2)->kind = RunKind::slab;
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

TEST(Segment, ValidateSeesARecordOfAnotherPlace) {
  auto segment = make_segment();
  segment->record_of(4)->start += granule_bytes;
  EXPECT_EXIT(validate(*segment), aborted, "broken invariant");
}

}  // namespace
}  // namespace bursar
