// A slab: blocks of one size class.
#include "allocator/slab.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <set>
#include <vector>

#include "allocator/depot.h"
#include "allocator/page_map.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

constexpr char bin_of_owner[64] = {};
const testing::KilledBySignal aborted(SIGABRT);

Slab& make_slab(SizeClass size_class) {
  Slab* slab = slab::acquire(size_class, nullptr, bin_of_owner);
  EXPECT_NE(slab, nullptr);
  return *slab;
}

class EachClass : public testing::TestWithParam<SizeClass> {};

TEST_P(EachClass, ANewSlabIsEnteredWithItsOwnersBin) {
  Slab& slab = make_slab(GetParam());
  EXPECT_EQ(slab.kind, RunKind::slab);
  EXPECT_EQ(slab.size_class, GetParam());
  EXPECT_EQ(slab.capacity, slab.granules * granule_bytes / block_bytes_of(GetParam()));
  EXPECT_FALSE(slab.is_full());
  EXPECT_TRUE(slab.is_unused());
  for (size_t i = 0; i < slab.granules; ++i) {
    const void* pointer = pointer_to(slab.start + i * granule_bytes);
    EXPECT_EQ(page_map.run_of(pointer), &slab);
    EXPECT_EQ(page_map.bin_of(pointer), address_of(bin_of_owner));
  }
  slab::validate(slab);
}

TEST_P(EachClass, FreshBlocksComeInAddressOrderPageByPage) {
  Slab& slab = make_slab(GetParam());
  const size_t bytes = slab.block_bytes();
  uintptr_t expected = slab.start;
  size_t taken = 0;
  while (!slab.is_full()) {
    const BlockChain chain = slab::take(slab, 1000);
    const uintptr_t page = round_down(address_of(chain.first), 4 * KiB);
    size_t count = 0;
    for (const Block* block = chain.first; block != nullptr; block = block->next) {
      ASSERT_EQ(address_of(block), expected);
      ASSERT_EQ(round_down(address_of(block), 4 * KiB), page) << "another page would be touched for nothing";
      expected += bytes;
      ++count;
      ASSERT_EQ(block->next == nullptr, block == chain.last);
    }
    ASSERT_EQ(count, chain.count);
    taken += count;
  }
  EXPECT_EQ(taken, slab.capacity);
  EXPECT_LE(expected, slab.start + slab.granules * granule_bytes);
}

TEST_P(EachClass, ABlockIsFoundFromEveryAddressInIt) {
  const Slab& slab = make_slab(GetParam());
  const size_t bytes = slab.block_bytes();
  for (size_t offset = 0; offset < slab.granules * granule_bytes; offset += block_alignment) {
    const void* pointer = pointer_to(slab.start + offset);
    const size_t index = offset / bytes;
    ASSERT_EQ(slab::block_start(slab, pointer), pointer_to(slab.start + index * bytes)) << offset;
    ASSERT_EQ(slab::is_block_start(slab, pointer), offset % bytes == 0 && index < slab.capacity) << offset;
  }
}

INSTANTIATE_TEST_SUITE_P(Slab, EachClass, testing::Values(1, 2, 3, 7, 33, 63, 64, 65, 66, 67, 68, 75, 80, 83, 84));

TEST(Slab, EveryClassFindsItsBlocks) {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const Slab& slab = make_slab(size_class);
    const size_t bytes = slab.block_bytes();
    for (size_t offset = 0; offset < slab.granules * granule_bytes; offset += block_alignment) {
      const void* pointer = pointer_to(slab.start + offset);
      ASSERT_EQ(slab::block_start(slab, pointer), pointer_to(slab.start + offset / bytes * bytes));
    }
  }
}

TEST(Slab, TakesNoMoreThanAsked) {
  Slab& slab = make_slab(1);
  EXPECT_EQ(slab::take(slab, 1).count, 1U);
  EXPECT_EQ(slab::take(slab, 7).count, 7U);
  EXPECT_EQ(slab.carved, 8);
}

TEST(Slab, RecycledBlocksComeBeforeFreshOnesTheNewestFirst) {
  Slab& slab = make_slab(4);
  const BlockChain chain = slab::take(slab, 3);
  Block* blocks[] = {chain.first, chain.first->next, chain.last};
  for (Block* block : blocks) slab::put(slab, block);
  slab::validate(slab);
  EXPECT_TRUE(slab.is_unused());
  const BlockChain again = slab::take(slab, 1);
  EXPECT_EQ(again.count, 3U) << "all recycled ones, and no fresh one";
  EXPECT_EQ(again.first, blocks[2]);
  EXPECT_EQ(again.first->next, blocks[1]);
  EXPECT_EQ(again.first->next->next, blocks[0]);
  EXPECT_EQ(again.first->next->next->next, nullptr);
  EXPECT_EQ(slab.local_count, 0);
  EXPECT_EQ(slab::take(slab, 2).count, 2U) << "fresh ones";
}

TEST(Slab, IsFullWhenAllAreTakenAndUnusedWhenAllAreBack) {
  Slab& slab = make_slab(84);
  std::vector<Block*> blocks;
  while (!slab.is_full()) blocks.push_back(slab::take(slab, 1).first);
  EXPECT_EQ(blocks.size(), 8U);
  for (Block* block : blocks) {
    EXPECT_FALSE(slab.is_unused());
    slab::put(slab, block);
    EXPECT_FALSE(slab.is_full());
    slab::validate(slab);
  }
  EXPECT_TRUE(slab.is_unused());
}

TEST(Slab, AgreesWithAModel) {
  test::Random random(test::told_seed());
  Slab& slab = make_slab(5);
  std::set<Block*> out;
  for (int step = 0; step < 100'000; ++step) {
    if (!slab.is_full() && (out.empty() || random.one_in(3))) {
      const size_t wanted = random.between(1, 40);
      const size_t recycled = slab.local_count;
      const BlockChain chain = slab::take(slab, wanted);
      ASSERT_TRUE(recycled != 0 ? chain.count == recycled : chain.count >= 1 && chain.count <= wanted);
      for (Block* block = chain.first; block != nullptr; block = block->next) {
        ASSERT_TRUE(slab::is_block_start(slab, block));
        ASSERT_TRUE(out.insert(block).second) << "handed out twice";
      }
    } else {
      auto chosen = out.begin();
      std::advance(chosen, static_cast<long>(random.below(out.size())));
      Block* block = *chosen;
      out.erase(chosen);
      memset(static_cast<void*>(block), 0x5a, slab.block_bytes());
      slab::put(slab, block);
    }
    ASSERT_EQ(out.size(), static_cast<size_t>(slab.carved - slab.local_count));
    if (step % 100 == 0) slab::validate(slab);
  }
}

TEST(Slab, ValidateSeesABlockFreedTwice) {
  Slab& slab = make_slab(5);
  Block* block = slab::take(slab, 1).first;
  slab::put(slab, block);
  slab.local->next = slab.local;
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesABlockOfAnotherSlab) {
  Slab& slab = make_slab(5);
  Block* stranger = slab::take(make_slab(5), 1).first;
  (void)slab::take(slab, 1);
  slab::put(slab, stranger);
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesABlockThatWasNeverCarved) {
  Slab& slab = make_slab(5);
  Block* carved = slab::take(slab, 1).first;
  slab::put(slab, static_cast<Block*>(pointer_to(address_of(carved) + slab.block_bytes())));
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesAWrongCount) {
  Slab& slab = make_slab(5);
  const BlockChain chain = slab::take(slab, 2);
  slab::put(slab, chain.first);
  slab.local_count = 2;
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

}  // namespace
}  // namespace bursar
