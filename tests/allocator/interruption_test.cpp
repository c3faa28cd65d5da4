// A signal, or another thread's fork, before every single instruction of what the heap does for a thread.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "allocator/depot.h"
#include "allocator/fork_guard.h"
#include "tests/allocator/heap_user.h"
#include "tests/allocator/stepper.h"

namespace bursar::test {
namespace {

constexpr size_t bytes = 64;
constexpr size_t other_bytes = 1000;

/// The blocks that are in use, without memory of their own: handlers change it.
class InUse {
 public:
  void add(void* block) {
    blocks_[count_] = block;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);  // a child forked between finds none that is not there
    count_ = count_ + 1;
  }
  void add(const std::vector<void*>& blocks) {
    for (void* block : blocks) add(block);
  }
  void* take() { return count_ == 0 ? nullptr : blocks_[--count_]; }
  void* take(void* block) {
    for (size_t i = 0; i < count_; ++i) {
      if (blocks_[i] == block) blocks_[i] = blocks_[--count_];
    }
    return block;
  }

  /// Each has its bytes to itself, and all go without a rest.
  bool are_apart() {
    for (size_t i = 0; i < count_; ++i) test::fill(blocks_[i], bytes, address_of(blocks_[i]));
    const std::set<void*> distinct(blocks_.begin(), blocks_.begin() + count_);
    EXPECT_EQ(distinct.size(), count_) << "a block was handed out twice";
    for (size_t i = 0; i < count_; ++i) EXPECT_TRUE(test::holds(blocks_[i], bytes, address_of(blocks_[i])));
    return !testing::Test::HasFailure();
  }
  void deallocate_all() {
    while (void* block = take()) deallocate(block);
  }

 private:
  std::array<void*, 10'000> blocks_{};
  size_t count_ = 0;
};

InUse in_use;
InUse handlers;  // what a handler may free

void attach() {
  if (!heap_registry.attach_thread()) abort();
  thread.active = thread.heap;
  thread.heap->open_to_frees();
}

/// Fills the bin's slab: the next block of the class takes more than the bin has.
void empty_bin(size_t size) {
  while (thread.heap->small_bin_of(size).head != nullptr) in_use.add(allocate(size));
}

void deliver(void* pointer, size_t waiting_bytes, ThreadHeap::Drain drain) {
  const InsideScope inside;
  auto* block = static_cast<Block*>(pointer);
  ThreadHeap::deliver(slab_of(block), block, waiting_bytes, drain);
}

void* subject = nullptr;  // what the act is about

void take_one() { in_use.add(allocate(bytes)); }
void free_subject() { deallocate(subject); }

struct Case {
  const char* name;
  void (*prepare)();
  void (*act)();
};

void be_empty() { attach(); }

void be_amid_a_page() {
  attach();
  in_use.add(allocate(bytes));
  handlers.add(allocate(bytes));
}

void have_freed_blocks() {
  attach();
  std::vector<void*> blocks = allocate_slab(bytes);
  for (int i = 0; i < 50; ++i) {
    deallocate(blocks.back());
    blocks.pop_back();
  }
  for (int i = 0; i < 10; ++i) {
    handlers.add(blocks.back());
    blocks.pop_back();
  }
  in_use.add(blocks);
}

void have_a_carved_page() {
  attach();
  handlers.add(allocate(bytes));
  empty_bin(bytes);
}

void have_a_partial_slab() {
  have_freed_blocks();
  std::vector<void*> blocks = allocate_slab(bytes);
  in_use.add(allocate(bytes));
  Slab& slab = slab_of(blocks.front());
  while (slab.stage != SlabStage::partial) {
    deallocate(blocks.back());
    blocks.pop_back();
  }
  in_use.add(blocks);
  empty_bin(bytes);
}

void have_a_slab_about_to_be_partial() {
  attach();
  std::vector<void*> blocks = allocate_slab(bytes);
  in_use.add(allocate(bytes));
  const Slab& slab = slab_of(blocks.front());
  while (slab.freed_count() + 1 < slab.worthwhile) {
    deallocate(blocks.back());
    blocks.pop_back();
  }
  subject = blocks.back();
  blocks.pop_back();
  handlers.add(blocks.back());
  blocks.pop_back();
  in_use.add(blocks);
}

void have_a_slab_about_to_go() {
  attach();
  const std::vector<void*> blocks = allocate_slab(bytes);
  in_use.add(allocate(bytes));
  subject = blocks[0];
  handlers.add(blocks[1]);
  for (size_t i = 2; i < blocks.size(); ++i) deallocate(blocks[i]);
}

void have_remote_frees() {
  have_a_slab_about_to_be_partial();
  deliver(subject, 1, ThreadHeap::Drain::no);
  deliver(handlers.take(), 1, ThreadHeap::Drain::no);
  handlers.add(in_use.take());
  empty_bin(bytes);
}

void have_returned_blocks() {
  have_a_slab_about_to_be_partial();
  deliver(subject, GiB, ThreadHeap::Drain::when_due);
  handlers.add(in_use.take());
  empty_bin(bytes);
}

void empty_all_bins() { empty_bins(); }
void free_slowly() { heap::deallocate(subject, Caller::free); }

constexpr Case cases[] = {
    {"malloc_of_a_new_slab", be_empty, take_one},
    {"malloc_of_the_bin", be_amid_a_page, take_one},
    {"malloc_of_freed_blocks", have_freed_blocks, take_one},
    {"malloc_of_the_next_page", have_a_carved_page, take_one},
    {"malloc_of_a_partial_slab", have_a_partial_slab, take_one},
    {"malloc_takes_in_remote_frees", have_remote_frees, take_one},
    {"malloc_takes_in_returned_blocks", have_returned_blocks, take_one},
    {"free_makes_a_slab_partial", have_a_slab_about_to_be_partial, free_subject},
    {"free_makes_a_slab_go", have_a_slab_about_to_go, free_subject},
    {"free_without_the_fast_path", have_a_slab_about_to_go, free_slowly},
    {"bins_are_emptied", be_amid_a_page, empty_all_bins},
    {"bins_are_emptied_of_freed_blocks", have_freed_blocks, empty_all_bins},
};

class EachInstruction : public testing::TestWithParam<Case> {
 protected:
  static bool nothing_is_lost() {
    if (!in_use.are_apart()) return false;
    in_use.deallocate_all();
    handlers.deallocate_all();
    empty_bins();
    EXPECT_EQ(used_bytes(), 0U);
    test::validate_heap();
    return !HasFailure();
  }

