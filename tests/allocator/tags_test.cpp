// Tags of blocks: where they lie, when their memory comes and goes, and the walk over all of them.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "allocator/bump.h"
#include "allocator/depot.h"
#include "allocator/large.h"
#include "allocator/metadata.h"
#include "allocator/settings.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

/// Tags are kept from the first block on.
class Tags : public testing::Test {
 protected:
  Tags() { settings.keeps_tags = true; }
  AttachedThread attached_;
};

/// Gives and takes tags as the account does.
void* allocate(size_t bytes, uint32_t tag) {
  void* block = heap::allocate(bytes, block_alignment, Zeroed::no);
  heap::look_up(block).tag->store(tag, std::memory_order_relaxed);
  return block;
}

void deallocate(void* block) {
  const heap::BlockInfo info = heap::look_up(block);
  if (!info.is_odd) info.tag->store(0, std::memory_order_relaxed);
  heap::deallocate(block, Caller::free);
}

struct Found {
  size_t blocks = 0;
  size_t bytes = 0;
  bool operator==(const Found&) const = default;
};
using FoundByTag = std::map<uint32_t, Found>;

/// The visitor must not allocate: the map is filled of what it noted.
FoundByTag walk() {
  struct Notes {
    size_t count = 0;
    struct {
      uint32_t tag;
      size_t bytes;
    } entries[100'000];
  };
  static Notes notes;
  notes.count = 0;
  heap::for_each_tag(
      [](void* context, const heap::TaggedBlock& block) {
        auto& to = *static_cast<Notes*>(context);
        ASSERT_LT(to.count, std::size(to.entries));
        to.entries[to.count++] = {block.tag.load(), block.usable_bytes};
      },
      &notes);
  FoundByTag found;
  for (size_t i = 0; i < notes.count; ++i) {
    Found& entry = found[notes.entries[i].tag];
    ++entry.blocks;
    entry.bytes += notes.entries[i].bytes;
  }
  return found;
}

TEST(NoTags, BlocksOfSlabsHaveNoneUnlessTheyAreKept) {
  const AttachedThread attached;
  EXPECT_EQ(heap::look_up(heap::allocate(100, block_alignment, Zeroed::no)).tag, nullptr);
  EXPECT_TRUE(walk().empty());
}

TEST_F(Tags, EachBlockOfASlabHasItsOwn) {
  for (const size_t bytes : {size_t{16}, size_t{48}, size_t{64}, size_t{1000}, size_t{5000}, size_t{32768}}) {
    std::vector<void*> blocks;
    for (uint32_t i = 1; i <= 3000; ++i) blocks.push_back(allocate(bytes, i));
    for (uint32_t i = 1; i <= 3000; ++i) ASSERT_EQ(heap::look_up(blocks[i - 1]).tag->load(), i) << bytes;
    for (void* block : blocks) deallocate(block);
  }
  EXPECT_TRUE(walk().empty());
}

TEST_F(Tags, FreshBlocksHaveNone) {
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    for (uint32_t i = 0; i < 5000; ++i) {
      void* block = heap::allocate(i % 2000, block_alignment, Zeroed::no);
      ASSERT_EQ(heap::look_up(block).tag->load(), 0U);
      heap::look_up(block).tag->store(7);
      blocks.push_back(block);
    }
    for (void* block : blocks) deallocate(block);
    (void)heap::purge_all();
  }
}

TEST_F(Tags, TheWalkFindsWhatLives) {
  FoundByTag expected;
  std::vector<std::pair<uint32_t, void*>> blocks;
  const auto keep = [&](uint32_t tag, void* block) {
    blocks.emplace_back(tag, block);
    ++expected[tag].blocks;
    expected[tag].bytes += heap::look_up(block).usable_bytes;
  };
  for (uint32_t i = 0; i < 5000; ++i) keep(i % 5 + 1, allocate(size_t{i} * 37 % 9000, i % 5 + 1));
  for (const size_t bytes : {40 * KiB, 300 * KiB, 2 * MiB, 5 * MiB, 200 * MiB}) keep(9, allocate(bytes, 9));
  for (uint32_t i = 0; i < 300; ++i) keep(11, heap::allocate_in_arena(i * 13, block_alignment, Zeroed::no, 11));
  EXPECT_EQ(walk(), expected);
  for (size_t i = 0; i < blocks.size(); i += 2) {
    const auto [tag, block] = blocks[i];
    --expected[tag].blocks;
    expected[tag].bytes -= heap::look_up(block).usable_bytes;
    deallocate(block);
  }
  EXPECT_EQ(walk(), expected);
  for (size_t i = 1; i < blocks.size(); i += 2) deallocate(blocks[i].second);
  EXPECT_TRUE(walk().empty());
}

