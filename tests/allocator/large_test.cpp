// Large blocks: page runs inside segments, and mappings of their own.
#include "allocator/large.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <csignal>
#include <cstring>

#include "allocator/depot.h"
#include "allocator/page_map.h"
#include "allocator/settings.h"
#include "allocator/size_class.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;

constexpr size_t mapping_bytes = 6 * MiB;
static_assert(mapping_bytes > large::in_segment_bytes_max);

void* allocate(size_t bytes, size_t alignment = block_alignment, Zeroed wanted = Zeroed::no) {
  return large::allocate(bytes, alignment, wanted);
}
bursar::Run* run_of(const void* block) { return page_map.run_of(block); }
void deallocate(void* block) { large::deallocate(run_of(block)); }
void* resize(void* block, size_t bytes) { return large::resize(run_of(block), bytes); }
size_t usable(const void* block) { return large::usable_bytes(run_of(block)); }

/// A clock that stands still, so that nothing is purged by chance; a limit of address space, under which there are no tracts;
/// and what the heap calls, in short.
class Large : public testing::Test {
 protected:
  explicit Large(uint64_t address_space_bytes_max = uint64_t{1} << 46) {
    fake_os::set_clock_ms(1'000'000);
    fake_os::set_address_space_bytes_max(address_space_bytes_max);
  }
  ~Large() override { depot.validate(); }
};

