// Where large blocks lie side by side, and what is kept of their free pages.
#include "allocator/tracts.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;
using Range = Tracts::Range;

constexpr size_t granules_per_mib = MiB / granule_bytes;

class TractsTest : public testing::Test {
 protected:
  TractsTest() {
    fake_os::set_clock_ms(1'000'000);
    fake_os::set_address_space_bytes_max(SIZE_MAX);
  }
  ~TractsTest() override { tracts.validate(); }

  Range take(size_t count, Tracts::Placement placement = Tracts::Placement::low) {
    const Range range = tracts.take_locked(count, granule_bytes, placement);
    EXPECT_NE(range.tract, nullptr);
    return range;
  }
  void give(const Range& range) { tracts.give_locked(*range.tract, range.first, range.count); }
  static void* start_of(const Range& range) { return pointer_to(range.tract->address_at(range.first)); }
  static size_t bytes_of(const Range& range) { return range.count * granule_bytes; }
  static void write(const Range& range) { memset(start_of(range), 1, bytes_of(range)); }
  static bool is_dirty(const Range& range) { return range.dirty_first != range.dirty_end; }

  static size_t resident_pages(const Range& range) {
    std::vector<unsigned char> residency(bytes_of(range) / 4096);
    EXPECT_EQ(mincore(start_of(range), bytes_of(range), residency.data()), 0);
    size_t resident = 0;
    for (const unsigned char page : residency) resident += page & 1U;
    return resident;
  }

  Tracts tracts;
};

TEST_F(TractsTest, NeighboursShareATractAndReadZeroAtFirst) {
  const Range a = take(20);
  const Range b = take(30);
  EXPECT_EQ(a.tract, b.tract);
  EXPECT_EQ(b.first, a.first + 20);
  EXPECT_FALSE(is_dirty(a) || is_dirty(b));
  EXPECT_TRUE(test::is_zero(start_of(b), bytes_of(b)));
}

TEST_F(TractsTest, WarmGranulesAreUsedFirstAndToldFromFreshOnes) {
  const Range a = take(20);
  give(a);
  const Range b = take(50);
  EXPECT_EQ(b.first, a.first);
  EXPECT_EQ(b.dirty_first, a.first);
  EXPECT_EQ(b.dirty_end, a.first + 20);
}

TEST_F(TractsTest, WhatIsKeptDirtyNeverExceedsTheMostInUse) {
  constexpr size_t slack = 2 * granules_per_mib;
  const Range a = take(100);
  const Range b = take(100);
  write(a);
  give(a);
  EXPECT_EQ(resident_pages(a), bytes_of(a) / 4096) << "within what was in use before";
  const Range c = take(150);
  EXPECT_EQ(c.first, b.first + 100) << "no room between";
  EXPECT_LE(resident_pages(a) * 4096, slack * granule_bytes);
  const Range d = take(100);
  EXPECT_EQ(d.dirty_first, a.first);
  EXPECT_EQ(d.dirty_end, a.first + slack) << "the highest granules come last into use, and go first to the system";
}

TEST_F(TractsTest, DirtyGranulesGoBackWhenTheDelayIsOver) {
  const Range kept = take(1);
  const Range freed = take(30);
  write(freed);
  give(freed);
  EXPECT_FALSE(tracts.is_due(1'000'000));
  EXPECT_FALSE(tracts.purge_locked(1'000'000));
  EXPECT_NE(resident_pages(freed), 0U);
  EXPECT_TRUE(tracts.is_due(1'000'001));
  EXPECT_TRUE(tracts.purge_locked(1'000'001));
  EXPECT_EQ(resident_pages(freed), 0U);
  EXPECT_FALSE(tracts.is_dirty());
  give(kept);
}

TEST_F(TractsTest, AnEmptyTractGoesBackAsAWhole) {
  give(take(30));
  const uint64_t releases = fake_os::calls(Call::release);
  EXPECT_TRUE(tracts.purge_locked(UINT64_MAX));
  EXPECT_EQ(fake_os::calls(Call::release), releases + 1);
  EXPECT_FALSE(tracts.purge_locked(UINT64_MAX));
  EXPECT_FALSE(is_dirty(take(30)));
}

TEST_F(TractsTest, WithoutADelayNothingIsKept) {
  settings.purge_ms = 0;
  const Range range = take(30);
  write(range);
  give(range);
  EXPECT_EQ(resident_pages(range), 0U);
  EXPECT_FALSE(tracts.is_dirty());
}

