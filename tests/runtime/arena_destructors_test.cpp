// In which order an arena destroys what it made: runs of one type, single objects, arrays, scopes, constructors that throw, destructors that make.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "bursar/arena.h"
#include "tests/runtime/seed.h"
#include "tests/runtime/watched.h"

namespace {

using bursar::Arena;

std::vector<int> deaths;

/// Types that differ in size and alignment, so that some follow each other without a gap and some do not.
template <std::size_t bytes, std::size_t alignment = 8>
struct alignas(alignment) Numbered {
  explicit Numbered(int value) : number(value) {}
  Numbered() : number(next_number++) {}
  Numbered(const Numbered&) = delete;
  Numbered& operator=(const Numbered&) = delete;
  ~Numbered() { deaths.push_back(number); }
  int number;
  char filling[bytes - sizeof(int)] = {};
  static inline int next_number = 0;
};
using Small = Numbered<8>;
using Odd = Numbered<20>;
using Wide = Numbered<64, 64>;
using Large = Numbered<1000>;

/// Whole numbers downwards.
std::vector<int> down_from(int first, int last) {
  std::vector<int> numbers;
  for (int number = first; number >= last; --number) numbers.push_back(number);
  return numbers;
}

class ArenaDestructors : public testing::Test {
 protected:
  void SetUp() override {
    deaths.clear();
    Small::next_number = 0;
  }
};

TEST_F(ArenaDestructors, ARunOfOneTypeEndsNewestFirst) {
  {
    Arena arena;
    for (int number = 0; number < 1000; ++number) static_cast<void>(arena.make<Odd>(number));
  }
  EXPECT_EQ(deaths, down_from(999, 0));
}

TEST_F(ArenaDestructors, TypesInTurnEndNewestFirst) {
  {
    Arena arena;
    for (int number = 0; number < 1000; number += 4) {
      static_cast<void>(arena.make<Small>(number));
      static_cast<void>(arena.make<Wide>(number + 1));
      static_cast<void>(arena.make<Wide>(number + 2));
      static_cast<void>(arena.make<Small>(number + 3));
    }
  }
  EXPECT_EQ(deaths, down_from(999, 0));
}

TEST_F(ArenaDestructors, ARunGoesOnBehindOtherBlocksAsAnotherOne) {
  {
    Arena arena;
    for (int number = 0; number < 300; ++number) {
      static_cast<void>(arena.make<Small>(number));
      if (number % 3 == 0) static_cast<void>(arena.allocate(40));
    }
  }
  EXPECT_EQ(deaths, down_from(299, 0));
}

TEST_F(ArenaDestructors, AScopeWithinARunEndsItsPartAlone) {
  Arena arena;
  static_cast<void>(arena.make<Small>(0));
  static_cast<void>(arena.make<Small>(1));
  {
    const auto scope = arena.scope();
    static_cast<void>(arena.make<Small>(2));
    static_cast<void>(arena.make<Odd>(3));
    static_cast<void>(arena.make<Small>(4));
  }
  EXPECT_EQ(deaths, down_from(4, 2));
  static_cast<void>(arena.make<Small>(5));
  arena.reset();
  EXPECT_EQ(deaths, (std::vector<int>{4, 3, 2, 5, 1, 0}));
}

TEST_F(ArenaDestructors, AScopeBehindASingleObjectLeavesIt) {
  Arena arena;
  static_cast<void>(arena.make<Small>(0));
  {
    const auto scope = arena.scope();
    static_cast<void>(arena.make<Small>(1));
    static_cast<void>(arena.make<Small>(2));
  }
  EXPECT_EQ(deaths, down_from(2, 1));
  arena.reset();
  EXPECT_EQ(deaths, down_from(2, 0));
}

TEST_F(ArenaDestructors, AnArrayEndsLastElementFirst) {
  {
    Arena arena;
    static_cast<void>(arena.make_span<Small>(3));
    static_cast<void>(arena.make<Small>());
    static_cast<void>(arena.make_span<Small>(2));
  }
  EXPECT_EQ(deaths, down_from(5, 0));
}

TEST_F(ArenaDestructors, AConstructorThatThrowsInARunEndsNothingOfIt) {
  struct Throwing : Small {
    explicit Throwing(Arena& arena) : Small(7) {
      static_cast<void>(arena.make<Small>(8));
      static_cast<void>(arena.make<Small>(9));
      throw std::runtime_error("no");
    }
  };
  Arena arena;
  static_cast<void>(arena.make<Small>(0));
  static_cast<void>(arena.make<Small>(1));
  EXPECT_THROW(static_cast<void>(arena.make<Throwing>(arena)), std::runtime_error);
  // The base first, as the language has it; then what the constructor made.
  EXPECT_EQ(deaths, (std::vector<int>{7, 9, 8}));
  static_cast<void>(arena.make<Small>(2));
  arena.validate();
  deaths.clear();
  arena.reset();
  EXPECT_EQ(deaths, down_from(2, 0));
}

/// Makes an object in its arena when it ends; that one is newer than whatever the arena still has.
struct Leaving : Small {
  Leaving(Arena* in, int value) : Small(value), arena(in) {}
  ~Leaving() { static_cast<void>(arena->make<Small>(number + 100)); }
  Arena* arena;
};

TEST_F(ArenaDestructors, WhatADestructorMakesEndsNext) {
  {
    Arena arena;
    for (int number = 0; number < 3; ++number) static_cast<void>(arena.make<Leaving>(&arena, number));
    static_cast<void>(arena.make<Odd>(3));
    static_cast<void>(arena.make<Leaving>(&arena, 4));
    arena.reset();
    arena.validate();
  }
  EXPECT_EQ(deaths, (std::vector<int>{4, 104, 3, 2, 102, 1, 101, 0, 100}));
}

TEST_F(ArenaDestructors, ADestructorMayUseAScopeOfItsArena) {
  struct Scoped : Small {
    Scoped(Arena* in, int value) : Small(value), arena(in) {}
    ~Scoped() {
      const auto scope = arena->scope();
      static_cast<void>(arena->make<Odd>(number + 100));
      static_cast<void>(arena->make<Odd>(number + 200));
    }
    Arena* arena;
  };
  {
    Arena arena;
    for (int number = 0; number < 3; ++number) static_cast<void>(arena.make<Scoped>(&arena, number));
  }
  EXPECT_EQ(deaths, (std::vector<int>{202, 102, 2, 201, 101, 1, 200, 100, 0}));
}

TEST_F(ArenaDestructors, ARunTakesThirtyTwoBytes) {
  if (bursar::testing::is_watched()) GTEST_SKIP() << "watched blocks lie apart";
  Arena arena;
  for (int number = 0; number < 1000; ++number) static_cast<void>(arena.make<std::unique_ptr<int>>());
  EXPECT_LE(arena.stats().bytes - 1000 * sizeof(void*), 128u);
}

/// Does what an arena should, with a vector of numbers for the arena.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {}

