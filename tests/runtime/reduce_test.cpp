// Sums, extremes and counts against loops that add one number after the other.
#include "bursar/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/runtime/seed.h"

namespace {

template <typename T>
class Reduce : public testing::Test {
 protected:
  /// Small whole numbers: sums are exact in every type.
  std::vector<T> random_values(std::size_t count) {
    std::vector<T> values(count);
    std::uniform_int_distribution<int> distribution(-1000, 1000);
    for (T& value : values) value = static_cast<T>(distribution(random));
    return values;
  }
  std::mt19937_64 random{bursar::testing::seed()};
};
using Types = testing::Types<float, double, std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(Reduce, Types);

TYPED_TEST(Reduce, GivesWhatALoopGivesForEveryLength) {
  for (std::size_t count = 0; count < 300; ++count) {
    const std::vector<TypeParam> values = this->random_values(count);
    std::int64_t sum = 0;
    for (const TypeParam value : values) sum += static_cast<std::int64_t>(value);
    const std::span<const TypeParam> span(values);
    ASSERT_EQ(static_cast<std::int64_t>(bursar::reduce::sum(span)), sum) << count;
    ASSERT_EQ(bursar::reduce::count_greater(span, TypeParam{100}),
              static_cast<std::size_t>(std::ranges::count_if(values, [](TypeParam value) { return value > 100; })));
    if (count == 0) continue;
    ASSERT_EQ(bursar::reduce::minimum(span), *std::ranges::min_element(values)) << count;
    ASSERT_EQ(bursar::reduce::maximum(span), *std::ranges::max_element(values)) << count;
  }
}

TYPED_TEST(Reduce, TakesStartsThatAreNotAligned) {
  const std::vector<TypeParam> values = this->random_values(1000);
  for (std::size_t start = 0; start < 20; ++start) {
    const auto span = std::span<const TypeParam>(values).subspan(start);
    std::int64_t sum = 0;
    for (const TypeParam value : span) sum += static_cast<std::int64_t>(value);
    ASSERT_EQ(static_cast<std::int64_t>(bursar::reduce::sum(span)), sum);
  }
}

TYPED_TEST(Reduce, KnowsTheExtremesOfTheType) {
  std::vector<TypeParam> values(100, std::numeric_limits<TypeParam>::max());
  values[77] = std::numeric_limits<TypeParam>::lowest();
  const std::span<const TypeParam> span(values);
  EXPECT_EQ(bursar::reduce::minimum(span), std::numeric_limits<TypeParam>::lowest());
  EXPECT_EQ(bursar::reduce::maximum(span), std::numeric_limits<TypeParam>::max());
  EXPECT_EQ(bursar::reduce::count_greater(span, std::numeric_limits<TypeParam>::lowest()), 99u);
}

TEST(ReduceInt32, AddsUpBeyondThirtyTwoBits) {
  const std::vector<std::int32_t> values(1000, std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(bursar::reduce::sum(std::span<const std::int32_t>(values)),
            1000LL * std::numeric_limits<std::int32_t>::max());
}

TEST(ReduceInt64, Wraps) {
  const std::vector<std::int64_t> values(100, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(bursar::reduce::sum(std::span<const std::int64_t>(values)), -100);
}

TEST(ReduceFloat, IsNoLessExactThanALoop) {
  std::mt19937_64 random(bursar::testing::seed());
  std::uniform_real_distribution<float> distribution(0, 1);
  std::vector<float> values(1'000'000);
  for (float& value : values) value = distribution(random);
  double exact = 0;
  float loop = 0;
  for (const float value : values) {
    exact += static_cast<double>(value);
    loop += value;
  }
  const auto error_of = [&](float sum) { return std::abs(static_cast<double>(sum) - exact); };
  EXPECT_LE(error_of(bursar::reduce::sum(std::span<const float>(values))), error_of(loop));
}

TEST(ReduceFloat, ANanIsNotGreater) {
  const std::vector<float> values(100, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(bursar::reduce::count_greater(std::span<const float>(values), 0), 0u);
}

TEST(ReduceInstructions, HaveAName) { EXPECT_NE(bursar::reduce::instructions(), nullptr); }

}  // namespace
