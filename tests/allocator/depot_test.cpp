// The depot: runs out of segments, and back.
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

class DepotTest : public test::WithStillClock {};

TEST_F(DepotTest, ARunIsEnteredInThePageMapWithAZeroedRecord) {
  Zeroed zeroed = Zeroed::no;
  bursar::Run* run = depot.acquire(3, 1, RunKind::bump, zeroed);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->kind, RunKind::bump);
  EXPECT_EQ(run->granules, 3);
  EXPECT_EQ(run->size_class, 0);
  EXPECT_EQ(run->owner.load(), 0U);
  EXPECT_TRUE(test::is_zero(run + 1, run_record_bytes - sizeof(bursar::Run)));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(page_map.run_of(pointer_to(run->start + i * granule_bytes)), run);
  EXPECT_EQ(page_map.run_of(pointer_to(run->start + 3 * granule_bytes)), nullptr);
  EXPECT_EQ(zeroed, Zeroed::yes);
  EXPECT_TRUE(test::is_zero(start_of(*run), bytes_of(*run)));
}

TEST_F(DepotTest, ARetiredRunIsGoneFromThePageMap) {
  bursar::Run* run = acquire_run(2);
  const uintptr_t start = run->start;
  run->owner.store(ThreadHeap::thread_identity());
  depot.retire(run);
  for (size_t i = 0; i < 2; ++i) {
    const void* pointer = pointer_to(start + i * granule_bytes);
    EXPECT_EQ(page_map.run_of(pointer), nullptr);
    bursar::Run* found = nullptr;
    EXPECT_FALSE(page_map.find_run(pointer, found) && ThreadHeap::is_own(*found))
        << "nobody's free takes the fast path";
  }
}

TEST_F(DepotTest, ARunIsAlignedAsAsked) {
  for (size_t alignment = 1; alignment <= 32; alignment *= 2) {
    for (const size_t granules : {1, 3, 31}) {
      bursar::Run* run = acquire_run(granules, alignment);
      ASSERT_NE(run, nullptr);
      EXPECT_EQ(run->start % (alignment * granule_bytes), 0U);
    }
  }
}

TEST_F(DepotTest, ARunMayTakeAWholeSegment) {
  bursar::Run* run = acquire_run(segment_granules);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->start % segment_bytes, 0U);
  memset(start_of(*run), 1, segment_bytes);
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
  bursar::Run* next = acquire_run(1);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(depot.measure().segments_bytes, 2 * segment_bytes);
}

TEST_F(DepotTest, AUsedRunDoesNotClaimToReadZero) {
  bursar::Run* run = acquire_run(2);
  memset(start_of(*run), 1, bytes_of(*run));
  const uintptr_t start = run->start;
  depot.retire(run);
  Zeroed zeroed = Zeroed::yes;
  run = depot.acquire(2, 1, RunKind::pages, zeroed);
  ASSERT_EQ(run->start, start) << "the lowest fitting place is used again";
  EXPECT_EQ(zeroed, Zeroed::no);
}

TEST_F(DepotTest, TheSegmentWithTheLeastRoomServesFirst) {
  bursar::Run* first = acquire_run(40);
  bursar::Run* second = acquire_run(50);  // another segment, with less room
  const Segment* fuller = second->segment;
  ASSERT_NE(first->segment, fuller);
  bursar::Run* third = acquire_run(10);
  EXPECT_EQ(third->segment, fuller);
  bursar::Run* fourth = acquire_run(14);
  EXPECT_NE(fourth->segment, fuller) << "14 fit there together, but 10 of them are taken";
}

TEST_F(DepotTest, AnEmptySegmentGoesBackToTheSystem) {
  bursar::Run* run = acquire_run(5);
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
  depot.retire(run);
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes) << "kept for a while";
  EXPECT_TRUE(depot.purge_all());
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
  EXPECT_EQ(depot.measure().committed_bytes, 0U);
  EXPECT_FALSE(depot.purge_all()) << "nothing is left";
}

TEST_F(DepotTest, ASegmentThatCannotGoBackIsUsedAgain) {
  bursar::Run* run = acquire_run(5);
  const uintptr_t start = run->start;
  depot.retire(run);
  fake_os::fail(Call::release, 1, Failure::from_then_on);
  (void)depot.purge_all();
  fake_os::heal();
  EXPECT_EQ(depot.measure().segments_bytes, segment_bytes);
  run = acquire_run(5);
  EXPECT_EQ(run->start, start);
}

