// An arena behind std::pmr and as an allocator.
#include "bursar/arena_resource.h"

#include <gtest/gtest.h>

#include <map>
#include <memory_resource>
#include <string>
#include <vector>

#include "tests/runtime/failing_memory.h"

namespace {

using bursar::Arena;
using bursar::ArenaAllocator;
using bursar::ArenaResource;

TEST(ArenaResource, ServesPmrContainers) {
  const auto before = bursar::testing::live_blocks();
  {
    Arena arena;
    ArenaResource resource(arena);
    std::pmr::map<std::pmr::string, int> map(&resource);
    for (int number = 0; number < 1000; ++number)
      map[std::pmr::string("a long enough key " + std::to_string(number), &resource)] = number;
    EXPECT_EQ(map.at("a long enough key 999"), 999);
    EXPECT_EQ(arena.stats().allocations, 2000u);
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(ArenaResource, RefusesWhatAnArenaRefuses) {
  Arena arena;
  ArenaResource resource(arena);
  const volatile std::size_t bytes = SIZE_MAX;
  EXPECT_THROW(static_cast<void>(resource.allocate(bytes, 8)), std::bad_alloc);
  const volatile std::size_t alignment = 3;
  EXPECT_THROW(static_cast<void>(resource.allocate(8, alignment)), std::bad_alloc);
}

TEST(ArenaAllocator, ServesContainers) {
  Arena arena;
  std::vector<int, ArenaAllocator<int>> numbers{ArenaAllocator<int>(arena)};
  for (int number = 0; number < 1000; ++number) numbers.push_back(number);
  EXPECT_EQ(numbers[999], 999);
  EXPECT_GT(arena.stats().bytes, 4000u);
}

TEST(ArenaAllocator, GoesWithItsContainer) {
  Arena first;
  Arena second;
  using Vector = std::vector<int, ArenaAllocator<int>>;
  Vector one({1, 2}, ArenaAllocator<int>(first));
  Vector two({3}, ArenaAllocator<int>(second));
  two = std::move(one);
  EXPECT_EQ(&two.get_allocator().arena(), &first);
  Vector three({4}, ArenaAllocator<int>(second));
  swap(two, three);
  EXPECT_EQ(&two.get_allocator().arena(), &second);
  EXPECT_EQ(three[1], 2);
}

TEST(ArenaAllocator, RefusesCountsBeyondTheAddressSpace) {
  Arena arena;
  ArenaAllocator<long> allocator(arena);
  const volatile std::size_t count = SIZE_MAX / 4;
  EXPECT_THROW(static_cast<void>(allocator.allocate(count)), std::bad_array_new_length);
}

}  // namespace
