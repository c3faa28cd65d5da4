// Bump arenas of tasks.
#include "allocator/bump.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "allocator/depot.h"
#include "allocator/page_map.h"
#include "allocator/thread.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

BumpChunk& chunk_of(const void* block) { return *static_cast<BumpChunk*>(page_map.run_of(block)); }

void* allocate(size_t bytes, uint32_t task = 1) {
  const InsideScope inside;
  return bump::allocate(bytes, task);
}

void deallocate(void* block) {
  const InsideScope inside;
  bump::check_block(chunk_of(block), block, Caller::free);
  bump::deallocate(chunk_of(block), block);
}

void rest_chunk() {
  const InsideScope inside;
  bump::rest_chunk();
}

void leave_chunk() {
  const InsideScope inside;
  bump::leave_chunk();
}

bool is_chunk(const void* pointer) {
  const bursar::Run* run = page_map.run_of(pointer);
  return run != nullptr && run->kind == RunKind::bump;
}

TEST(Bump, BlocksFollowOneAnotherAligned) {
  uintptr_t end = 0;
  for (size_t bytes = 0; bytes < 300; ++bytes) {
    void* block = allocate(bytes, 7);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(address_of(block) % block_alignment, 0U);
    EXPECT_GE(bump::usable_bytes(block), bytes);
    EXPECT_GE(bump::usable_bytes(block), 8U);
    EXPECT_LT(bump::usable_bytes(block) - bytes, 24U);
    EXPECT_EQ(bump::tag_of(block)->load(), 7U);
    EXPECT_TRUE(end == 0 || address_of(block) == end + sizeof(BumpHeader)) << "nothing is lost between";
    end = address_of(block) + bump::usable_bytes(block);
    test::fill(block, bump::usable_bytes(block), bytes);
  }
}

TEST(Bump, ANewChunkFollowsAFullOne) {
  std::vector<void*> blocks;
  for (int i = 0; i < 200; ++i) {
    blocks.push_back(allocate(bump::block_bytes_max));
    test::fill(blocks.back(), bump::usable_bytes(blocks.back()), static_cast<uint64_t>(i));
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    BumpChunk& chunk = chunk_of(blocks[i]);
    EXPECT_GE(address_of(blocks[i]), chunk.start + sizeof(BumpHeader));
    EXPECT_LE(address_of(blocks[i]) + bump::usable_bytes(blocks[i]), chunk.end);
    EXPECT_TRUE(test::holds(blocks[i], bump::usable_bytes(blocks[i]), i));
  }
  for (void* block : blocks) deallocate(block);
  leave_chunk();
  for (void* block : blocks) EXPECT_FALSE(is_chunk(block)) << "all chunks are given back";
}

TEST(Bump, TheNewestBlockFreedMakesRoomAtOnce) {
  void* keeper = allocate(10);
  void* newest = allocate(100);
  deallocate(newest);
  EXPECT_EQ(allocate(50), newest);
  EXPECT_NE(keeper, newest);
}

TEST(Bump, AChunkStartsOverWhenItsLastBlockIsFreed) {
  void* first = allocate(24);
  void* second = allocate(24);
  void* third = allocate(24);
  deallocate(first);
  deallocate(second);
  deallocate(third);
  EXPECT_EQ(allocate(100), first);
}

TEST(Bump, AnEmptyArenaNeverLeavesItsChunk) {
  void* first = allocate(24);
  deallocate(first);
  const size_t committed = depot.measure().committed_bytes;
  for (int i = 0; i < 100'000; ++i) {
    void* a = allocate(100);
    void* b = allocate(2000);
    deallocate(a);
    deallocate(b);
  }
  EXPECT_EQ(depot.measure().committed_bytes, committed);
  EXPECT_EQ(allocate(1), first);
}

TEST(Bump, AChunkStartsOverWhenOthersFreedTheRest) {
  void* first = allocate(24);
  void* second = allocate(24);
  std::thread([&] { deallocate(first); }).join();
  EXPECT_NE(allocate(24), first) << "the owner learns of it when it frees itself";
  void* fourth = allocate(24);
  std::thread([&] { deallocate(fourth); }).join();
  deallocate(second);
  void* last = allocate(24);
  deallocate(last);
  EXPECT_TRUE(is_chunk(first));
}

TEST(Bump, BlocksOutliveTheirTask) {
  void* block = allocate(100);
  test::fill(block, 100, 1);
  leave_chunk();
  void* other = allocate(100, 2);
  EXPECT_NE(&chunk_of(other), &chunk_of(block)) << "the next task has a chunk of its own";
  EXPECT_TRUE(test::holds(block, 100, 1));
  EXPECT_EQ(bump::tag_of(block)->load(), 1U);
  deallocate(block);
  EXPECT_FALSE(is_chunk(block)) << "with its last block the chunk goes";
  EXPECT_TRUE(is_chunk(other));
}

TEST(Bump, TheLastBlockOfALeftChunkGivesItBackWhoeverFreesIt) {
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(allocate(64));
  leave_chunk();
  for (void* block : blocks) {
    EXPECT_TRUE(is_chunk(blocks[0]));
    std::thread([&] { deallocate(block); }).join();
  }
  EXPECT_FALSE(is_chunk(blocks[0]));
}

