// Numbers in few characters: where the digits and the units change.
#include "interpose/account/render_numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace bursar::ledger;

std::string text(Cell cell) { return cell.c_str(); }

TEST(RenderNumbers, GroupsByThousands) {
  EXPECT_EQ(text(grouped(0)), "0");
  EXPECT_EQ(text(grouped(999)), "999");
  EXPECT_EQ(text(grouped(1'000)), "1,000");
  EXPECT_EQ(text(grouped(UINT64_MAX)), "18,446,744,073,709,551,615");
}

TEST(RenderNumbers, BytesHaveThreeDigits) {
  EXPECT_EQ(text(bytes_text(0)), "0 B");
  EXPECT_EQ(text(bytes_text(1'023)), "1,023 B");
  EXPECT_EQ(text(bytes_text(1'024)), "1.00 KiB");
  EXPECT_EQ(text(bytes_text(1'075)), "1.05 KiB");
  EXPECT_EQ(text(bytes_text(10'235)), "10.0 KiB");
  EXPECT_EQ(text(bytes_text(102'400)), "100 KiB");
  EXPECT_EQ(text(bytes_text(1'234'567)), "1.18 MiB");
  EXPECT_EQ(text(bytes_text(UINT64_MAX)), "16.0 EiB");
}

TEST(RenderNumbers, BytesChangeTheUnitWhereRoundingReachesIt) {
  EXPECT_EQ(text(bytes_text(1'023 * 1'024 + 511)), "1023 KiB");
  EXPECT_EQ(text(bytes_text(1'023 * 1'024 + 512)), "1.00 MiB");
  EXPECT_EQ(text(bytes_text((uint64_t{1} << 50) - 1)), "1.00 PiB");
}

TEST(RenderNumbers, DurationsChangeTheUnit) {
  EXPECT_EQ(text(duration_text(0)), "0 s");
  EXPECT_EQ(text(duration_text(999)), "999 ns");
  EXPECT_EQ(text(duration_text(1'000)), "1.00 us");
  EXPECT_EQ(text(duration_text(999'499)), "999 us");
  EXPECT_EQ(text(duration_text(999'500)), "1.00 ms");
  EXPECT_EQ(text(duration_text(1'234'567'890)), "1.23 s");
  EXPECT_EQ(text(duration_text(99'940'000'000)), "99.9 s");
  EXPECT_EQ(text(duration_text(100'000'000'000)), "1 min 40 s");
  EXPECT_EQ(text(duration_text(7'325'000'000'000)), "122 min 5 s");
}

TEST(RenderNumbers, PercentHasOnePlace) {
  EXPECT_EQ(text(percent_text(0, 0)), "-");
  EXPECT_EQ(text(percent_text(0, 5)), "0.0 %");
  EXPECT_EQ(text(percent_text(1, 3)), "33.3 %");
  EXPECT_EQ(text(percent_text(7, 7)), "100.0 %");
  EXPECT_EQ(text(percent_text(UINT64_MAX, UINT64_MAX)), "100.0 %");
  EXPECT_EQ(text(percent_text(UINT64_MAX / 2, UINT64_MAX)), "50.0 %");
}

TEST(RenderNumbers, RatesSurviveLargeCounts) {
  EXPECT_EQ(per_second(10, 2'000'000'000), 5U);
  EXPECT_EQ(per_second(1, 1), 1'000'000'000U);
  EXPECT_EQ(per_second(20'000'000'000'000'000, 2'000'000'000), 10'000'000'000'000'000U);
}

}  // namespace
