// The heap as a whole, against a shadow that knows every block.
#include "allocator/heap.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "allocator/bump.h"
#include "allocator/depot.h"
#include "allocator/fork_guard.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

const testing::KilledBySignal aborted(SIGABRT);

struct Held {
  void* block;
  size_t usable;
  uint64_t mark;
};

/// Blocks by address: no two overlap, each holds what was written into it.
class Shadow {
 public:
  void add(void* block, size_t bytes, size_t alignment, uint64_t mark) {
    ASSERT_NE(block, nullptr) << bytes << " bytes at " << alignment;
    ASSERT_EQ(address_of(block) % alignment, 0U);
    const size_t usable = heap::usable_bytes(block, Caller::usable_size);
    ASSERT_GE(usable, bytes);
    const auto above = blocks_.lower_bound(address_of(block));
    ASSERT_TRUE(above == blocks_.end() || address_of(block) + usable <= above->first) << "overlaps the block above";
    ASSERT_TRUE(above == blocks_.begin() ||
                std::prev(above)->first + std::prev(above)->second.usable <= address_of(block))
        << "overlaps the block below";
    test::fill(block, usable, mark);
    blocks_.emplace(address_of(block), Held{block, usable, mark});
    total_ += usable;
  }

  /// Takes one out, checked.
  Held take(test::Random& random) {
    auto chosen = blocks_.lower_bound(random_key(random));
    if (chosen == blocks_.end()) chosen = blocks_.begin();
    const Held held = chosen->second;
    EXPECT_EQ(heap::usable_bytes(held.block, Caller::usable_size), held.usable);
    EXPECT_TRUE(test::holds(held.block, held.usable, held.mark)) << held.block << ", " << held.usable;
    blocks_.erase(chosen);
    total_ -= held.usable;
    return held;
  }

  [[nodiscard]] bool is_empty() const { return blocks_.empty(); }
  [[nodiscard]] size_t count() const { return blocks_.size(); }
  [[nodiscard]] size_t total() const { return total_; }

 private:
  /// Somewhere between the lowest and the highest block.
  uintptr_t random_key(test::Random& random) {
    const uintptr_t low = blocks_.begin()->first;
    const uintptr_t high = blocks_.rbegin()->first;
    // Most blocks lie close together: half of the time near another one.
    return random.one_in(2) ? low + random.below(high - low + 1) : high - random.below(8 * MiB) % (high - low + 1);
  }

  std::map<uintptr_t, Held> blocks_;
  size_t total_ = 0;
};

/// What one thread does: each step a call with random arguments.
class Walker {
 public:
  Walker(uint64_t seed, size_t total_max) : random_(seed), total_max_(total_max) {}

  void step() {
    const size_t choice = random_.below(100);
    if (shadow_.is_empty() || (shadow_.total() < total_max_ && choice < 45)) return allocate();
    if (choice < 60) return resize();
    if (choice == 60) return purge();
    deallocate(shadow_.take(random_));
  }

  /// Gives a block away, so that another thread frees it.
  bool give(std::vector<Held>& others) {
    if (shadow_.is_empty()) return false;
    others.push_back(shadow_.take(random_));
    return true;
  }

  void deallocate(const Held& held) {
    ASSERT_TRUE(test::holds(held.block, held.usable, held.mark));
    if (!try_deallocate_fast(held.block)) heap::deallocate(held.block, Caller::free);
  }

  void end() {
    while (!shadow_.is_empty() && !testing::Test::HasFatalFailure()) deallocate(shadow_.take(random_));
  }

 private:
  size_t random_bytes() {
    const size_t kind = random_.below(200);
    if (kind == 0) return random_.bytes(12 * MiB);
    if (kind < 4) return random_.bytes(300 * KiB);
    return kind < 30 ? random_.bytes(medium_bytes_max + 1) : random_.below(2 * small_bytes_max);
  }

  void allocate() {
    const size_t bytes = random_bytes();
    if (random_.one_in(2)) return shadow_.add(test::allocate(bytes), bytes, block_alignment, random_.next());
    const size_t alignment = random_.one_in(3) ? size_t{1} << random_.between(4, random_.one_in(20) ? 23 : 13) : 16;
    const Zeroed zeroed = random_.one_in(3) ? Zeroed::yes : Zeroed::no;
    void* block = heap::allocate(bytes, alignment, zeroed);
    ASSERT_TRUE(zeroed == Zeroed::no || block == nullptr || test::is_zero(block, bytes)) << bytes;
    shadow_.add(block, bytes, alignment, random_.next());
  }