TEST(Bump, AChunkWithoutBlocksGoesWhenItIsLeft) {
  void* block = allocate(64);
  deallocate(block);
  leave_chunk();
  EXPECT_FALSE(is_chunk(block));
  leave_chunk();
}

TEST(Bump, AChunkWithoutBlocksRestsForTheNextTask) {
  void* block = allocate(64);
  deallocate(block);
  rest_chunk();
  EXPECT_TRUE(is_chunk(block));
  EXPECT_EQ(allocate(64, 2), block);
  EXPECT_EQ(bump::tag_of(block)->load(), 2U);
}

TEST(Bump, AChunkThatOthersEmptiedRestsForTheNextTask) {
  void* block = allocate(64);
  std::thread([&] { deallocate(block); }).join();
  rest_chunk();
  EXPECT_EQ(allocate(64, 2), block);
}

TEST(Bump, AChunkWithBlocksIsLeftWhenItsTaskEnds) {
  void* block = allocate(64);
  rest_chunk();
  void* other = allocate(64, 2);
  EXPECT_NE(&chunk_of(other), &chunk_of(block));
  deallocate(block);
  EXPECT_FALSE(is_chunk(block));
  rest_chunk();
  rest_chunk();
}

TEST(Bump, ExtendsTheNewestBlockOnly) {
  void* first = allocate(100);
  void* newest = allocate(100);
  test::fill(newest, 100, 1);
  BumpChunk& chunk = chunk_of(newest);
  EXPECT_FALSE(bump::try_extend(chunk, first, 200));
  ASSERT_TRUE(bump::try_extend(chunk, newest, 1000));
  EXPECT_GE(bump::usable_bytes(newest), 1000U);
  EXPECT_TRUE(test::holds(newest, 100, 1));
  test::fill(newest, bump::usable_bytes(newest), 2);
  void* next = allocate(8);
  EXPECT_GE(address_of(next), address_of(newest) + bump::usable_bytes(newest) + sizeof(BumpHeader));
  EXPECT_FALSE(bump::try_extend(chunk, next, bump::block_bytes_max + 1));
  leave_chunk();
  EXPECT_FALSE(bump::try_extend(chunk, next, 100)) << "no longer the thread's chunk";
}

TEST(Bump, DoesNotExtendBeyondTheChunk) {
  void* block = nullptr;
  do {
    block = allocate(4000);
  } while (address_of(block) + 2 * 4000 < chunk_of(block).end);
  EXPECT_FALSE(bump::try_extend(chunk_of(block), block, bump::block_bytes_max) &&
               address_of(block) + bump::usable_bytes(block) > chunk_of(block).end);
}

TEST(Bump, ABlockFreedTwiceIsSeen) {
  void* block = allocate(64);
  void* other = allocate(64);
  deallocate(block);
  EXPECT_FALSE(bump::holds_block(chunk_of(block), block));
  EXPECT_EXIT(deallocate(block), aborted, "bursar: double free of 0x");
  EXPECT_TRUE(bump::holds_block(chunk_of(other), other));
}

TEST(Bump, PlacesThatCannotStartABlockAreSeen) {
  void* block = allocate(64);
  memset(block, 0, 64);
  BumpChunk& chunk = chunk_of(block);
  EXPECT_FALSE(bump::holds_block(chunk, pointer_to(chunk.start)));
  const void* inside = pointer_to(address_of(block) + 16);
  EXPECT_FALSE(bump::holds_block(chunk, inside));
  EXPECT_EXIT(bump::check_block(chunk, inside, Caller::realloc), aborted, "invalid realloc of 0x.*: inside the block");
}

/// One thread cuts blocks and frees some, others free the rest: every chunk goes back exactly once.
TEST(Bump, OthersMayFreeWhileTheOwnerAllocates) {
  constexpr size_t blocks_per_round = 64;
  const int rounds = test::is_slow_build() ? 300 : 3000;
  std::atomic<void*> mailbox[blocks_per_round] = {};
  std::atomic<bool> is_over{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      while (!is_over) {
        for (std::atomic<void*>& slot : mailbox) {
          void* block = slot.exchange(nullptr);
          if (block == nullptr) continue;
          EXPECT_TRUE(test::holds(block, 40, address_of(block)));
          deallocate(block);
        }
      }
    });
  }
  test::Random random(test::told_seed());
  for (int round = 0; round < rounds; ++round) {
    for (std::atomic<void*>& slot : mailbox) {
      void* block = allocate(random.between(40, 400));
      test::fill(block, 40, address_of(block));
      void* expected = nullptr;
      if (random.one_in(3) || !slot.compare_exchange_strong(expected, block)) deallocate(block);
    }
    if (random.one_in(4)) leave_chunk();
    if (random.one_in(4)) rest_chunk();
  }
  leave_chunk();
  is_over = true;
  for (std::thread& one : others) one.join();
  for (std::atomic<void*>& slot : mailbox) {
    if (void* block = slot.load()) deallocate(block);
  }
  (void)depot.purge_all();
  depot.validate();
  EXPECT_EQ(depot.measure().segments_bytes, 0U) << "no chunk is left";
}

}  // namespace
}  // namespace bursar
