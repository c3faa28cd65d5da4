// A slab: blocks of one size class.
#include "allocator/slab.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <deque>
#include <set>
#include <vector>

#include "allocator/depot.h"
#include "allocator/os.h"
#include "allocator/page_map.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

constexpr uintptr_t some_owner = 0x40;
constexpr SlabStage all_stages[] = {SlabStage::current, SlabStage::partial, SlabStage::exhausted};
const testing::KilledBySignal aborted(SIGABRT);

Slab& make_slab(SizeClass size_class) {
  Slab* slab = slab::acquire(size_class, nullptr, some_owner);
  EXPECT_NE(slab, nullptr);
  return *slab;
}

std::vector<Block*> blocks_of(Block* first) {
  std::vector<Block*> blocks;
  for (Block* block = first; block != nullptr; block = block->next) blocks.push_back(block);
  return blocks;
}

/// Every block of the slab, in address order.
std::vector<Block*> carve_all(Slab& slab) {
  std::vector<Block*> blocks;
  while (slab.carved < slab.capacity) {
    for (Block* block : blocks_of(slab::carve(slab))) blocks.push_back(block);
  }
  return blocks;
}

/// Something of the program's own in every byte: the link of a free block must not be read where none was written.
void use(Slab& slab, Block* block) { memset(static_cast<void*>(block), 0x5a, slab.block_bytes()); }

/// What a free that left `out` blocks out must say.
bool must_leave(const Slab& slab, size_t out) {
  switch (slab.stage) {
    case SlabStage::current: return false;
    case SlabStage::partial: return out == 0;
    case SlabStage::exhausted: break;
  }
  return out <= static_cast<size_t>(slab.capacity - slab.worthwhile);
}

class EachClass : public testing::TestWithParam<SizeClass> {};

TEST_P(EachClass, ANewSlabIsEnteredWithItsOwner) {
  Slab& slab = make_slab(GetParam());
  EXPECT_EQ(slab.kind, RunKind::slab);
  EXPECT_EQ(slab.size_class, GetParam());
  EXPECT_EQ(slab.capacity, slab.granules * granule_bytes / block_bytes_of(GetParam()));
  EXPECT_EQ(slab.stage, SlabStage::current);
  EXPECT_EQ(slab.carved, 0);
  EXPECT_EQ(slab.out(), 0);
  EXPECT_FALSE(slab.has_freed());
  EXPECT_EQ(slab.owner.load(), some_owner);
  for (size_t i = 0; i < slab.granules; ++i) {
    const void* pointer = pointer_to(slab.start + i * granule_bytes);
    EXPECT_EQ(page_map.run_of(pointer), &slab);
    bursar::Run* found = nullptr;
    EXPECT_TRUE(page_map.find_run(pointer, found));
    EXPECT_EQ(found, &slab);
  }
  slab::validate(slab);
}

TEST_P(EachClass, FreshBlocksComeInAddressOrderPageByPage) {
  Slab& slab = make_slab(GetParam());
  const size_t bytes = slab.block_bytes();
  uintptr_t expected = slab.start;
  size_t taken = 0;
  while (slab.carved < slab.capacity) {
    Block* first = slab::carve(slab);
    const uintptr_t page = round_down(address_of(first), 4 * KiB);
    for (const Block* block = first; block != nullptr; block = block->next) {
      ASSERT_EQ(address_of(block), expected);
      ASSERT_EQ(round_down(address_of(block), 4 * KiB), page) << "another page would be touched for nothing";
      expected += bytes;
      ++taken;
    }
    ASSERT_EQ(slab.carved, taken);
    ASSERT_EQ(slab.out(), static_cast<int32_t>(taken));
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
    ASSERT_FALSE(slab::was_carved(slab, pointer)) << offset;
  }
}

TEST_P(EachClass, ABlockWasCarvedOnceItWasHandedOut) {
  Slab& slab = make_slab(GetParam());
  (void)slab::carve(slab);
  for (size_t offset = 0; offset < slab.granules * granule_bytes; offset += block_alignment) {
    const void* pointer = pointer_to(slab.start + offset);
    const bool expected = offset % slab.block_bytes() == 0 && offset / slab.block_bytes() < slab.carved;
    ASSERT_EQ(slab::was_carved(slab, pointer), expected) << offset;
  }
}