  void resize() {
    const Held old = shadow_.take(random_);
    size_t bytes = random_.one_in(2) ? random_bytes() : old.usable / 2 + random_.below(old.usable + 1);
    if (bytes == 0) bytes = 1;
    const size_t kept = bytes < old.usable ? bytes : old.usable;
    // The pattern of a whole block covers what is kept only up to the sparse part: the start is compared.
    const size_t compared = kept < 4 * KiB ? kept & ~size_t{7} : 4 * KiB;
    void* moved = test::reallocate(old.block, bytes);
    ASSERT_NE(moved, nullptr);
    ASSERT_TRUE(test::holds(moved, compared, old.mark)) << old.usable << " to " << bytes;
    shadow_.add(moved, bytes, block_alignment, random_.next());
  }

  void purge() {
    fake_os::advance_clock_ms(random_.below(2000));
    if (random_.one_in(10)) (void)heap::purge_all();
  }

  test::Random random_;
  const size_t total_max_;
  Shadow shadow_;
};

size_t used_bytes() {
  const heap::Figures figures = heap::measure();
  return figures.system_bytes - figures.free_bytes;
}

TEST(Heap, AgreesWithAShadow) {
  fake_os::set_clock_ms(1'000'000);
  const AttachedThread here;
  Walker walker(test::told_seed(), 48 * MiB);
  const int steps = test::is_slow_build() ? 60'000 : 200'000;
  for (int step = 0; step < steps; ++step) {
    walker.step();
    if (HasFailure()) return;
    if (step % 1000 == 0) test::validate_heap();
  }
  walker.end();
  test::validate_heap();
  EXPECT_TRUE(heap::purge_all());
  EXPECT_EQ(used_bytes(), 0U);
  EXPECT_EQ(heap::measure().mapping_count, 0U);
}

TEST(Heap, AgreesWithAShadowPurgingAtOnce) {
  settings.purge_ms = 0;
  const AttachedThread here;
  Walker walker(test::told_seed(), 16 * MiB);
  const int steps = test::is_slow_build() ? 5'000 : 40'000;
  for (int step = 0; step < steps; ++step) {
    walker.step();
    if (HasFailure()) return;
    if (step % 1000 == 0) test::validate_heap();
  }
  walker.end();
  test::validate_heap();
}

TEST(Heap, AgreesWithAShadowOnHugePages) {
  settings.huge_pages = HugePagesSetting::on;
  fake_os::set_clock_ms(1'000'000);
  const AttachedThread here;
  Walker walker(test::told_seed(), 64 * MiB);
  const int steps = test::is_slow_build() ? 5'000 : 40'000;
  for (int step = 0; step < steps; ++step) {
    walker.step();
    if (HasFailure()) return;
    if (step % 1000 == 0) test::validate_heap();
  }
  walker.end();
  EXPECT_TRUE(heap::purge_all());
  EXPECT_EQ(used_bytes(), 0U);
}

/// Threads that hand blocks to one another and come and go.
TEST(Heap, AgreesWithAShadowForEachOfManyThreads) {
  fake_os::set_clock_ms(1'000'000);
  constexpr size_t threads = 4;
  const uint64_t seed = test::told_seed();
  const int steps = test::is_slow_build() ? 10'000 : 25'000;
  std::mutex mutex;
  std::vector<Held> given;
  for (uint64_t generation = 0; generation < 3; ++generation) {
    run_attached(threads, [&](size_t number) {
      Walker walker(seed + generation * threads + number, 12 * MiB);
      for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
        walker.step();
        if (step % 3 != 0) continue;
        const std::lock_guard guard(mutex);
        if (given.size() < 100 && walker.give(given)) continue;
        if (given.empty()) continue;
        std::swap(given[static_cast<size_t>(step) % given.size()], given.back());
        walker.deallocate(given.back());
        given.pop_back();
      }
      walker.end();
    });
    if (HasFailure()) return;
    test::validate_heap();
  }
  EXPECT_LE(heap_registry.heap_count(), threads);
  run_attached([&] {
    Walker walker(seed, 0);
    for (const Held& held : given) walker.deallocate(held);
  });
  for (size_t i = 0; i < threads; ++i) run_attached([] { (void)heap::purge_all(); });
  EXPECT_LE(used_bytes(), threads * size_class_count * granule_bytes) << "at most a spare slab of each class";
  test::validate_heap();
}

