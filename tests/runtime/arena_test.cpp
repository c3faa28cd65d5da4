// What an arena hands out, takes back, refuses and tells.
#include "bursar/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <numeric>
#include <random>
#include <ranges>
#include <sstream>
#include <string>
#include <vector>

#include "tests/runtime/failing_memory.h"
#include "tests/runtime/seed.h"
#include "tests/runtime/watched.h"

namespace {

using bursar::Arena;
using bursar::ArenaError;
using bursar::ArenaFault;
using bursar::ArenaOptions;
using bursar::testing::FailNthAllocation;
using bursar::testing::live_blocks;

bool is_aligned(const void* pointer, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

/// Counts its objects, and notes their deaths.
struct Counted {
  explicit Counted(int number) noexcept : number_(number) { ++alive; }
  Counted(const Counted& other) noexcept : number_(other.number_) { ++alive; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    --alive;
    deaths.push_back(number_);
  }
  int number_;
  static inline int alive = 0;
  static inline std::vector<int> deaths;
};

struct Throwing {
  explicit Throwing(Arena* arena, int throw_at) {
    if (arena != nullptr) {
      static_cast<void>(arena->make<Counted>(1));
      static_cast<void>(arena->allocate(100'000));
    }
    if (throw_at == made++) throw std::runtime_error("no");
  }
  Throwing() : Throwing(nullptr, throw_at_next) {}
  Throwing(const Throwing& /*other*/) : Throwing() {}
  Throwing& operator=(const Throwing&) = delete;
  ~Throwing() { ++destroyed; }
  static inline int made = 0;
  static inline int destroyed = 0;
  static inline int throw_at_next = -1;
};

TEST(Arena, AnEmptyOneTakesNoMemory) {
  const auto before = bursar::testing::allocation_calls();
  { Arena arena; }
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

TEST(Arena, MakesObjectsFromArguments) {
  Arena arena;
  const auto* text = arena.make<std::string>(100U, 'x');
  EXPECT_EQ(*text, std::string(100, 'x'));
}

TEST(Arena, MakesAggregates) {
  struct Point {
    int x;
    int y;
  };
  Arena arena;
  const auto* point = arena.make<Point>(1, 2);
  EXPECT_EQ(point->x + point->y, 3);
}

TEST(Arena, BlocksDoNotOverlapAndKeepTheirBytes) {
  const auto seed = bursar::testing::seed();
  std::mt19937_64 random(seed);
  ArenaOptions options;
  options.first_chunk_bytes = 512;
  options.chunk_bytes_max = 8192;
  Arena arena(options);
  struct Block {
    unsigned char* at;
    std::size_t bytes;
    unsigned char fill;
  };
  std::vector<Block> blocks;
  for (int number = 0; number < 3000; ++number) {
    const std::size_t bytes = random() % (number % 50 == 0 ? 20'000 : 200);
    const std::size_t alignment = std::size_t{1} << (random() % 9);
    auto* at = static_cast<unsigned char*>(arena.allocate(bytes, alignment));
    ASSERT_TRUE(is_aligned(at, alignment));
    const auto fill = static_cast<unsigned char>(random());
    std::fill_n(at, bytes, fill);
    blocks.push_back({at, bytes, fill});
    if (number % 100 == 0) arena.validate();
  }
  for (const Block& block : blocks) {
    ASSERT_TRUE(std::all_of(block.at, block.at + block.bytes, [&](unsigned char byte) { return byte == block.fill; }));
  }
}

TEST(Arena, ZeroBytesHaveAnAddress) {
  Arena arena;
  EXPECT_NE(arena.allocate(0), nullptr);
  EXPECT_NE(arena.allocate(0, 4096), nullptr);
}

TEST(Arena, AlignsBeyondAPage) {
  Arena arena;
  EXPECT_TRUE(is_aligned(arena.allocate(10, 1 << 16), 1 << 16));
  struct alignas(256) Wide {
    char byte;
  };
  EXPECT_TRUE(is_aligned(arena.make<Wide>('x'), 256));
}

TEST(Arena, RefusesAlignmentsThatAreNoPowerOfTwo) {
  Arena arena;
  for (const std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{24}, std::size_t{96}, SIZE_MAX}) {
    EXPECT_EQ(arena.try_allocate(8, alignment), nullptr);
    try {
      static_cast<void>(arena.allocate(8, alignment));
      FAIL();
    } catch (const ArenaError& error) {
      EXPECT_EQ(error.fault(), ArenaFault::bad_alignment);
    }
  }
}

TEST(Arena, RefusesSizesBeyondTheAddressSpace) {
  Arena arena;
  static_cast<void>(arena.allocate(8));
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 64, SIZE_MAX / 2}) {
    EXPECT_EQ(arena.try_allocate(bytes), nullptr);
    EXPECT_EQ(arena.try_allocate(bytes, 1), nullptr);
    EXPECT_EQ(arena.try_allocate(bytes, 4096), nullptr);
  }
  const volatile std::size_t count = SIZE_MAX / sizeof(std::string);
  EXPECT_THROW(static_cast<void>(arena.make_span<int>(count * 8)), ArenaError);
  EXPECT_THROW(static_cast<void>(arena.make_span<std::string>(count)), ArenaError);
  arena.validate();
}

TEST(Arena, CopiesTextsWithTheirNuls) {
  Arena arena;
  const std::string text("a\0b", 3);
  const std::string_view copy = arena.copy(text);
  EXPECT_EQ(copy, text);
  EXPECT_NE(copy.data(), text.data());
  EXPECT_TRUE(arena.copy(std::string_view()).empty());
}

TEST(Arena, CopiesSpans) {
  Arena arena;
  const std::array<int, 4> numbers = {1, 2, 3, 4};
  const std::span<int> copy = arena.copy(std::span<const int>(numbers));
  EXPECT_TRUE(std::ranges::equal(copy, numbers));
}

TEST(Arena, CollectsRanges) {
  Arena arena;
  const std::vector<int> numbers = {0, 1, 4, 9};
  EXPECT_EQ(arena.collect(numbers)[3], 9);
  const std::list<std::string> texts = {"one", "two", std::string(100, 'x')};
  EXPECT_TRUE(std::ranges::equal(arena.collect(texts), texts));
  EXPECT_TRUE(arena.collect(std::vector<int>{}).empty());
}

/// What a stream holds. (clang 14 does not take libstdc++ 12's views.)
struct Numbers {
  std::istream_iterator<int> first;
  [[nodiscard]] std::istream_iterator<int> begin() const { return first; }
  [[nodiscard]] std::istream_iterator<int> end() const { return {}; }
};

TEST(Arena, CollectsARangeThatCanBeWalkedOnlyOnce) {
  Arena arena;
  std::istringstream stream("3 1 4 1 5");
  const std::span<int> numbers = arena.collect(Numbers{std::istream_iterator<int>(stream)});
  EXPECT_EQ(std::vector<int>(numbers.begin(), numbers.end()), (std::vector<int>{3, 1, 4, 1, 5}));
}

TEST(Arena, DestroysInReverse) {
  {
    Arena arena;
    for (int number = 0; number < 200; ++number) static_cast<void>(arena.make<Counted>(number));
  }
  EXPECT_EQ(Counted::alive, 0);
  ASSERT_EQ(Counted::deaths.size(), 200u);
  EXPECT_TRUE(std::is_sorted(Counted::deaths.begin(), Counted::deaths.end(), std::greater{}));
}

TEST(Arena, TrivialObjectsLeaveNoRecord) {
  if (bursar::testing::is_watched()) GTEST_SKIP() << "watched blocks are larger";
  Arena arena;
  struct Node {
    std::uint64_t words[6];
  };
  static_cast<void>(arena.make<Node>());
  const std::size_t one = arena.stats().bytes;
  static_cast<void>(arena.make<Node>());
  EXPECT_EQ(arena.stats().bytes - one, sizeof(Node));
}

TEST(Arena, ADestructorTakesSeventeenBytesAtMost) {
  if (bursar::testing::is_watched()) GTEST_SKIP() << "watched blocks are larger";
  Arena arena;
  constexpr std::size_t objects = 10'000;
  for (std::size_t number = 0; number < objects; number += 2) {
    static_cast<void>(arena.make<std::unique_ptr<int>>());
    static_cast<void>(arena.make<std::unique_ptr<long>>());
  }
  EXPECT_LE(arena.stats().bytes - objects * sizeof(void*), objects * 17);
}

TEST(Arena, ADestructorMayAllocateInItsArena) {
  struct Late {
    Arena* arena;
    explicit Late(Arena* in) : arena(in) {}
    ~Late() { static_cast<void>(arena->make<Counted>(7)); }
  };
  {
    Arena arena;
    for (int number = 0; number < 100; ++number) static_cast<void>(arena.make<Late>(&arena));
    arena.reset();
    EXPECT_EQ(Counted::alive, 0);
    arena.validate();
  }
  EXPECT_EQ(Counted::deaths.size(), 100u);
}

TEST(Arena, AThrowingConstructorLeavesTheArenaAsItWas) {
  Arena arena;
  static_cast<void>(arena.make<Counted>(0));
  const auto before = arena.stats();
  EXPECT_THROW(static_cast<void>(arena.make<Throwing>(&arena, Throwing::made)), std::runtime_error);
  EXPECT_EQ(arena.stats().bytes, before.bytes);
  EXPECT_EQ(arena.stats().allocations, before.allocations);
  EXPECT_EQ(Counted::alive, 1);
  EXPECT_EQ(Throwing::destroyed, 0);
  arena.validate();
}

TEST(Arena, AThrowingElementDestroysThoseBeforeIt) {
  Arena arena;
  const auto before = arena.stats();
  Throwing::throw_at_next = 5;
  EXPECT_THROW(static_cast<void>(arena.make_span<Throwing>(10)), std::runtime_error);
  EXPECT_EQ(Throwing::destroyed, 5);
  EXPECT_EQ(arena.stats().bytes, before.bytes);
}

TEST(Arena, AThrowingCopyInCollectLeavesNothing) {
  std::vector<Throwing> source(4);
  Arena arena;
  Throwing::throw_at_next = Throwing::made + 2;
  Throwing::destroyed = 0;
  EXPECT_THROW(static_cast<void>(arena.collect(source)), std::runtime_error);
  EXPECT_EQ(Throwing::destroyed, 2);
  EXPECT_EQ(arena.stats().bytes, 0u);
}

TEST(Arena, AScopeTakesBackWhatWasMadeInIt) {
  Arena arena;
  static_cast<void>(arena.make<Counted>(0));
  const auto before = arena.stats();
  {
    auto scope = arena.scope();
    static_cast<void>(arena.make<Counted>(1));
    static_cast<void>(arena.allocate(1'000'000));
    {
      auto inner = arena.scope();
      static_cast<void>(arena.make<Counted>(2));
    }
    EXPECT_EQ(Counted::alive, 2);
  }
  EXPECT_EQ(Counted::alive, 1);
  EXPECT_EQ(arena.stats().bytes, before.bytes);
  EXPECT_EQ(arena.stats().allocations, before.allocations);
  EXPECT_GT(arena.stats().total_allocations, before.allocations);
}

TEST(Arena, AMovedScopeEndsOnce) {
  Arena arena;
  auto scope = arena.scope();
  {
    auto moved = std::move(scope);
    static_cast<void>(arena.make<Counted>(1));
  }
  EXPECT_EQ(Counted::alive, 0);
  static_cast<void>(arena.make<Counted>(2));
  scope.dismiss();
  EXPECT_EQ(Counted::alive, 1);
}

TEST(Arena, RewindingReusesTheSameMemory) {
  Arena arena;
  static_cast<void>(arena.allocate(8));
  const auto place = arena.checkpoint();
  void* first = arena.allocate(64);
  arena.rewind(place);
  EXPECT_EQ(arena.allocate(64), first);
}

TEST(Arena, AScopeInALoopTakesNoMemoryAnew) {
  Arena arena;
  std::uint64_t acquired = 0;
  for (int round = 0; round < 100; ++round) {
    auto scope = arena.scope();
    for (int number = 0; number < 1000; ++number) static_cast<void>(arena.allocate(200));
    if (round == 0) acquired = arena.stats().chunks_acquired;
  }
  EXPECT_EQ(arena.stats().chunks_acquired, acquired);
}

TEST(ArenaDeathTest, ACheckpointFromBeforeAResetIsTold) {
  Arena arena;
  static_cast<void>(arena.allocate(8));
  const auto place = arena.checkpoint();
  arena.reset();
  EXPECT_DEATH(arena.rewind(place), "bursar: Arena::rewind: the checkpoint is from before a reset");
}

TEST(ArenaDeathTest, ACheckpointFurtherOnIsTold) {
  Arena arena;
  const auto early = arena.checkpoint();
  static_cast<void>(arena.allocate(8));
  static_cast<void>(arena.allocate(8));
  const auto late = arena.checkpoint();
  arena.rewind(early);
  EXPECT_DEATH(arena.rewind(late), "bursar: Arena::rewind: the checkpoint is no place");
}

TEST(ArenaDeathTest, AnothersCheckpointIsTold) {
  Arena arena;
  Arena other;
  static_cast<void>(arena.allocate(80));
  static_cast<void>(other.allocate(8));
  const auto place = other.checkpoint();
  EXPECT_DEATH(arena.rewind(place), "bursar: Arena::rewind: the checkpoint is no place");
}

TEST(Arena, CountsWhatItHandsOut) {
  Arena arena;
  for (int number = 0; number < 1000; ++number) static_cast<void>(arena.make<std::uint64_t>(1U));
  for (int number = 0; number < 10; ++number) static_cast<void>(arena.allocate(500'000));
  EXPECT_EQ(arena.stats().allocations, 1010u);
  EXPECT_GE(arena.stats().bytes, 5'008'000u);
  arena.reset();
  EXPECT_EQ(arena.stats().allocations, 0u);
  EXPECT_EQ(arena.stats().bytes, 0u);
  EXPECT_EQ(arena.stats().total_allocations, 1010u);
  EXPECT_GE(arena.stats().peak_bytes, 5'008'000u);
}

TEST(Arena, MovesWithItsObjects) {
  Arena arena;
  auto* text = arena.make<std::string>(100U, 'x');
  Arena moved(std::move(arena));
  EXPECT_EQ(*text, std::string(100, 'x'));
  EXPECT_EQ(arena.stats().held_bytes, 0u);
  static_cast<void>(arena.make<Counted>(1));
  arena = std::move(moved);
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(*text, std::string(100, 'x'));
  arena.validate();
}

TEST(Arena, WithoutMemoryNothingIsLost) {
  const auto before = live_blocks();
  const auto failures = bursar::testing::for_each_allocation_failure([&](std::uint64_t) {
    ArenaOptions options;
    options.first_chunk_bytes = 1024;
    Arena arena(options);
    std::size_t made = 0;
    for (int number = 0; number < 200; ++number) {
      const auto stats = arena.stats();
      try {
        if (number % 10 == 0) {
          made += arena.make_span<Counted*>(300).size() / 300;
        } else if (number % 7 == 0) {
          static_cast<void>(arena.make<Throwing>(nullptr, -1));
          ++made;
        } else if (number % 11 == 0) {
          made += arena.try_allocate(5000) != nullptr ? 1 : 0;
        } else {
          made += arena.try_make<Counted>(number) != nullptr ? 1 : 0;
        }
      } catch (const std::bad_alloc&) {
        EXPECT_EQ(arena.stats().bytes, stats.bytes);
      }
      arena.validate();
    }
    EXPECT_GE(made, 199u);
  });
  EXPECT_GT(failures, 3u);
  Counted::deaths = std::vector<int>();
  EXPECT_EQ(live_blocks(), before);
  EXPECT_EQ(Counted::alive, 0);
}

/// The ancestor's name: many blocks, all intact.
TEST(Arena, StressOfTenThousandItems) {
  Arena arena;
  std::vector<std::string_view> texts;
  for (int number = 0; number < 10'000; ++number) texts.push_back(arena.copy("item " + std::to_string(number)));
  for (int number = 0; number < 10'000; ++number)
    ASSERT_EQ(texts[static_cast<std::size_t>(number)], "item " + std::to_string(number));
}

}  // namespace
