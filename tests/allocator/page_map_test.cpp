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
    uintptr_t bin = 0;
    EXPECT_FALSE(map.find_bin(at(address), bin));
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

TEST(PageMap, FindsABinForMultiplesOfSixteenOnly) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_bin(somewhere, 1, 0x1230);
  for (uintptr_t offset = 0; offset < 256; ++offset) {
    uintptr_t bin = 0;
    const bool found = map.find_bin(at(somewhere + offset), bin);
    EXPECT_EQ(found, offset % 16 == 0) << offset;
    EXPECT_EQ(bin, found ? 0x1230U : 0U);
  }
}

TEST(PageMap, LeadsToAPlaceThatReadsZeroWhereThereIsNoBin) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  const void* pointer = at(somewhere + granule_bytes);
  uintptr_t bin = 0;
  ASSERT_TRUE(map.find_bin(pointer, bin));
  EXPECT_TRUE(test::is_zero(pointer_to(bin), PageMap::header_bytes));
  EXPECT_EQ(map.bin_of(pointer), 0U);
}

TEST(PageMap, LooksEveryAddressUpWithoutAFault) {
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  test::Random random(test::told_seed());
  for (int i = 0; i < 1'000'000; ++i) {
    const auto address = static_cast<uintptr_t>(random.next() >> random.below(48));
    const bool is_there = address >= somewhere && address < somewhere + granule_bytes;
    ASSERT_EQ(map.run_of(at(address)), is_there ? &run_a : nullptr);
    ASSERT_EQ(map.bin_of(at(address)), 0U);
  }
}

TEST(PageMap, HasNoBinForNullEvenAtTheBottomOfTheAddressSpace) {
  ASSERT_TRUE(map.cover(segment_bytes, segment_bytes));
  map.set_run(segment_bytes, 1, &run_a);
  EXPECT_EQ(map.run_of(at(segment_bytes)), &run_a);
  EXPECT_EQ(map.run_of(nullptr), nullptr);
  EXPECT_EQ(map.bin_of(nullptr), 0U);
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
  for (size_t i = 0; i < 40; ++i) runs.emplace(somewhere - i * 3 * 1024 * GiB, bursar::Run{});
  for (auto& [address, run] : runs) {
    ASSERT_TRUE(map.cover(address, segment_bytes));
    map.set_run(address, segment_granules, &run);
    map.set_bin(address, segment_granules, address);
  }
  size_t found_fast = 0;
  for (auto& [address, run] : runs) {
    EXPECT_EQ(map.run_of(at(address)), &run);
    EXPECT_EQ(map.run_of(at(address + segment_bytes - 1)), &run);
    const uintptr_t bin = map.bin_of(at(address));
    if (bin == 0) continue;
    EXPECT_EQ(bin, address);
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
  map.set_bin(somewhere, granules, 0x40);
  for (size_t i = 0; i < granules; ++i) {
    const void* pointer = at(somewhere + i * granule_bytes);
    ASSERT_EQ(map.run_of(pointer), &run_a) << i;
    const uintptr_t bin = map.bin_of(pointer);
    ASSERT_TRUE(bin == 0 || bin == 0x40) << i;
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
  // Each size of a window takes two reservations, of which the second fails first.
  fake_os::fail(Call::reserve_readable, 2, Failure::once);
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  EXPECT_EQ(fake_os::calls(Call::release), 1U) << "the other half goes back";
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
}

TEST(PageMap, SaysSoWhenThereIsNoMemoryForIt) {
  fake_os::fail(Call::reserve_readable, 1, Failure::from_then_on);
  EXPECT_FALSE(map.cover(somewhere, segment_bytes));
  fake_os::heal();
  fake_os::fail(Call::commit, 2, Failure::once);
  EXPECT_FALSE(map.cover(somewhere, segment_bytes));
  EXPECT_EQ(map.run_of(at(somewhere)), nullptr);
  EXPECT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  map.set_bin(somewhere, 1, 0x40);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
}

TEST(PageMap, IsSmallUnderALimitOfTheAddressSpace) {
  fake_os::set_address_space_bytes_max(256 * MiB);
  ASSERT_TRUE(map.cover(somewhere, segment_bytes));
  map.set_run(somewhere, 1, &run_a);
  EXPECT_EQ(map.run_of(at(somewhere)), &run_a);
  // Both halves take a 64th of the limit, 4 MiB: words for 16 GiB.
  const uint64_t reservations = fake_os::calls(Call::reserve_readable);
  ASSERT_TRUE(map.cover(somewhere - 16 * GiB, segment_bytes));
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
  std::map<size_t, std::pair<bursar::Run*, uintptr_t>> model;
  const uintptr_t start = somewhere - 9 * GiB;
  ASSERT_TRUE(map.cover(start, granules * granule_bytes));
  for (int step = 0; step < 20'000; ++step) {
    const size_t count = random.between(1, 64);
    const size_t first = random.below(granules - count);
    bursar::Run* run = random.one_in(4) ? nullptr : &runs[random.below(16)];
    const uintptr_t bin = random.below(1000) * 16;
    map.set_run(start + first * granule_bytes, count, run);
    map.set_bin(start + first * granule_bytes, count, bin);
    for (size_t i = first; i < first + count; ++i) model[i] = {run, bin};
  }
  for (size_t i = 0; i < granules; ++i) {
    const auto found = model.find(i);
    const void* pointer = at(start + i * granule_bytes + random.below(granule_bytes / 16) * 16);
    ASSERT_EQ(map.run_of(pointer), found == model.end() ? nullptr : found->second.first);
    ASSERT_EQ(map.bin_of(pointer), found == model.end() ? 0 : found->second.second);
  }
}

}  // namespace
}  // namespace bursar