TEST_P(EachClass, FreedBlocksComeBackInTheOrderOfTheirFrees) {
  Slab& slab = make_slab(GetParam());
  std::vector<Block*> blocks = carve_all(slab);
  test::Random random(test::told_seed());
  for (size_t i = blocks.size() - 1; i > 0; --i) std::swap(blocks[i], blocks[random.below(i + 1)]);
  for (Block* block : blocks) {
    use(slab, block);
    (void)slab::put(slab, block);
  }
  EXPECT_EQ(slab.out(), 0);
  slab::validate(slab);
  EXPECT_EQ(blocks_of(slab::take_freed(slab)), blocks);
  EXPECT_FALSE(slab.has_freed());
  EXPECT_EQ(slab.out(), slab.capacity);
  slab::validate(slab);
}

TEST_P(EachClass, NoFreeLeavesForACurrentSlab) {
  Slab& slab = make_slab(GetParam());
  for (Block* block : carve_all(slab)) EXPECT_FALSE(slab::put(slab, block)) << "not even the last one";
  EXPECT_EQ(slab.out(), 0);
}

TEST_P(EachClass, AFreeLeavesAPartialSlabWhenNoBlockIsOut) {
  Slab& slab = make_slab(GetParam());
  const std::vector<Block*> blocks = carve_all(slab);
  slab::set_stage(slab, SlabStage::partial);
  for (Block* block : blocks) EXPECT_EQ(slab::put(slab, block), block == blocks.back());
  EXPECT_EQ(slab.out(), 0);
}

TEST_P(EachClass, AFreeLeavesAnExhaustedSlabWhenEnoughAreBack) {
  Slab& slab = make_slab(GetParam());
  const std::vector<Block*> blocks = carve_all(slab);
  slab::set_stage(slab, SlabStage::exhausted);
  int32_t freed = 0;
  for (Block* block : blocks) EXPECT_EQ(slab::put(slab, block), ++freed >= slab.worthwhile) << freed;
  EXPECT_EQ(slab.out(), 0) << "a free that was told so and not heeded is told so again";
}

TEST_P(EachClass, AChangeOfStageLeavesTheCountOfBlocksOut) {
  Slab& slab = make_slab(GetParam());
  const std::vector<Block*> blocks = carve_all(slab);
  int32_t out = slab.capacity;
  for (Block* block : blocks) {
    for (const SlabStage from : all_stages) {
      for (const SlabStage to : all_stages) {
        slab::set_stage(slab, from);
        slab::set_stage(slab, to);
        ASSERT_EQ(slab.stage, to);
        ASSERT_EQ(slab.out(), out);
        ASSERT_EQ(slab.freed_count(), slab.capacity - out);
      }
    }
    (void)slab::put(slab, block);
    --out;
  }
}

TEST_P(EachClass, BothBoundsOfAnExhaustedSlabAreWithinIt) {
  const size_t capacity = slab::capacity_of(GetParam());
  const int32_t worthwhile = slab::worthwhile_of(capacity);
  EXPECT_GE(worthwhile, 1);
  EXPECT_LE(static_cast<size_t>(worthwhile), capacity);
  EXPECT_LE(static_cast<size_t>(worthwhile) * block_bytes_of(GetParam()),
            slab_granules_of(GetParam()) * granule_bytes / 8)
      << "as much as may lie idle in a slab that nobody looks at";
}

std::vector<SizeClass> some_classes() {
  std::vector<SizeClass> classes = {1, 2, 3, 7, size_class_count / 3, size_class_count / 2};
  for (const SizeClass border : {small_class_max, SizeClass{size_class_count - 2}}) {
    for (SizeClass size_class = border - 1; size_class <= border + 1; ++size_class) classes.push_back(size_class);
  }
  return classes;
}
INSTANTIATE_TEST_SUITE_P(Slab, EachClass, testing::ValuesIn(some_classes()));

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

TEST(Slab, TheRecordOfEveryClassFitsItsFields) {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const Slab& slab = make_slab(size_class);
    ASSERT_EQ(slab.size_class, size_class);
    ASSERT_EQ(slab.granules, slab_granules_of(size_class));
    ASSERT_EQ(slab.capacity, slab::capacity_of(size_class));
    ASSERT_GE(slab.capacity, 8) << "fewer would not be worth a slab";
  }
}

TEST(Slab, WhatFreesTouchLiesInOneCacheLine) {
  constexpr size_t line_bytes = 64;
  EXPECT_EQ(run_record_bytes % line_bytes, 0U);
  const Slab& slab = make_slab(1);
  EXPECT_EQ(address_of(&slab) % line_bytes, 0U);
  EXPECT_LE(address_of(&slab.heap) + sizeof(slab.heap) - address_of(&slab), line_bytes);
}