  [[nodiscard]] static size_t interrupt(void (*meanwhile)()) {
    return test::interrupt_at_each_instruction(
        {GetParam().prepare, GetParam().act, meanwhile, nothing_is_lost, stops_max()});
  }
  static size_t stops_max() { return test::is_slow_build() ? 8 : 40; }

  void SetUp() override {
    if (test::is_thread_sanitized()) GTEST_SKIP() << "ThreadSanitizer puts signals off, and lets no child have threads";
    srand(static_cast<unsigned>(test::told_seed()));
  }
};

TEST_P(EachInstruction, AHandlerMayFreeInsideTheHeap) {
  EXPECT_GT(interrupt([] {
              if (void* block = thread.is_inside ? handlers.take() : nullptr) deallocate(block);
            }),
            0U);
}

TEST_P(EachInstruction, AHandlerMayAllocateInsideTheHeap) {
  EXPECT_GT(interrupt([] {
              if (thread.is_inside) in_use.add(allocate(bytes));
            }),
            0U);
}

TEST_P(EachInstruction, AHandlerMayUseTheHeapInside) {
  EXPECT_GT(interrupt([] {
              if (!thread.is_inside) return;
              void* own[3] = {};
              for (void*& block : own) block = allocate(bytes);
              if (void* block = handlers.take()) deallocate(block);
              for (void* block : own) deallocate(block);
              in_use.add(allocate(bytes));
            }),
            0U);
}

TEST_P(EachInstruction, AHandlerMayUseOtherSizesAnywhere) {
  EXPECT_GT(interrupt([] {
              void* own[3] = {};
              for (void*& block : own) block = allocate(other_bytes);
              for (void* block : own) deallocate(block);
              deallocate(allocate(100'000));
            }),
            0U);
}

/// In the child: every block that was in use still is, and both its heaps serve.
bool child_works() {
  const auto use = [] {
    std::vector<void*> mine = allocate_slab(bytes);
    for (const size_t other : {size_t{16}, other_bytes, size_t{100'000}}) {
      void* block = allocate(other);
      test::fill(block, other, 1);
      EXPECT_TRUE(test::holds(block, other, 1));
      deallocate(block);
    }
    const std::set<void*> distinct(mine.begin(), mine.end());
    EXPECT_EQ(distinct.size(), mine.size());
    test::deallocate_all(mine, bytes);
  };
  use();
  run_attached(use);  // in a heap that its owner left at the fork
  EXPECT_TRUE(in_use.are_apart());
  in_use.deallocate_all();
  use();
  run_attached(use);
  return !testing::Test::HasFailure();
}

TEST_P(EachInstruction, AForkElsewhereLeavesAHeapThatWorks) {
  fork_guard.start();
  const test::Steps steps{GetParam().prepare, GetParam().act, attach, child_works, stops_max()};
  EXPECT_GT(test::fork_at_each_instruction(steps), 0U);
}

INSTANTIATE_TEST_SUITE_P(Interruption, EachInstruction, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace bursar::test