  void step(Arena& arena) {
    switch (random_() % 16) {
      case 0:
      case 1: static_cast<void>(arena.allocate(random_() % 100)); break;
      case 2: {
        Small::next_number = next_;
        const int count = static_cast<int>(random_() % 4);
        static_cast<void>(arena.make_span<Small>(static_cast<std::size_t>(count)));
        for (int element = 0; element < count; ++element) alive_.push_back(next_++);
        break;
      }
      case 3: open_.push_back({arena.checkpoint(), alive_.size()}); break;
      case 4: close(arena); break;
      default: make(arena); break;
    }
  }

  void expect_deaths_to(std::size_t count) {
    std::vector<int> expected;
    for (; alive_.size() > count; alive_.pop_back()) expected.push_back(alive_.back());
    ASSERT_EQ(deaths, expected);
    deaths.clear();
  }

 private:
  struct Place {
    Arena::Checkpoint checkpoint;
    std::size_t alive;
  };

  void make(Arena& arena) {
    const std::uint64_t kind = random_() % 20 == 0 ? random_() % 4 : last_kind_;
    last_kind_ = random_() % 3 == 0 ? random_() % 4 : kind;
    switch (kind) {
      case 0: static_cast<void>(arena.make<Small>(next_)); break;
      case 1: static_cast<void>(arena.make<Odd>(next_)); break;
      case 2: static_cast<void>(arena.make<Wide>(next_)); break;
      default: static_cast<void>(arena.make<Large>(next_)); break;
    }
    alive_.push_back(next_++);
  }

  /// Goes back to one of the places that are open.
  void close(Arena& arena) {
    if (open_.empty()) return;
    const std::size_t index = open_.size() - 1 - random_() % std::min<std::size_t>(open_.size(), 3);
    const Place place = open_[index];
    open_.resize(index);
    arena.rewind(place.checkpoint);
    expect_deaths_to(place.alive);
  }

  std::mt19937_64 random_;
  std::vector<int> alive_;
  std::vector<Place> open_;
  int next_ = 0;
  std::uint64_t last_kind_ = 0;
};

TEST_F(ArenaDestructors, HappenAsInAStackWhateverIsDone) {
  const std::uint64_t seed = bursar::testing::seed();
  for (std::uint64_t round = 0; round < 100; ++round) {
    bursar::ArenaOptions options;
    options.first_chunk_bytes = 2048;
    Arena arena(options);
    Model model(seed + round);
    for (int number = 0; number < 1000; ++number) {
      model.step(arena);
      ASSERT_TRUE(deaths.empty() || !HasFatalFailure()) << "seed " << seed + round;
      if (number % 50 == 0) arena.validate();
    }
    arena.reset();
    model.expect_deaths_to(0);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed + round;
  }
}

}  // namespace