TEST_F(DepotTest, GrowsIntoFreeGranules) {
  bursar::Run* run = acquire_run(2);
  memset(start_of(*run), 1, bytes_of(*run));
  ASSERT_TRUE(depot.grow(run, 9));
  EXPECT_EQ(run->granules, 9);
  memset(start_of(*run), 2, bytes_of(*run));
  EXPECT_EQ(page_map.run_of(pointer_to(run->start + 9 * granule_bytes - 1)), run);
  ASSERT_TRUE(depot.grow(run, segment_granules)) << "to the end of the segment";
  EXPECT_FALSE(depot.grow(run, segment_granules + 1));
  memset(start_of(*run), 3, bytes_of(*run));
}

TEST_F(DepotTest, DoesNotGrowIntoAnotherRun) {
  bursar::Run* run = acquire_run(2);
  bursar::Run* next = acquire_run(2);
  ASSERT_EQ(next->start, run->start + 2 * granule_bytes);
  EXPECT_FALSE(depot.grow(run, 3));
  EXPECT_EQ(run->granules, 2);
  depot.retire(next);
  EXPECT_TRUE(depot.grow(run, 3));
}

TEST_F(DepotTest, ShrinksFromAbove) {
  bursar::Run* run = acquire_run(6);
  depot.shrink(run, 2);
  EXPECT_EQ(run->granules, 2);
  EXPECT_EQ(page_map.run_of(pointer_to(run->start + 2 * granule_bytes - 1)), run);
  EXPECT_EQ(page_map.run_of(pointer_to(run->start + 2 * granule_bytes)), nullptr);
  bursar::Run* next = acquire_run(4);
  EXPECT_EQ(next->start, run->start + 2 * granule_bytes);
}

TEST_F(DepotTest, SegmentsBeyondTheThresholdHaveHugePages) {
  std::vector<bursar::Run*> runs;
  for (size_t bytes = 0; bytes < 24 * MiB; bytes += segment_bytes) runs.push_back(acquire_run(segment_granules));
  for (const bursar::Run* run : runs) EXPECT_EQ(run->segment->huge_pages, HugePages::no);
  EXPECT_EQ(acquire_run(1)->segment->huge_pages, HugePages::yes);
}

TEST_F(DepotTest, HugePagesCanBeSwitchedOff) {
  settings.huge_pages = HugePagesSetting::off;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(acquire_run(segment_granules)->segment->huge_pages, HugePages::no);
}

TEST_F(DepotTest, SmallProcessesCommitAFewGranulesAtATime) {
  (void)acquire_run(1);
  EXPECT_LE(depot.measure().committed_bytes, MiB);
  EXPECT_EQ(depot.measure().free_bytes, depot.measure().committed_bytes - granule_bytes);
}

TEST_F(DepotTest, RefusesWithoutLosingAnything) {
  fake_os::fail(Call::commit, 1, Failure::from_then_on);
  EXPECT_EQ(acquire_run(1), nullptr);
  fake_os::heal();
  fake_os::fail(Call::reserve, 1, Failure::from_then_on);
  EXPECT_EQ(acquire_run(segment_granules), nullptr);
  fake_os::heal();
  bursar::Run* run = acquire_run(segment_granules);
  ASSERT_NE(run, nullptr);
  fake_os::fail(Call::reserve, 1, Failure::from_then_on);
  EXPECT_EQ(acquire_run(1), nullptr) << "the only segment is full";
  fake_os::heal();
  depot.retire(run);
  (void)depot.purge_all();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
}

TEST_F(DepotTest, CommitsLessWhenMoreIsRefused) {
  (void)acquire_run(512 * KiB / granule_bytes);
  const size_t before = depot.measure().committed_bytes;
  fake_os::fail(Call::commit, 1, Failure::once);
  bursar::Run* run = acquire_run(1);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(depot.measure().committed_bytes - before, granule_bytes);
  memset(start_of(*run), 1, granule_bytes);
}

TEST_F(DepotTest, AChildThatForgotItsSegmentsKeepsTheRunsInUse) {
  bursar::Run* old_run = acquire_run(2);
  memset(start_of(*old_run), 1, bytes_of(*old_run));
  depot.lock().acquire();
  depot.forget_after_fork();
  EXPECT_FALSE(depot.lock().is_held());
  EXPECT_EQ(page_map.run_of(start_of(*old_run)), old_run);
  bursar::Run* new_run = acquire_run(2);
  ASSERT_NE(new_run, nullptr);
  EXPECT_NE(new_run->segment, old_run->segment);
  EXPECT_FALSE(depot.grow(old_run, 3));
  depot.shrink(old_run, 1);
  EXPECT_EQ(old_run->granules, 1);
  const void* start = start_of(*old_run);
  depot.retire(old_run);
  EXPECT_EQ(page_map.run_of(start), nullptr);
  depot.validate();
  depot.retire(new_run);
  (void)depot.purge_all();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
}