TEST(Slab, TakingTouchesTheLastBlockAlone) {
  Slab& slab = make_slab(4);
  const std::vector<Block*> blocks = carve_all(slab);
  for (Block* block : blocks) (void)slab::put(slab, block);
  std::vector<Block> before;
  for (const Block* block : blocks) before.push_back(*block);
  (void)slab::take_freed(slab);
  for (size_t i = 0; i + 1 < blocks.size(); ++i) ASSERT_EQ(blocks[i]->next, before[i].next);
  EXPECT_EQ(blocks.back()->next, nullptr);
}

TEST(Slab, AQueueIsTakenAgainAndAgain) {
  Slab& slab = make_slab(4);
  const std::vector<Block*> blocks = carve_all(slab);
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < 5; ++i) {
      use(slab, blocks[i]);
      (void)slab::put(slab, blocks[i]);
    }
    EXPECT_EQ(slab.freed_count(), 5);
    EXPECT_EQ(blocks_of(slab::take_freed(slab)), std::vector<Block*>(blocks.begin(), blocks.begin() + 5));
    EXPECT_EQ(slab.freed_count(), 0);
    slab::validate(slab);
  }
}

TEST(Slab, FreshBlocksComeBesideFreedOnes) {
  Slab& slab = make_slab(4);
  Block* first = slab::carve(slab);
  const std::vector<Block*> blocks = blocks_of(first);
  for (Block* block : blocks) (void)slab::put(slab, block);
  const std::vector<Block*> fresh = blocks_of(slab::carve(slab));
  EXPECT_EQ(slab.out(), static_cast<int32_t>(fresh.size()));
  slab::validate(slab);
  EXPECT_EQ(blocks_of(slab::take_freed(slab)), blocks);
}

/// A page that a fork is about to share with the child: the thread that writes to it next waits there, and the child finds the
/// slab as that thread left it.
class SharedPage {
 public:
  SharedPage(Slab& slab, Block* block) : start_(pointer_to(round_down(address_of(block), os::page_bytes()))) {
    slab_ = &slab;
    count_ = slab.freed_count();
    finds_ = 0;
    struct sigaction action {};
    action.sa_sigaction = on_write;
    action.sa_flags = SA_SIGINFO;
    EXPECT_EQ(sigaction(SIGSEGV, &action, nullptr), 0);
    EXPECT_EQ(mprotect(start_, os::page_bytes(), PROT_READ), 0);
  }
  ~SharedPage() {
    EXPECT_EQ(finds_, 1) << "nothing was written there";
    (void)signal(SIGSEGV, SIG_DFL);
  }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;

 private:
  static void on_write(int, siginfo_t* info, void*) {
    finds_ = finds_ + 1;
    void* page = pointer_to(round_down(address_of(info->si_addr), os::page_bytes()));
    if (finds_ > 1 || mprotect(page, os::page_bytes(), PROT_READ | PROT_WRITE) != 0) abort();
    const pid_t child = fork();
    if (child == 0) look_in_child();
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0) abort();
  }
  [[noreturn]] static void look_in_child() {
    slab::mend_after_fork(*slab_);
    slab::validate(*slab_);
    int32_t length = 0;
    const bool is_whole = slab_->freed_count() == count_;
    for (const Block* block = slab::take_freed(*slab_); block != nullptr; block = block->next) ++length;
    _exit(is_whole && length == count_ ? 0 : 1);
  }

  static inline Slab* slab_ = nullptr;
  static inline int32_t count_ = 0;
  static inline volatile sig_atomic_t finds_ = 0;
  void* start_;
};

TEST(Slab, AForkThatMeetsATakeFindsTheQueueWhole) {
  if (test::is_thread_sanitized()) GTEST_SKIP() << "no fork in a handler";
  Slab& slab = make_slab(size_class_count - 1);
  const std::vector<Block*> blocks = carve_all(slab);
  for (Block* block : blocks) {
    use(slab, block);
    (void)slab::put(slab, block);
  }
  Block* first = nullptr;
  {
    const SharedPage shared(slab, blocks.back());
    first = slab::take_freed(slab);
  }
  EXPECT_EQ(blocks_of(first), blocks);
}