TEST(Heap, ClassesForAlignedBlocksAreAligned) {
  for (size_t alignment = 32; alignment <= medium_bytes_max; alignment *= 2) {
    for (size_t bytes = 0; bytes <= medium_bytes_max; bytes += bytes < 2 * KiB ? 1 : 61) {
      const SizeClass size_class = heap::class_for(bytes, alignment);
      if (size_class == 0) continue;
      ASSERT_EQ(block_bytes_of(size_class) % alignment, 0U) << bytes << " at " << alignment;
      ASSERT_GE(block_bytes_of(size_class), bytes);
    }
    ASSERT_NE(heap::class_for(alignment, alignment), 0U);
    ASSERT_NE(heap::class_for(medium_bytes_max, alignment), 0U);
  }
  EXPECT_EQ(heap::class_for(1, 2 * medium_bytes_max), 0U);
  EXPECT_EQ(heap::class_for(medium_bytes_max + 1, 16), 0U);
  EXPECT_EQ(heap::class_for(request_bytes_max, 64), 0U);
}

TEST(Heap, ServesEverySizeOfEveryClass) {
  const AttachedThread here;
  for (size_t bytes = 0; bytes <= medium_bytes_max + 100; bytes += bytes < 4 * KiB ? 1 : 57) {
    void* block = test::allocate(bytes);
    ASSERT_NE(block, nullptr);
    const size_t usable = heap::usable_bytes(block, Caller::usable_size);
    ASSERT_GE(usable, bytes);
    test::fill(block, usable, bytes);
    ASSERT_TRUE(test::holds(block, usable, bytes));
    test::deallocate(block);
  }
  test::validate_heap();
}