TEST_F(TractsTest, RefusedPurgesAreTriedAgainWhenTheDelayIsOver) {
  const Range kept = take(1);
  give(take(30));
  fake_os::fail(Call::purge, 1, Failure::from_then_on);
  EXPECT_FALSE(tracts.purge_locked(UINT64_MAX));
  EXPECT_FALSE(tracts.is_due(1'000'000)) << "not at each look at the clock";
  EXPECT_TRUE(is_dirty(take(30))) << "not taken for zero";
  fake_os::heal();
  give(kept);
}

TEST_F(TractsTest, BlocksGrowIntoTheGranulesBehindThem) {
  const Range a = take(20, Tracts::Placement::with_room);
  EXPECT_TRUE(tracts.extend_locked(*a.tract, a.first, 20, 100));
  const Range b = take(20);
  EXPECT_GE(b.first, a.first + 100);
  EXPECT_FALSE(tracts.extend_locked(*a.tract, a.first, 100, b.first + 1 - a.first));
  memset(start_of(a), 1, 100 * granule_bytes);
}

TEST_F(TractsTest, BlocksThatGrowHaveRoomBehindThem) {
  const Range low = take(10);
  const Range between = take(20);
  const Range behind = take(10);
  give(between);
  const Range growing = take(10, Tracts::Placement::with_room);
  EXPECT_GT(growing.first, behind.first) << "a hole of 20 is no room for ten to grow";
  EXPECT_EQ(take(10).first, low.first + 10);
}

TEST_F(TractsTest, UnderALimitOfAddressSpaceThereAreNone) {
  fake_os::set_address_space_bytes_max(64 * GiB);
  EXPECT_EQ(tracts.take_locked(1, granule_bytes, Tracts::Placement::low).tract, nullptr);
}

TEST_F(TractsTest, RefusalsLeaveNothingTaken) {
  for (const Call call : {Call::reserve, Call::commit}) {
    fake_os::fail(call, 1, Failure::from_then_on);
    EXPECT_EQ(tracts.take_locked(40, granule_bytes, Tracts::Placement::low).tract, nullptr);
    fake_os::heal();
    tracts.validate();
  }
  write(take(40));
}

TEST_F(TractsTest, AFullTractIsFollowedByAnother) {
  const Range a = take(tract_granules - 10);
  const Range b = take(20);
  EXPECT_NE(a.tract, b.tract);
  EXPECT_EQ(take(10).tract, a.tract);
}

TEST_F(TractsTest, BlocksThatTouchLittleLeaveLittleBehind) {
  size_t most_resident = 0;
  for (int i = 0; i < 2000; ++i) {
    const Range range = take(granules_per_mib * (1 + static_cast<size_t>(i) * 7 % 50));
    memset(start_of(range), 1, 100);
    memset(pointer_to(address_of(start_of(range)) + bytes_of(range) - 100), 1, 100);
    give(range);
    most_resident = std::max(most_resident, resident_pages({range.tract, 0, 50 * granules_per_mib, 0, 0}));
  }
  EXPECT_LT(most_resident, 400U);
  EXPECT_EQ(fake_os::huge_page_advices(), 0U);
}

TEST_F(TractsTest, BlocksGetHugePagesOnceThoseFreedWereWrittenAsAWhole) {
  const Range first = take(8 * granules_per_mib);
  EXPECT_EQ(fake_os::huge_page_advices(), 0U);
  write(first);
  give(first);
  (void)tracts.purge_locked(UINT64_MAX);
  const Range second = take(16 * granules_per_mib);
  EXPECT_EQ(fake_os::huge_page_advices(), 1U);
  give(second);
  EXPECT_EQ(fake_os::small_page_advices(), 1U) << "the second was not written";
  (void)tracts.purge_locked(UINT64_MAX);
  (void)take(16 * granules_per_mib);
  EXPECT_EQ(fake_os::huge_page_advices(), 1U);
}

TEST_F(TractsTest, HugePagesAreNotAskedForWhereTheyAreOff) {
  settings.huge_pages = HugePagesSetting::off;
  const Range first = take(8 * granules_per_mib);
  write(first);
  give(first);
  (void)take(16 * granules_per_mib);
  EXPECT_EQ(fake_os::huge_page_advices(), 0U);
}

TEST_F(TractsTest, AChildThatForgotItsTractsKeepsTheBlocksInUse) {
  const Range old = take(30);
  write(old);
  tracts.forget_after_fork();
  const Range fresh = take(30);
  EXPECT_NE(fresh.tract, old.tract);
  EXPECT_FALSE(tracts.extend_locked(*old.tract, old.first, 30, 40));
  give(old);
  EXPECT_EQ(resident_pages(old), 0U);
  EXPECT_FALSE(tracts.is_dirty());
}

}  // namespace
}  // namespace bursar
