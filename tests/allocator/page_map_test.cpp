// From an address to what lies there. The addresses need no memory behind them.
#include "allocator/page_map.h"

#include <gtest/gtest.h>

#include <map>

#include "allocator/run.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;

constexpr uintptr_t somewhere = 0x7f12'3440'0000;
static_assert(somewhere % segment_bytes == 0);

Run run_a{};
Run run_b{};

/// One map for each process: every test has its own.
constinit PageMap map;

const void* at(uintptr_t address) { return pointer_to(address); }

TEST(PageMap, KnowsNothingBeforeItCovers) {
  for (const uintptr_t address : {uintptr_t{0}, uintptr_t{16}, somewhere, ~uintptr_t{15}, ~uintptr_t{0}}) {
    EXPECT_EQ(map.run_of(at(address)), nullptr);
    EXPECT_EQ(map.run_below(at(address)), nullptr);
    bursar::Run* run = nullptr;
    EXPECT_FALSE(map.find_run(at(address), run));
  }
}

TEST(PageMap, FindsARunFromEveryAddressInIt) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere + granule_bytes, 2, &run_a);
  map.set_run(somewhere + 3 * granule_bytes, 1, &run_b);
  EXPECT_EQ(map.run_of(at(somewhere + granule_bytes - 1)), nullptr);
  EXPECT_EQ(map.run_of(at(somewhere + granule_bytes)), &run_a);
  EXPECT_EQ(map.run_of(at(somewhere + 3 * granule_bytes - 1)), &run_a);
  EXPECT_EQ(map.run_of(at(somewhere + 3 * granule_bytes)), &run_b);
  EXPECT_EQ(map.run_of(at(somewhere + 4 * granule_bytes)), nullptr);
  map.set_run(somewhere + granule_bytes, 2, nullptr);
  EXPECT_EQ(map.run_of(at(somewhere + granule_bytes)), nullptr);
  EXPECT_EQ(map.run_of(at(somewhere + 3 * granule_bytes)), &run_b);
}

TEST(PageMap, TheFastLookUpTakesMultiplesOfSixteenOnly) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  for (uintptr_t offset = 0; offset < 256; ++offset) {
    bursar::Run* run = nullptr;
    const bool found = map.find_run(at(somewhere + offset), run);
    EXPECT_EQ(found, offset % 16 == 0) << offset;
    EXPECT_EQ(run, found ? &run_a : nullptr);
    EXPECT_EQ(map.run_of(at(somewhere + offset)), &run_a) << "the slow one takes any";
  }
}

TEST(PageMap, LeadsToARecordOfNothingWhereThereIsNoRun) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  bursar::Run* run = nullptr;
  ASSERT_TRUE(map.find_run(at(somewhere + granule_bytes), run));
  EXPECT_TRUE(test::is_zero(run, PageMap::header_bytes));
  EXPECT_EQ(run->kind, RunKind::unused);
  EXPECT_FALSE(ThreadHeap::is_own(*run));
  EXPECT_EQ(map.run_of(at(somewhere + granule_bytes)), nullptr);
  static_assert(PageMap::header_bytes >= run_record_bytes);
}

TEST(PageMap, ARunThatIsGoneLeadsToTheRecordOfNothing) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  map.set_run(somewhere, 1, nullptr);
  bursar::Run* run = nullptr;
  ASSERT_TRUE(map.find_run(at(somewhere), run));
  EXPECT_TRUE(test::is_zero(run, PageMap::header_bytes));
}

TEST(PageMap, LooksEveryAddressUpWithoutAFault) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  test::Random random(test::told_seed());
  for (int i = 0; i < 1'000'000; ++i) {
    const auto address = static_cast<uintptr_t>(random.next() >> random.below(48));
    const bool is_there = address >= somewhere && address < somewhere + granule_bytes;
    ASSERT_EQ(map.run_of(at(address)), is_there ? &run_a : nullptr);
    bursar::Run* run = nullptr;
    if (!map.find_run(at(address), run)) continue;
    ASSERT_EQ(address % 16, 0U);
    ASSERT_EQ(run->kind, RunKind::unused) << "the record can be read";
    ASSERT_EQ(run == &run_a, is_there);
  }
}

TEST(PageMap, HasNoRunForNullEvenAtTheBottomOfTheAddressSpace) {
  ASSERT_TRUE(map.cover(segment_bytes, segment_bytes));
  map.set_run(segment_bytes, 1, &run_a);
  EXPECT_EQ(map.run_of(at(segment_bytes)), &run_a);
  EXPECT_EQ(map.run_of(nullptr), nullptr);
  bursar::Run* run = nullptr;
  EXPECT_TRUE(!map.find_run(nullptr, run) || run->kind == RunKind::unused);
}

TEST(PageMap, NeedsAWindowOnlyWhereNoneIs) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  const uint64_t reservations = fake_os::calls(Call::reserve_readable);
  for (uintptr_t below = somewhere; below > somewhere - 100 * GiB; below -= GiB) {
    ASSERT_TRUE(map.cover(below, segment_bytes));
  }
  EXPECT_EQ(fake_os::calls(Call::reserve_readable), reservations);
  ASSERT_TRUE(map.cover(somewhere - 1024 * GiB, segment_bytes));
  EXPECT_GT(fake_os::calls(Call::reserve_readable), reservations);
}