TEST(Heap, LookUpTellsWhatABlockIs) {
  const AttachedThread here;
  void* small = test::allocate(100);
  void* large = test::allocate(100'000);
  void* mapping = test::allocate(6 * MiB);
  const heap::BlockInfo small_info = heap::look_up(small);
  EXPECT_TRUE(small_info.is_ours && !small_info.is_odd);
  EXPECT_EQ(small_info.usable_bytes, 112U);
  EXPECT_EQ(small_info.size_class, size_class_of(100));
  for (const void* block : {large, mapping}) {
    const heap::BlockInfo info = heap::look_up(block);
    EXPECT_TRUE(info.is_ours && !info.is_odd);
    EXPECT_EQ(info.size_class, 0U);
    EXPECT_EQ(info.usable_bytes, heap::usable_bytes(block, Caller::usable_size));
    EXPECT_FALSE(heap::look_up(pointer_to(address_of(block) + 16)).is_ours);
  }
  EXPECT_FALSE(heap::look_up(pointer_to(address_of(small) + 16)).is_ours);
  EXPECT_FALSE(heap::look_up(pointer_to(address_of(small) + 1)).is_ours);
  EXPECT_FALSE(heap::look_up(nullptr).is_ours);
  EXPECT_FALSE(heap::look_up(&small).is_ours);
}

TEST(Heap, LookUpNeverFaults) {
  const AttachedThread here;
  std::vector<uintptr_t> places;
  for (const size_t bytes : {64, 5000, 100'000, 6'000'000}) places.push_back(address_of(test::allocate(bytes)));
  {
    const InsideScope inside;
    places.push_back(address_of(heap::allocate(100, 16, Zeroed::no)));
  }
  thread.serves_task_arena = true;
  places.push_back(address_of(heap::allocate_in_arena(100, 16, Zeroed::no, 3)));
  for (const uintptr_t place : places) {
    const uintptr_t from = round_down(place, granule_bytes) - granule_bytes;
    for (uintptr_t at = from; at < from + 6 * granule_bytes; at += 8) (void)heap::look_up(pointer_to(at));
  }
  const InsideScope inside;
  bump::leave_chunk();
}

TEST(Heap, BlocksOfAnArenaAreBlocksLikeOthers) {
  const AttachedThread here;
  std::vector<Held> held;
  for (uint64_t i = 0; i < 500; ++i) {
    const size_t bytes = i * 17 % 6000;
    void* block = heap::allocate_in_arena(bytes, block_alignment, i % 2 == 0 ? Zeroed::yes : Zeroed::no, 9);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(i % 2 != 0 || test::is_zero(block, bytes));
    const heap::BlockInfo info = heap::look_up(block);
    ASSERT_TRUE(info.is_ours);
    ASSERT_EQ(info.is_odd, bytes <= bump::block_bytes_max);
    ASSERT_TRUE(!info.is_odd || info.tag->load() == 9);
    held.push_back({block, info.usable_bytes, i});
    test::fill(block, info.usable_bytes, i);
  }
  for (Held& one : held) {
    ASSERT_TRUE(test::holds(one.block, one.usable, one.mark));
    one.block = test::reallocate(one.block, one.usable + 100);
    ASSERT_NE(one.block, nullptr);
    ASSERT_TRUE(test::holds(one.block, one.usable & ~size_t{7}, one.mark) || one.usable > 8 * KiB);
  }
  {
    const InsideScope inside;
    bump::leave_chunk();
  }
  for (const Held& one : held) heap::deallocate(one.block, Caller::free);
  (void)heap::purge_all();
  EXPECT_EQ(used_bytes(), 0U);
}

TEST(Heap, AResizeKeepsThePlaceWhileHalfOfItIsWanted) {
  const AttachedThread here;
  void* block = test::allocate(1000);
  EXPECT_EQ(heap::resize(block, 1008).block, block);
  EXPECT_EQ(heap::resize(block, 504).block, block);
  EXPECT_EQ(heap::resize(block, 503).block, nullptr) << "the rest would be wasted";
  EXPECT_EQ(heap::resize(block, 1009).block, nullptr);
  EXPECT_EQ(heap::resize(block, 1009).usable_before, 1008U);
  test::deallocate(block);
}

TEST(Heap, MisuseEndsWithALine) {
  const AttachedThread here;
  Block local[8] = {};
  void* small = test::allocate(100);
  void* large = test::allocate(100'000);
  void* mapping = test::allocate(6 * MiB);
  const auto free_at = [](const void* block, size_t offset) {
    heap::deallocate(pointer_to(address_of(block) + offset), Caller::free);
  };
  EXPECT_EXIT(free_at(local, 0), aborted, "^bursar: invalid free of 0x.*: not a block of this heap");
  EXPECT_EXIT(free_at(nullptr, 16), aborted, "^bursar: invalid free of 0x10: not a block of this heap");
  for (void* block : {small, large, mapping}) {
    EXPECT_EXIT(free_at(block, 16), aborted, "^bursar: invalid free of 0x.*: inside the block at 0x");
    EXPECT_EXIT(free_at(block, 1), aborted, "^bursar: invalid free of 0x.*: misaligned pointer");
    EXPECT_EXIT((void)heap::resize(pointer_to(address_of(block) + 16), 10), aborted, "invalid realloc of 0x.*: inside");
    EXPECT_EXIT((void)heap::usable_bytes(pointer_to(address_of(block) + 16), Caller::usable_size), aborted,
                "invalid malloc_usable_size of 0x.*: inside");
    test::deallocate(block);
    EXPECT_EXIT(test::deallocate(block), aborted, "^bursar: double free of 0x");
    EXPECT_EXIT((void)heap::resize(block, 90), aborted, "^bursar: double free of 0x");
  }
  EXPECT_EXIT(free_at(mapping, 6 * MiB + 64 * KiB), aborted, "not a block of this heap");
  heap::deallocate(nullptr, Caller::free);
}

TEST(Heap, MeasuresWhatItTakesFromTheSystem) {
  const AttachedThread here;
  const heap::Figures before = heap::measure();
  EXPECT_EQ(before.system_bytes, 0U);
  void* block = test::allocate(100'000);
  void* mapping = test::allocate(6 * MiB);
  const heap::Figures with_blocks = heap::measure();
  EXPECT_GE(with_blocks.system_bytes, 6 * MiB + 100'000);
  EXPECT_EQ(with_blocks.mapped_bytes, 6 * MiB);
  EXPECT_EQ(with_blocks.mapping_count, 1U);
  EXPECT_LT(with_blocks.free_bytes, with_blocks.system_bytes);
  test::deallocate(block);
  test::deallocate(mapping);
  EXPECT_TRUE(heap::purge_all());
  EXPECT_EQ(heap::measure().system_bytes, 0U);
}

TEST(Heap, GivesAllBackBeforeItRefuses) {
  fake_os::set_clock_ms(1'000'000);
  const AttachedThread here;
  test::deallocate(test::allocate(6 * MiB));
  const uint64_t releases = fake_os::calls(fake_os::Call::release);
  fake_os::fail(fake_os::Call::reserve, 1, fake_os::Failure::once);
  EXPECT_NE(test::allocate(100), nullptr) << "the kept mapping made room";
  EXPECT_GT(fake_os::calls(fake_os::Call::release), releases);
}

}  // namespace
}  // namespace bursar::test