TEST(Slab, AForkThatMeetsAFreeFindsTheQueueWhole) {
  if (test::is_thread_sanitized()) GTEST_SKIP() << "no fork in a handler";
  Slab& slab = make_slab(size_class_count - 1);
  const std::vector<Block*> blocks = carve_all(slab);
  for (Block* block : blocks) use(slab, block);
  (void)slab::put(slab, blocks[0]);
  {
    const SharedPage shared(slab, blocks[0]);
    (void)slab::put(slab, blocks[1]);
  }
  EXPECT_EQ(blocks_of(slab::take_freed(slab)), std::vector<Block*>(blocks.begin(), blocks.begin() + 2));
}

TEST(Slab, AgreesWithAModel) {
  test::Random random(test::told_seed());
  Slab& slab = make_slab(5);
  std::set<Block*> out;
  std::deque<Block*> freed;
  const auto hand_out = [&out, &slab](Block* first) {
    for (Block* block : blocks_of(first)) {
      ASSERT_TRUE(slab::was_carved(slab, block));
      ASSERT_TRUE(out.insert(block).second) << "handed out twice";
    }
    for (Block* block : out) use(slab, block);
  };
  for (int step = 0; step < 20'000; ++step) {
    const size_t choice = random.below(10);
    if (choice == 0 && !freed.empty()) {
      Block* first = slab::take_freed(slab);
      ASSERT_EQ(blocks_of(first), std::vector<Block*>(freed.begin(), freed.end()));
      freed.clear();
      hand_out(first);
    } else if (choice <= 1 && slab.carved < slab.capacity) {
      hand_out(slab::carve(slab));
    } else if (choice == 2) {
      slab::set_stage(slab, all_stages[random.below(3)]);
    } else if (!out.empty()) {
      auto chosen = out.begin();
      std::advance(chosen, static_cast<long>(random.below(out.size())));
      const bool is_beyond = slab::put(slab, *chosen);
      freed.push_back(*chosen);
      out.erase(chosen);
      ASSERT_EQ(is_beyond, must_leave(slab, out.size()));
    }
    ASSERT_EQ(out.size(), static_cast<size_t>(slab.out()));
    ASSERT_EQ(freed.size(), static_cast<size_t>(slab.freed_count()));
    ASSERT_EQ(freed.empty(), !slab.has_freed());
    if (step % 100 == 0) slab::validate(slab);
    if (HasFatalFailure()) return;
  }
}

TEST(Slab, ABlockFreedTwiceIsNeverHandedOutTwice) {
  // Four blocks, freed in every order of seven frees that has each of them: what was freed twice may be lost.
  Slab& slab = make_slab(4);
  Block* blocks[4] = {};
  blocks[0] = slab::carve(slab);
  for (int i = 1; i < 4; ++i) blocks[i] = blocks[i - 1]->next;
  constexpr unsigned frees = 7;
  for (unsigned order = 0; order < 1U << (2 * frees); ++order) {
    const int32_t out = slab.out();
    for (unsigned i = 0; i < frees; ++i) {
      Block* block = blocks[order >> (2 * i) & 3];
      if (slab.freed_last != block) (void)slab::put(slab, block);
    }
    if (!slab.has_freed()) continue;
    std::set<const Block*> seen;
    for (const Block* block = slab::take_freed(slab); block != nullptr; block = block->next) {
      ASSERT_TRUE(seen.insert(block).second) << order;
    }
    slab.countdown += out - slab.out();
  }
}

TEST(Slab, ValidateSeesABlockFreedTwice) {
  Slab& slab = make_slab(5);
  Block* block = slab::carve(slab);
  Block* other = block->next;
  (void)slab::put(slab, block);
  (void)slab::put(slab, other);
  (void)slab::put(slab, block);
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesABlockOfAnotherSlab) {
  Slab& slab = make_slab(5);
  Block* stranger = slab::carve(make_slab(5));
  (void)slab::carve(slab);
  (void)slab::put(slab, stranger);
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesABlockThatWasNeverCarved) {
  Slab& slab = make_slab(5);
  (void)slab::carve(slab);
  (void)slab::put(slab, static_cast<Block*>(pointer_to(slab.start + slab.carved * slab.block_bytes())));
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesAWrongCount) {
  Slab& slab = make_slab(5);
  (void)slab::put(slab, slab::carve(slab));
  --slab.countdown;
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

TEST(Slab, ValidateSeesAWrongCountOfReturnedBlocks) {
  Slab& slab = make_slab(5);
  Block* block = slab::carve(slab);
  block->next = nullptr;
  slab.returned = block;
  slab.returned_count = 1;
  slab::validate(slab);
  slab.returned_count = 2;
  EXPECT_EXIT(slab::validate(slab), aborted, "broken invariant");
}

}  // namespace
}  // namespace bursar
