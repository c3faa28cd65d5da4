// A tract's bits.
#include "allocator/tract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

class TractTest : public testing::Test {
 protected:
  TractTest() : tract(*memory_) {
    tract.start = 64 * GiB;
    tract.committed = tract_granules;
    tract.longest_free_max = tract_granules;
  }
  ~TractTest() override { tract::validate(tract); }

  size_t find(size_t count, size_t alignment = granule_bytes, size_t room = 0) {
    return tract::find(tract, count, alignment, room);
  }

 private:
  std::unique_ptr<Tract> memory_ = std::make_unique<Tract>();

 protected:
  Tract& tract;
};

TEST_F(TractTest, TheLowestPlaceThatFitsIsFound) {
  EXPECT_EQ(find(tract_granules), 0U);
  EXPECT_EQ(tract::take(tract, 0, 100), 0U);
  EXPECT_EQ(tract::take(tract, 110, 10), 0U);
  EXPECT_EQ(find(10), 100U);
  EXPECT_EQ(find(11), 120U);
  EXPECT_EQ(find(tract_granules), tract_granules);
}

TEST_F(TractTest, APlaceWithRoomHasItBehind) {
  tract::take(tract, 20, 10);
  EXPECT_EQ(find(5, granule_bytes, 15), 0U);
  EXPECT_EQ(find(5, granule_bytes, 16), 30U);
}

TEST_F(TractTest, APlaceIsAlignedByItsAddress) {
  tract.start += 3 * granule_bytes;
  tract::take(tract, 0, 1);
  EXPECT_EQ(find(1, 4 * granule_bytes), 1U);
  tract::take(tract, 1, 1);
  EXPECT_EQ(find(1, 4 * granule_bytes), 5U);
  EXPECT_EQ(find(1, 2 * MiB), 2 * MiB / granule_bytes - 3);
}

TEST_F(TractTest, WhatIsGivenBackIsDirtyUntilItIsTaken) {
  tract::take(tract, 60, 10);
  tract::give(tract, 62, 5);
  EXPECT_EQ(tract.dirty.next_set(0, tract_granules), 62U);
  EXPECT_EQ(tract.dirty.next_clear(62, tract_granules), 67U);
  EXPECT_EQ(tract::take(tract, 62, 3), 3U);
  EXPECT_EQ(tract.dirty.next_set(0, tract_granules), 65U);
}

TEST_F(TractTest, GranulesBeyondTheEndAreNotFree) {
  EXPECT_TRUE(tract::is_free(tract, tract_granules - 2, 2));
  EXPECT_FALSE(tract::is_free(tract, tract_granules - 2, 3));
  tract::take(tract, 5, 1);
  EXPECT_FALSE(tract::is_free(tract, 4, 2));
}

TEST_F(TractTest, RowsAreFoundFromBothEnds) {
  tract.dirty.set(63, 2);
  tract.dirty.set(200, 100);
  EXPECT_EQ(tract.dirty.last_set_end(tract_granules), 300U);
  EXPECT_EQ(tract.dirty.row_begin(300), 200U);
  EXPECT_EQ(tract.dirty.last_set_end(200), 65U);
  EXPECT_EQ(tract.dirty.row_begin(65), 63U);
  EXPECT_EQ(tract.dirty.last_set_end(63), 0U);
  EXPECT_EQ(tract.dirty.clear(0, tract_granules), 102U);
}

TEST_F(TractTest, AgreesWithAModel) {
  test::Random random(test::told_seed());
  std::vector<bool> used(tract_granules);
  std::vector<std::pair<size_t, size_t>> held;
  const auto lowest_fit = [&used](size_t count) {
    size_t row = 0;
    for (size_t granule = 0; granule < tract_granules; ++granule) {
      row = used[granule] ? 0 : row + 1;
      if (row == count) return granule + 1 - count;
    }
    return tract_granules;
  };
  for (int step = 0; step < 2000; ++step) {
    if (!held.empty() && random.one_in(2)) {
      std::swap(held[random.below(held.size())], held.back());
      const auto [first, count] = held.back();
      held.pop_back();
      tract::give(tract, first, count);
      std::fill_n(used.begin() + static_cast<long>(first), count, false);
    } else {
      const size_t count = random.between(1, random.one_in(4) ? 2000 : 100);
      const size_t first = find(count);
      ASSERT_EQ(first, lowest_fit(count));
      if (first == tract_granules) continue;
      tract::take(tract, first, count);
      std::fill_n(used.begin() + static_cast<long>(first), count, true);
      held.emplace_back(first, count);
    }
    if (step % 50 == 0) tract::validate(tract);
  }
}

}  // namespace
}  // namespace bursar