TEST_F(Large, BlocksUpToHalfASegmentAreRunsInIt) {
  for (const size_t bytes :
       {medium_bytes_max + 1, granule_bytes, granule_bytes + 1, MiB, large::in_segment_bytes_max}) {
    void* block = allocate(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(run_of(block)->kind, RunKind::pages);
    EXPECT_GE(usable(block), bytes);
    EXPECT_LT(usable(block) - bytes, granule_bytes);
    test::fill(block, usable(block), bytes);
    EXPECT_TRUE(test::holds(block, usable(block), bytes));
    deallocate(block);
    EXPECT_EQ(run_of(block), nullptr);
  }
  EXPECT_EQ(large::mapping_count(), 0U);
}

TEST_F(Large, BlocksBeyondHaveMappingsOfTheirOwn) {
  for (const size_t bytes : {large::in_segment_bytes_max + 1, mapping_bytes, 100 * MiB + 1}) {
    void* block = allocate(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(run_of(block)->kind, RunKind::mapping);
    EXPECT_GE(usable(block), bytes);
    EXPECT_LT(usable(block) - bytes, granule_bytes);
    EXPECT_EQ(large::mapping_count(), 1U);
    EXPECT_EQ(large::mapped_bytes(), usable(block));
    test::fill(block, usable(block), bytes);
    EXPECT_TRUE(test::holds(block, usable(block), bytes));
    deallocate(block);
    EXPECT_EQ(run_of(block), nullptr);
    EXPECT_EQ(large::mapping_count(), 0U);
    EXPECT_EQ(large::mapped_bytes(), 0U);
  }
}

TEST_F(Large, AreAlignedAsAsked) {
  for (size_t alignment = block_alignment; alignment <= 256 * MiB; alignment *= 2) {
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100'000}, mapping_bytes}) {
      void* block = allocate(bytes, alignment);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(address_of(block) % alignment, 0U);
      EXPECT_GE(usable(block), bytes);
      test::fill(block, usable(block), 1);
    }
  }
}

TEST_F(Large, RefuseWhatNoAddressSpaceHolds) {
  EXPECT_EQ(allocate(request_bytes_max), nullptr);
  EXPECT_EQ(allocate(request_bytes_max, 4 * MiB), nullptr);
  EXPECT_EQ(allocate(1, size_t{1} << 62), nullptr);
  EXPECT_EQ(allocate(size_t{1} << 47), nullptr);
  void* block = allocate(mapping_bytes);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(resize(block, request_bytes_max), nullptr);
  EXPECT_EQ(resize(block, size_t{1} << 47), nullptr);
  test::fill(block, usable(block), 1);
  EXPECT_EQ(large::mapping_count(), 1U);
}

TEST_F(Large, ReadZeroWhenAskedWhateverLayThereBefore) {
  for (const size_t bytes : {size_t{70'000}, MiB, large::in_segment_bytes_max, mapping_bytes}) {
    for (int round = 0; round < 3; ++round) {
      void* block = allocate(bytes, block_alignment, Zeroed::yes);
      ASSERT_TRUE(test::is_zero(block, bytes));
      memset(block, 0xff, usable(block));
      deallocate(block);
    }
  }
}

TEST_F(Large, FreshOnesAreNotClearedInVain) {
  void* block = allocate(64 * MiB, block_alignment, Zeroed::yes);
  unsigned char residency[64 * MiB / 4096] = {};
  ASSERT_EQ(mincore(block, 64 * MiB, residency), 0);
  size_t resident = 0;
  for (const unsigned char page : residency) resident += page & 1U;
  EXPECT_EQ(resident, 0U);
}

TEST_F(Large, AMappingFreedAMomentAgoIsUsedAgain) {
  void* block = allocate(mapping_bytes);
  deallocate(block);
  const uint64_t reservations = fake_os::calls(Call::reserve);
  void* again = allocate(mapping_bytes - granule_bytes);
  EXPECT_EQ(again, block);
  EXPECT_EQ(fake_os::calls(Call::reserve), reservations);
  EXPECT_EQ(usable(again), mapping_bytes) << "what it holds is more than was asked";
  memset(again, 1, usable(again));
}

TEST_F(Large, MappingsGoBackWhenTheDelayIsOver) {
  settings.purge_ms = 500;
  deallocate(allocate(mapping_bytes));
  const uint64_t releases = fake_os::calls(Call::release);
  fake_os::advance_clock_ms(499);
  large::purge_due();
  EXPECT_EQ(fake_os::calls(Call::release), releases);
  fake_os::advance_clock_ms(1);
  large::purge_due();
  EXPECT_EQ(fake_os::calls(Call::release), releases + 1);
}

TEST_F(Large, PurgeAllSaysWhetherThereWasAny) {
  EXPECT_FALSE(large::purge_all());
  deallocate(allocate(mapping_bytes));
  EXPECT_TRUE(large::purge_all());
  EXPECT_FALSE(large::purge_all());
}

TEST_F(Large, TheCacheIsEmptiedBeforeMemoryIsRefused) {
  deallocate(allocate(mapping_bytes));
  const uint64_t releases = fake_os::calls(Call::release);
  fake_os::fail(Call::commit, 1, Failure::once);
  EXPECT_NE(allocate(3 * mapping_bytes), nullptr);
  EXPECT_GT(fake_os::calls(Call::release), releases);
}

TEST_F(Large, RunsGrowAndShrinkInPlace) {
  void* block = allocate(100'000);
  test::fill(block, 100'000, 1);
  EXPECT_EQ(resize(block, MiB), block);
  EXPECT_GE(usable(block), MiB);
  EXPECT_TRUE(test::holds(block, 100'000, 1));
  test::fill(block, usable(block), 2);
  const size_t kept_bytes = round_up(70'000, granule_bytes);
  EXPECT_EQ(resize(block, 70'000), block);
  EXPECT_EQ(usable(block), kept_bytes);
  void* next = allocate(MiB);
  EXPECT_EQ(next, pointer_to(address_of(block) + kept_bytes)) << "what was given up is used";
  EXPECT_EQ(resize(block, kept_bytes + granule_bytes), nullptr) << "no room there any more";
  EXPECT_EQ(usable(block), kept_bytes);
  EXPECT_EQ(resize(block, large::in_segment_bytes_max + 1), nullptr) << "a mapping's size";
}

TEST_F(Large, MappingsGrowWithTheirContents) {
  void* block = allocate(mapping_bytes);
  for (size_t bytes = mapping_bytes; bytes < 200 * MiB; bytes += bytes / 3) {
    const size_t before = usable(block);
    test::fill(block, before, bytes);
    void* resized = resize(block, bytes);
    ASSERT_NE(resized, nullptr);
    EXPECT_EQ(run_of(resized)->start, address_of(resized));
    EXPECT_TRUE(resized == block || run_of(block) == nullptr);
    ASSERT_GE(usable(resized), bytes);
    EXPECT_EQ(large::mapped_bytes(), usable(resized));
    ASSERT_TRUE(test::holds(resized, before, bytes));
    block = resized;
    test::fill(block, usable(block), bytes);
  }
  EXPECT_EQ(large::mapping_count(), 1U);
}

TEST_F(Large, MappingsMoveByTheirPagesWhereTheyCannotGrow) {
  void* block = allocate(mapping_bytes);
  test::fill(block, usable(block), 9);
  fake_os::fail(Call::resize_in_place, 1, Failure::once);
  void* moved = resize(block, 2 * mapping_bytes);
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, block);
  EXPECT_EQ(fake_os::calls(Call::move_pages), 1U);
  EXPECT_EQ(run_of(block), nullptr);
  EXPECT_TRUE(test::holds(moved, mapping_bytes, 9));
  test::fill(moved, usable(moved), 10);
  EXPECT_EQ(large::mapping_count(), 1U);
}

TEST_F(Large, MappingsShrinkInPlace) {
  void* block = allocate(4 * mapping_bytes);
  test::fill(block, mapping_bytes, 3);
  EXPECT_EQ(resize(block, mapping_bytes), block);
  EXPECT_EQ(usable(block), mapping_bytes);
  EXPECT_EQ(large::mapped_bytes(), mapping_bytes);
  EXPECT_TRUE(test::holds(block, mapping_bytes, 3));
  EXPECT_EQ(resize(block, mapping_bytes), block) << "the same size";
  EXPECT_EQ(resize(block, MiB), nullptr) << "a run's size";
  EXPECT_EQ(usable(block), mapping_bytes);
}

TEST_F(Large, ABlockStaysAsItWasWhereNothingCanBeHad) {
  void* block = allocate(mapping_bytes);
  test::fill(block, usable(block), 5);
  for (const Call call : {Call::reserve, Call::move_pages}) {
    fake_os::fail(Call::resize_in_place, 1, Failure::from_then_on);
    fake_os::fail(call, 1, Failure::from_then_on);
    EXPECT_EQ(resize(block, 2 * mapping_bytes), nullptr);
    fake_os::heal();
    EXPECT_EQ(usable(block), mapping_bytes);
    EXPECT_EQ(run_of(block)->start, address_of(block));
    EXPECT_TRUE(test::holds(block, mapping_bytes, 5));
    EXPECT_EQ(large::mapping_count(), 1U);
  }
  deallocate(block);
  EXPECT_EQ(large::mapping_count(), 0U);
}

TEST_F(Large, ABlockThatGrewHasRoomForTheNextSteps) {
  void* block = allocate(16 * MiB);
  block = resize(block, 16 * MiB + granule_bytes);
  ASSERT_NE(block, nullptr);
  EXPECT_GT(usable(block), 17 * MiB);
  EXPECT_LT(usable(block), 20 * MiB);
}

TEST_F(Large, ReportsKnowWhatWasFreedLast) {
  const testing::KilledBySignal aborted(SIGABRT);
  for (const size_t bytes : {size_t{100'000}, mapping_bytes}) {
    void* block = allocate(bytes);
    deallocate(block);
    EXPECT_EXIT(large::report_no_block(block, Caller::free), aborted, "^bursar: double free of 0x");
  }
}

TEST_F(Large, ReportsKnowAPlaceInsideAMapping) {
  void* block = allocate(mapping_bytes);
  const testing::KilledBySignal aborted(SIGABRT);
  const void* inside = pointer_to(address_of(block) + mapping_bytes - 16);
  const void* behind = pointer_to(address_of(block) + mapping_bytes + 16);
  EXPECT_EXIT(large::report_no_block(inside, Caller::free), aborted, "invalid free of .*: inside the block at 0x");
  EXPECT_EXIT(large::report_no_block(behind, Caller::realloc), aborted, "invalid realloc of .*: not a block");
}

TEST_F(Large, RecordsOfMappingsAreUsedAgain) {
  for (int i = 0; i < 100'000; ++i) deallocate(allocate(mapping_bytes));
  const size_t before = fake_os::calls(Call::reserve);
  for (int i = 0; i < 100'000; ++i) deallocate(allocate(mapping_bytes));
  EXPECT_EQ(fake_os::calls(Call::reserve), before) << "no memory for records, none for blocks";
}

/// What both kinds of places must do alike.
void agree_with_a_model() {
  struct Held {
    void* block;
    size_t bytes;
    uint64_t mark;
  };
  test::Random random(test::told_seed());
  std::vector<Held> held;
  size_t total = 0;
  for (int step = 0; step < 4000; ++step) {
    fake_os::advance_clock_ms(random.below(100));
    if (held.size() < 20 && total < 200 * MiB && random.one_in(2)) {
      const size_t bytes = random.between(medium_bytes_max + 1, random.one_in(3) ? 20 * MiB : 3 * MiB);
      const size_t alignment = random.one_in(4) ? size_t{1} << random.between(4, 24) : block_alignment;
      void* block = allocate(bytes, alignment);
      ASSERT_TRUE(block != nullptr && address_of(block) % alignment == 0);
      held.push_back({block, usable(block), random.next()});
      total += held.back().bytes;
    } else if (!held.empty()) {
      std::swap(held[random.below(held.size())], held.back());
      Held& last = held.back();
      ASSERT_EQ(usable(last.block), last.bytes);
      ASSERT_TRUE(test::holds(last.block, last.bytes, last.mark));
      total -= last.bytes;
      void* resized = random.one_in(2) ? resize(last.block, random.between(last.bytes / 2, last.bytes * 2)) : nullptr;
      if (resized == nullptr) {
        deallocate(last.block);
        held.pop_back();
      } else {
        // What was filled sparsely holds only for the same length: it is written anew.
        last = {resized, usable(resized), random.next()};
        total += last.bytes;
      }
    }
    if (!held.empty()) test::fill(held.back().block, held.back().bytes, held.back().mark);
    if (step % 20 == 0) depot.validate();
  }
  for (const Held& one : held) ASSERT_TRUE(test::holds(one.block, one.bytes, one.mark));
}

TEST_F(Large, AgreeWithAModel) { agree_with_a_model(); }

class LargeInTracts : public Large {
 protected:
  LargeInTracts() : Large(SIZE_MAX) {}
  ~LargeInTracts() override { large::validate(); }

  static void* allocate_growing(size_t bytes) {
    return large::allocate(bytes, block_alignment, Zeroed::no, large::Growth::expected);
  }
};

TEST_F(LargeInTracts, LieSideBySide) {
  const auto* a = static_cast<char*>(allocate(mapping_bytes));
  const auto* b = static_cast<char*>(allocate(mapping_bytes));
  EXPECT_LT(b - a, static_cast<ptrdiff_t>(2 * mapping_bytes));
  EXPECT_EQ(run_of(a)->kind, RunKind::mapping);
  EXPECT_EQ(run_of(a)->start, address_of(a));
  EXPECT_EQ(large::mapping_count(), 2U);
  EXPECT_EQ(large::mapped_bytes(), 2 * mapping_bytes);
}

TEST_F(LargeInTracts, AFreedPlaceIsUsedAgainWithoutACall) {
  void* block = allocate(mapping_bytes);
  test::fill(block, mapping_bytes, 1);
  deallocate(block);
  EXPECT_EQ(run_of(block), nullptr);
  const uint64_t calls = fake_os::calls(Call::commit) + fake_os::calls(Call::reserve) + fake_os::calls(Call::purge);
  EXPECT_EQ(allocate(mapping_bytes - MiB), block);
  EXPECT_EQ(fake_os::calls(Call::commit) + fake_os::calls(Call::reserve) + fake_os::calls(Call::purge), calls);
}

TEST_F(LargeInTracts, GrowInPlaceWithAllTheyHold) {
  void* block = allocate_growing(200'000);
  for (size_t bytes = 200'000; bytes < 100 * MiB; bytes += bytes / 2) {
    const size_t before = usable(block);
    test::fill(block, before, bytes);
    ASSERT_EQ(resize(block, bytes + bytes / 2), block);
    ASSERT_GE(usable(block), bytes + bytes / 2);
    ASSERT_EQ(large::mapped_bytes(), usable(block));
    ASSERT_TRUE(test::holds(block, before, bytes));
  }
}

TEST_F(LargeInTracts, ShrinkInPlace) {
  void* block = allocate(4 * mapping_bytes);
  EXPECT_EQ(resize(block, 4 * granule_bytes - 10), block);
  EXPECT_EQ(usable(block), 4 * granule_bytes);
  EXPECT_EQ(large::mapped_bytes(), 4 * granule_bytes);
}

TEST_F(LargeInTracts, CannotGrowThroughANeighbour) {
  void* block = allocate(mapping_bytes);
  void* next = allocate(mapping_bytes);
  EXPECT_EQ(resize(block, 2 * mapping_bytes + MiB), nullptr);
  EXPECT_EQ(usable(block), mapping_bytes);
  deallocate(next);
  EXPECT_EQ(resize(block, 2 * mapping_bytes + MiB), block);
}

TEST_F(LargeInTracts, ReadZeroWhenAskedWhateverLayThereBefore) {
  for (const size_t bytes : {size_t{1100 * KiB}, 3 * MiB, mapping_bytes}) {
    for (const size_t more : {size_t{0}, 100 * KiB, MiB}) {
      void* block = allocate(bytes + more, block_alignment, Zeroed::yes);
      ASSERT_TRUE(test::is_zero(block, bytes + more));
      memset(block, 0xff, usable(block));
      deallocate(block);
    }
  }
}

TEST_F(LargeInTracts, ReadZeroWhenAskedWherePurgingIsRefused) {
  void* block = allocate(mapping_bytes);
  memset(block, 0xff, usable(block));
  deallocate(block);
  fake_os::fail(Call::purge, 1, Failure::from_then_on);
  EXPECT_EQ(allocate(mapping_bytes, block_alignment, Zeroed::yes), block);
  EXPECT_TRUE(test::is_zero(block, mapping_bytes));
  fake_os::heal();
}

TEST_F(LargeInTracts, AreMappingsOfTheirOwnWhereThereIsNoTract) {
  fake_os::fail(Call::reserve, 2, Failure::once);  // the first is for records
  void* block = allocate(mapping_bytes);
  ASSERT_NE(block, nullptr);
  test::fill(block, mapping_bytes, 1);
  EXPECT_NE(resize(block, 2 * mapping_bytes), nullptr);
}

TEST_F(LargeInTracts, GoBackWhenTheDelayIsOver) {
  settings.purge_ms = 500;
  deallocate(allocate(mapping_bytes));
  const uint64_t releases = fake_os::calls(Call::release);
  fake_os::advance_clock_ms(499);
  large::purge_due();
  EXPECT_EQ(fake_os::calls(Call::release), releases);
  fake_os::advance_clock_ms(1);
  large::purge_due();
  EXPECT_EQ(fake_os::calls(Call::release), releases + 1);
}

TEST_F(LargeInTracts, ReportsKnowThem) {
  void* block = allocate(mapping_bytes);
  const testing::KilledBySignal aborted(SIGABRT);
  const void* inside = pointer_to(address_of(block) + mapping_bytes - 16);
  EXPECT_EXIT(large::report_no_block(inside, Caller::free), aborted, "invalid free of .*: inside the block at 0x");
  deallocate(block);
  EXPECT_EXIT(large::report_no_block(block, Caller::free), aborted, "^bursar: double free of 0x");
}

TEST_F(LargeInTracts, AgreeWithAModel) { agree_with_a_model(); }

}  // namespace
}  // namespace bursar