TEST(PageMap, KeepsFarPlacesApart) {
  std::map<uintptr_t, bursar::Run> runs;
  for (size_t i = 0; i < 40; ++i) runs.try_emplace(somewhere - i * 3 * 1024 * GiB);
  for (auto& [address, run] : runs) {
    ASSERT_TRUE(map.cover(address, segment_bytes));
    map.set_run(address, segment_granules, &run);
  }
  size_t found_fast = 0;
  for (auto& [address, run] : runs) {
    EXPECT_EQ(map.run_of(at(address)), &run);
    EXPECT_EQ(map.run_of(at(address + segment_bytes - 1)), &run);
    bursar::Run* fast = nullptr;
    if (!map.find_run(at(address), fast)) continue;
    EXPECT_EQ(fast, &run);
    ++found_fast;
  }
  EXPECT_EQ(found_fast, 1U) << "the first window";
}

TEST(PageMap, CoversARangeAcrossPiecesAndWindows) {
  // Some 40 GiB upwards the first window ends; every 512 MiB another piece of it begins.
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  const size_t granules = 48 * GiB / granule_bytes;
  ASSERT_TRUE(map.cover(somewhere, granules * granule_bytes));
  map.set_run(somewhere, granules, &run_a);
  for (size_t i = 0; i < granules; ++i) {
    const void* pointer = at(somewhere + i * granule_bytes);
    ASSERT_EQ(map.run_of(pointer), &run_a) << i;
    bursar::Run* fast = nullptr;
    ASSERT_TRUE(!map.find_run(pointer, fast) || fast == &run_a) << i;
  }
  EXPECT_EQ(map.run_of(at(somewhere + granules * granule_bytes)), nullptr);
}

TEST(PageMap, RefusesWhenItsWindowsAreUsedUp) {
  size_t covered = 0;
  while (covered < 200 && map.cover(somewhere - covered * 1024 * GiB / 4 * 3, granule_bytes)) ++covered;
  EXPECT_GE(covered, 64U);
  EXPECT_LT(covered, 200U);
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a) << "what is covered stays so";
}

TEST(PageMap, TakesASmallerWindowWhereTheSystemRefusesALargeOne) {
  fake_os::fail(Call::reserve_readable, 1, Failure::once);
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  EXPECT_EQ(fake_os::failures(), 1U);
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
  const uint64_t reservations = fake_os::calls(Call::reserve_readable);
  ASSERT_TRUE(map.cover(somewhere - 128 * GiB, segment_bytes));
  EXPECT_GT(fake_os::calls(Call::reserve_readable), reservations) << "half as large, it does not reach that far";
}

TEST(PageMap, SaysSoWhenThereIsNoMemoryForIt) {
  fake_os::fail(Call::reserve_readable, 1, Failure::from_then_on);
  EXPECT_FALSE(map.cover(somewhere, segment_bytes));
  fake_os::heal();
  fake_os::fail(Call::commit, 1, Failure::once);
  EXPECT_FALSE(map.cover(somewhere, segment_bytes));
  EXPECT_EQ(map.run_of(at(somewhere)), nullptr);
  EXPECT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
}

TEST(PageMap, IsSmallUnderALimitOfTheAddressSpace) {
  fake_os::set_address_space_bytes_max(256 * MiB);
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
  // It takes a 64th of the limit at most, 4 MiB: words for 32 GiB.
  const uint64_t reservations = fake_os::calls(Call::reserve_readable);
  ASSERT_TRUE(map.cover(somewhere - 32 * GiB, segment_bytes));
  EXPECT_GT(fake_os::calls(Call::reserve_readable), reservations) << "the first window does not reach that far";
}

TEST(PageMap, FindsTheRunBelow) {
  ASSERT_TRUE(map.cover(somewhere, GiB));
  map.set_run(somewhere, 1, &run_a);
  map.set_run(somewhere + 100 * granule_bytes, 1, &run_b);
  EXPECT_EQ(map.run_below(at(somewhere + 50 * granule_bytes + 5)), &run_a);
  EXPECT_EQ(map.run_below(at(somewhere + 100 * granule_bytes)), &run_b);
  EXPECT_EQ(map.run_below(at(somewhere + 900 * granule_bytes)), &run_b);
  EXPECT_EQ(map.run_below(at(somewhere - 1)), nullptr);
}

TEST(PageMap, AgreesWithAModel) {
  test::Random random(test::told_seed());
  constexpr size_t granules = 20'000;
  static bursar::Run runs[16];
  std::map<size_t, bursar::Run*> model;
  const uintptr_t start = somewhere - 9 * GiB;
  ASSERT_TRUE(map.cover(start, granules * granule_bytes));
  for (int step = 0; step < 20'000; ++step) {
    const size_t count = random.between(1, 64);
    const size_t first = random.below(granules - count);
    bursar::Run* run = random.one_in(4) ? nullptr : &runs[random.below(16)];
    map.set_run(start + first * granule_bytes, count, run);
    for (size_t i = first; i < first + count; ++i) model[i] = run;
  }
  for (size_t i = 0; i < granules; ++i) {
    const auto found = model.find(i);
    const void* pointer = at(start + i * granule_bytes + random.below(granule_bytes / 16) * 16);
    bursar::Run* expected = found == model.end() ? nullptr : found->second;
    ASSERT_EQ(map.run_of(pointer), expected);
    bursar::Run* fast = nullptr;
    ASSERT_TRUE(map.find_run(pointer, fast)) << "in the first window";
    ASSERT_TRUE(expected != nullptr ? fast == expected : fast->kind == RunKind::unused);
  }
}

}  // namespace
}  // namespace bursar
