// The depot: when free memory goes back to the system.
#include "allocator/depot.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "allocator/page_map.h"
#include "allocator/settings.h"
#include "tests/allocator/depot_user.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

using fake_os::Call;
using fake_os::Failure;

class DepotPurge : public test::WithStillClock {};

TEST_F(DepotPurge, APurgedRunReadsZeroAgain) {
  bursar::Run* keeper = acquire_run(1);
  bursar::Run* run = acquire_run(2);
  memset(start_of(*run), 1, bytes_of(*run));
  const uintptr_t start = run->start;
  depot.retire(run);
  EXPECT_TRUE(depot.purge_all());
  Zeroed zeroed = Zeroed::no;
  run = depot.acquire(2, 1, RunKind::pages, zeroed);
  ASSERT_EQ(run->start, start);
  EXPECT_EQ(zeroed, Zeroed::yes);
  EXPECT_TRUE(test::is_zero(start_of(*run), bytes_of(*run)));
  depot.retire(keeper);
}

TEST_F(DepotPurge, ARefusedPurgeLeavesTheRunDirty) {
  bursar::Run* keeper = acquire_run(1);
  bursar::Run* run = acquire_run(2);
  memset(start_of(*run), 1, bytes_of(*run));
  depot.retire(run);
  fake_os::fail(Call::purge, 1, Failure::once);
  (void)depot.purge_all();
  depot.validate();
  Zeroed zeroed = Zeroed::yes;
  run = depot.acquire(2, 1, RunKind::pages, zeroed);
  EXPECT_TRUE(zeroed == Zeroed::no || test::is_zero(start_of(*run), bytes_of(*run)));
  EXPECT_EQ(zeroed, Zeroed::no);
  depot.retire(keeper);
}

TEST_F(DepotPurge, PurgesWhenTheDelayIsOver) {
  settings.purge_ms = 500;
  bursar::Run* run = acquire_run(1);
  depot.retire(run);
  fake_os::advance_clock_ms(499);
  depot.purge_due();
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
  fake_os::advance_clock_ms(1);
  depot.purge_due();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
}

TEST_F(DepotPurge, ABusySegmentIsPurgedAllTheSame) {
  settings.purge_ms = 500;
  bursar::Run* keeper = acquire_run(1);
  bursar::Run* idle = acquire_run(1);
  bursar::Run* busy = acquire_run(1);
  memset(start_of(*idle), 1, granule_bytes);
  depot.retire(idle);
  const uint64_t purges = fake_os::calls(Call::purge);
  for (int i = 0; i < 20; ++i) {
    fake_os::advance_clock_ms(100);
    depot.retire(busy);
    busy = acquire_run(1);
    depot.purge_due();
  }
  EXPECT_GT(fake_os::calls(Call::purge), purges);
  depot.retire(keeper);
}

TEST_F(DepotPurge, PurgesAtOnceWhenToldTo) {
  settings.purge_ms = 0;
  bursar::Run* keeper = acquire_run(1);
  bursar::Run* run = acquire_run(1);
  memset(start_of(*run), 1, granule_bytes);
  const uint64_t purges = fake_os::calls(Call::purge);
  depot.retire(run);
  EXPECT_EQ(fake_os::calls(Call::purge), purges + 1);
  depot.retire(keeper);
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
}

TEST_F(DepotPurge, NeverPurgesWhenToldSo) {
  settings.purge_ms = -1;
  depot.retire(acquire_run(1));
  fake_os::advance_clock_ms(1'000'000'000);
  depot.purge_due();
  depot.retire(acquire_run(1));
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
  EXPECT_EQ(fake_os::calls(Call::purge), 0U);
}

TEST_F(DepotPurge, WaitsAlsoWhereTheClockIsYoungerThanTheDelay) {
  settings.purge_ms = 3'600'000;
  fake_os::set_clock_ms(600'000);  // ten minutes after the machine started
  depot.retire(acquire_run(1));
  depot.purge_due();
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
}

TEST_F(DepotPurge, ASegmentWithHugePagesGivesBackWholeOnesOnly) {
  settings.huge_pages = HugePagesSetting::on;
  bursar::Run* below = acquire_run(8);
  bursar::Run* above = acquire_run(40);
  ASSERT_EQ(above->start, below->start + 8 * granule_bytes);
  ASSERT_EQ(below->segment->huge_pages, HugePages::yes);
  EXPECT_EQ(depot.measure().committed_bytes, segment_bytes) << "filled densely, so committed as a whole";
  depot.retire(above);
  (void)depot.purge_all();
  EXPECT_EQ(below->segment->dirty, granule_bits(8, 40)) << "it stays whole: a part of it is in use";
  EXPECT_EQ(fake_os::calls(Call::purge), 0U);
  depot.validate();
  depot.retire(below);
  (void)depot.purge_all();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
}

TEST_F(DepotPurge, WantsAttentionWhileMuchFreeMemoryWaitsForTheClock) {
  std::vector<bursar::Run*> runs;
  for (size_t bytes = 0; bytes < 32 * MiB; bytes += segment_bytes) runs.push_back(acquire_run(segment_granules));
  for (bursar::Run* run : runs) {
    EXPECT_FALSE(depot.wants_attention());
    depot.retire(run);
  }
  EXPECT_TRUE(depot.wants_attention());
  depot.validate();
  bursar::Run* again = acquire_run(segment_granules);
  bursar::Run* more = acquire_run(segment_granules);
  EXPECT_FALSE(depot.wants_attention()) << "it is in use";
  depot.retire(again);
  depot.retire(more);
  EXPECT_TRUE(depot.wants_attention());
  (void)depot.purge_all();
  EXPECT_FALSE(depot.wants_attention());
  depot.validate();
}

TEST_F(DepotPurge, WhatAHugePageHoldsBackDoesNotWaitForTheClock) {
  settings.huge_pages = HugePagesSetting::on;
  std::vector<bursar::Run*> in_use;
  std::vector<bursar::Run*> runs;
  for (size_t bytes = 0; bytes < 40 * MiB; bytes += segment_bytes) {
    in_use.push_back(acquire_run(1));
    runs.push_back(acquire_run(segment_granules - 1));
  }
  for (bursar::Run* run : runs) depot.retire(run);
  EXPECT_TRUE(depot.wants_attention());
  (void)depot.purge_all();
  EXPECT_FALSE(depot.wants_attention()) << "no call could give it back";
  for (bursar::Run* run : in_use) depot.retire(run);
  (void)depot.purge_all();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
  depot.validate();
}

}  // namespace
}  // namespace bursar::test