/// Runs with known contents, held against what the depot says of them.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void step() {
    switch (random_.below(12)) {
      case 0: return purge();
      case 1: return grow();
      case 2: return shrink();
      case 3:
      case 4:
      case 5:
      case 6: return retire();
      default: return acquire_one();
    }
  }

  void end() {
    while (!runs_.empty() && !testing::Test::HasFatalFailure()) retire();
  }

 private:
  struct Held {
    bursar::Run* run;
    uint64_t mark;
  };

  void acquire_one() {
    if (runs_.size() > 60) return retire();
    const size_t granules = random_.one_in(4) ? random_.between(1, segment_granules) : random_.between(1, 4);
    const size_t alignment = random_.one_in(4) ? size_t{1} << random_.below(6) : 1;
    Zeroed zeroed{};
    bursar::Run* run = depot.acquire(granules, alignment, RunKind::pages, zeroed);
    ASSERT_NE(run, nullptr);
    ASSERT_EQ(run->granules, granules);
    ASSERT_EQ(run->start % (alignment * granule_bytes), 0U);
    ASSERT_TRUE(zeroed == Zeroed::no || is_zero_here_and_there(*run));
    runs_.push_back({run, random_.next()});
    refill(runs_.back());
  }

  bool is_zero_here_and_there(const bursar::Run& run) {
    for (size_t offset = 0; offset < bytes_of(run); offset += 16 * KiB) {
      if (!test::is_zero(pointer_to(run.start + offset), 64)) return false;
    }
    return true;
  }

  void refill(Held& held) {
    for (size_t offset = 0; offset < bytes_of(*held.run); offset += 16 * KiB) {
      test::fill(pointer_to(held.run->start + offset), 64, held.mark + offset);
    }
  }

  void check(const Held& held) {
    for (size_t offset = 0; offset < bytes_of(*held.run); offset += 16 * KiB) {
      void* place = pointer_to(held.run->start + offset);
      ASSERT_EQ(page_map.run_of(place), held.run);
      ASSERT_TRUE(test::holds(place, 64, held.mark + offset));
    }
  }

  void retire() {
    if (runs_.empty()) return;
    std::swap(runs_[random_.below(runs_.size())], runs_.back());
    check(runs_.back());
    depot.retire(runs_.back().run);
    runs_.pop_back();
  }

  void grow() {
    if (runs_.empty()) return;
    Held& held = runs_[random_.below(runs_.size())];
    if (held.run->granules == segment_granules) return;
    const size_t granules = random_.between(held.run->granules + size_t{1}, segment_granules);
    const size_t before = held.run->granules;
    const bool has_grown = depot.grow(held.run, granules);
    ASSERT_EQ(held.run->granules, has_grown ? granules : before);
    refill(held);
  }

  void shrink() {
    if (runs_.empty()) return;
    Held& held = runs_[random_.below(runs_.size())];
    if (held.run->granules == 1) return;
    depot.shrink(held.run, random_.between(1, held.run->granules - size_t{1}));
    check(held);
  }

  void purge() {
    fake_os::advance_clock_ms(random_.below(2000));
    if (random_.one_in(3)) {
      (void)depot.purge_all();
    } else {
      depot.purge_due();
    }
  }

  test::Random random_;
  std::vector<Held> runs_;
};

class DepotModelTest : public DepotTest, public testing::WithParamInterface<HugePagesSetting> {};

TEST_P(DepotModelTest, AgreesWithAModel) {
  settings.huge_pages = GetParam();
  Model model(test::told_seed());
  const int steps = test::is_slow_build() ? 2000 : 10'000;
  for (int step = 0; step < steps; ++step) {
    model.step();
    if (HasFatalFailure()) return;
    depot.validate();
  }
  model.end();
  (void)depot.purge_all();
  depot.validate();
  EXPECT_EQ(depot.measure().segments_bytes, 0U);
  EXPECT_EQ(depot.measure().committed_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(HugePages, DepotModelTest,
                         testing::Values(HugePagesSetting::off, HugePagesSetting::automatic, HugePagesSetting::on));

}  // namespace
}  // namespace bursar::test