TEST_F(Tags, ABlockThatMovesOrGrowsInPlaceKeepsItsTag) {
  void* block = heap::allocate_grown(3 * MiB);
  heap::look_up(block).tag->store(5);
  const heap::Resized resized = heap::resize(block, 4 * MiB);
  ASSERT_NE(resized.block, nullptr);
  EXPECT_EQ(heap::look_up(resized.block).tag->load(), 5U);
  const size_t usable = heap::look_up(resized.block).usable_bytes;
  EXPECT_EQ(walk(), (FoundByTag{{5, {1, usable}}}));
  deallocate(resized.block);
}

TEST_F(Tags, ALargeBlockBeginsWithoutOne) {
  for (const size_t bytes : {100 * KiB, 2 * MiB, 150 * MiB}) {
    void* block = allocate(bytes, 3);
    heap::deallocate(block, Caller::free);  // as if nobody had counted it
    block = heap::allocate(bytes, block_alignment, Zeroed::no);
    EXPECT_EQ(heap::look_up(block).tag->load(), 0U) << bytes;
    deallocate(block);
  }
}

TEST_F(Tags, TheirMemoryComesBackWithTheSlab) {
  const auto use = [] {
    std::vector<void*> blocks;
    for (uint32_t i = 0; i < 100'000; ++i) blocks.push_back(allocate(32, 1));
    for (void* block : blocks) deallocate(block);
    test::empty_bins();
  };
  use();
  const size_t used = metadata::used_bytes();
  for (int round = 0; round < 10; ++round) use();
  EXPECT_EQ(metadata::used_bytes(), used);
}

TEST_F(Tags, WhileTheyAreKeptAnArenaDoesNotCutWhereAWalkMayBe) {
  void* keeper = heap::allocate_in_arena(100, block_alignment, Zeroed::no, 1);
  void* newest = heap::allocate_in_arena(100, block_alignment, Zeroed::no, 1);
  heap::deallocate(newest, Caller::free);
  EXPECT_NE(heap::allocate_in_arena(50, block_alignment, Zeroed::no, 1), newest);
  EXPECT_EQ(walk()[1].blocks, 2U);
  heap::deallocate(keeper, Caller::free);
}

/// A walk turns tags 1 into 2, as when a task has ended, while threads allocate with tags from 3 on: theirs stay.
TEST_F(Tags, TheWalkIsSafeWhileOthersAllocateAndFree) {
  constexpr size_t thread_count = 3;
  std::vector<void*> old_blocks;
  for (uint32_t i = 0; i < 3000; ++i) old_blocks.push_back(allocate(size_t{i} % 3000, 1));
  std::atomic<bool> is_over{false};
  std::thread walker([&] {
    const AttachedThread attached;
    for (int round = 0; round < 100; ++round) {
      heap::for_each_tag(
          [](void*, const heap::TaggedBlock& block) {
            uint32_t tag = 1;
            (void)block.tag.compare_exchange_strong(tag, 2);
          },
          nullptr);
    }
    is_over = true;
  });
  test::run_attached(thread_count, [&](size_t number) {
    const auto mine = static_cast<uint32_t>(number + 3);
    std::vector<std::pair<void*, bool>> blocks(200);
    for (size_t i = 0; !is_over || i < 20'000; ++i) {
      auto& [block, is_in_arena] = blocks[i * 7919 % blocks.size()];
      if (block != nullptr) {
        ASSERT_EQ(heap::look_up(block).tag->load(), mine);
        deallocate(block);
      }
      is_in_arena = i % 3 == 0;
      const size_t bytes = i * 31 % (i % 100 == 0 ? 3 * MiB : 4 * KiB);
      block = is_in_arena ? heap::allocate_in_arena(bytes, block_alignment, Zeroed::no, mine) : allocate(bytes, mine);
      heap::look_up(block).tag->store(mine);
    }
    for (auto& [block, is_in_arena] : blocks) {
      if (block != nullptr) deallocate(block);
    }
  });
  walker.join();
  for (void* block : old_blocks) {
    ASSERT_EQ(heap::look_up(block).tag->load(), 2U);
    deallocate(block);
  }
  EXPECT_TRUE(walk().empty());
}

}  // namespace
}  // namespace bursar::test
