// Records kept as columns.
#include "bursar/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/runtime/failing_memory.h"
#include "tests/runtime/seed.h"

namespace {

using bursar::Arena;
using bursar::Batch;

struct Particle {
  float x = 0;
  double y = 0;
  std::int64_t mass = 0;
  char kind = 0;
  int unlisted = 5;
};
using Particles = Batch<&Particle::x, &Particle::y, &Particle::mass, &Particle::kind>;

struct Person {
  std::string name;
  int age = 0;
};
using People = Batch<&Person::name, &Person::age>;

static_assert(std::random_access_iterator<Particles::iterator>);
static_assert(std::random_access_iterator<Particles::const_iterator>);
static_assert(std::ranges::random_access_range<Particles>);
static_assert(std::ranges::sized_range<Particles>);
static_assert(std::indirectly_writable<Particles::iterator, Particle>);
static_assert(std::sortable<Particles::iterator, std::ranges::less, std::int64_t (*)(const Particle&)>);
static_assert(std::convertible_to<Particles::iterator, Particles::const_iterator>);

Particles many(std::size_t count) {
  Particles particles;
  for (std::size_t index = 0; index < count; ++index) {
    const auto number = static_cast<std::int64_t>(index);
    particles.push_back({static_cast<float>(number), 0.5, number * 7 % 101, 'a', 1});
  }
  return particles;
}

bool is_aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 64 == 0; }

/// The ancestor's name: structures of arrays.
TEST(Batch, StructureOfArrays) {
  Particles particles;
  particles.push_back({1, 2, 3, 'k', 9});
  particles.append(4.0F, 5.0, 6, 'l');
  EXPECT_EQ(particles.size(), 2u);
  EXPECT_EQ(particles.column<&Particle::x>()[1], 4);
  EXPECT_EQ(particles.column<&Particle::mass>()[0], 3);
  EXPECT_EQ(particles[0].get<&Particle::kind>(), 'k');
}

TEST(Batch, ARecordComesBackWithoutWhatHasNoColumn) {
  Particles particles;
  particles.push_back({1, 2, 3, 'k', 9});
  const Particle particle = particles[0];
  EXPECT_EQ(particle.y, 2);
  EXPECT_EQ(particle.unlisted, 5);
}

TEST(Batch, ColumnsAreAlignedAndInOneAllocation) {
  const auto before = bursar::testing::live_blocks();
  const Particles particles = many(1000);
  EXPECT_EQ(bursar::testing::live_blocks(), before + 1);
  EXPECT_TRUE(is_aligned(particles.column<&Particle::x>().data()));
  EXPECT_TRUE(is_aligned(particles.column<&Particle::y>().data()));
  EXPECT_TRUE(is_aligned(particles.column<&Particle::mass>().data()));
  EXPECT_TRUE(is_aligned(particles.column<&Particle::kind>().data()));
}

TEST(Batch, ColumnsMayBeReadPastTheirEnd) {
  Particles particles = many(16);
  particles.shrink_to_fit();
  const auto column = particles.column<&Particle::kind>();
  const volatile char* behind = column.data() + column.size();
  char read = 0;
  for (int index = 0; index < 64; ++index) read = static_cast<char>(read ^ behind[index]);
  static_cast<void>(read);
}

TEST(Batch, RowsWriteTheColumns) {
  Particles particles = many(10);
  particles[3] = Particle{9, 8, 7, 'z', 0};
  EXPECT_EQ(particles.column<&Particle::y>()[3], 8);
  particles[4] = particles[3];
  EXPECT_EQ(particles.column<&Particle::kind>()[4], 'z');
  particles[5].get<&Particle::mass>() = 77;
  EXPECT_EQ(particles.column<&Particle::mass>()[5], 77);
  swap(particles[0], particles[5]);
  EXPECT_EQ(particles.column<&Particle::mass>()[0], 77);
}

TEST(Batch, WorksWithRangesAlgorithms) {
  Particles particles = many(500);
  std::ranges::sort(particles, {}, [](const Particle& particle) { return particle.mass; });
  EXPECT_TRUE(std::ranges::is_sorted(particles.column<&Particle::mass>()));
  const auto found = std::ranges::find_if(particles, [](const Particle& particle) { return particle.x == 250; });
  EXPECT_EQ((*found).get<&Particle::mass>(), 250 * 7 % 101);
  std::ranges::reverse(particles);
  EXPECT_TRUE(std::ranges::is_sorted(particles.column<&Particle::mass>(), std::greater{}));
  std::int64_t sum = 0;
  for (const auto row : particles) sum += row.get<&Particle::mass>();
  EXPECT_GT(sum, 0);
}

TEST(Batch, SortsByAColumnAndKeepsEqualOnesInOrder) {
  Particles particles = many(1000);
  particles.sort_by<&Particle::mass>();
  const auto mass = particles.column<&Particle::mass>();
  const auto x = particles.column<&Particle::x>();
  for (std::size_t index = 1; index < 1000; ++index) {
    ASSERT_LE(mass[index - 1], mass[index]);
    ASSERT_TRUE(mass[index - 1] != mass[index] || x[index - 1] < x[index]);
    ASSERT_EQ(static_cast<std::int64_t>(x[index]) * 7 % 101, mass[index]);
  }
  particles.sort_by<&Particle::x>(std::greater{});
  EXPECT_EQ(particles.column<&Particle::x>()[0], 999);
}

TEST(Batch, ErasesInOrderOrWithTheLast) {
  Particles particles = many(10);
  particles.erase(2, 5);
  EXPECT_EQ(particles.size(), 7u);
  EXPECT_EQ(particles.column<&Particle::x>()[2], 5);
  particles.erase(6);
  EXPECT_EQ(particles.size(), 6u);
  particles.erase_unordered(0);
  EXPECT_EQ(particles.column<&Particle::x>()[0], 8);
  particles.erase(0, 5);
  EXPECT_TRUE(particles.empty());
  particles.erase(0, 0);
}

TEST(Batch, HoldsWhatHasDestructors) {
  const auto before = bursar::testing::live_blocks();
  {
    People people;
    for (int number = 0; number < 200; ++number)
      people.push_back({"a name that is long enough " + std::to_string(number), number});
    people.sort_by<&Person::age>(std::greater{});
    people.erase(10, 20);
    people.erase_unordered(3);
    people.pop_back();
    EXPECT_EQ(people.column<&Person::name>()[0], "a name that is long enough 199");
    People copy = people;
    copy[0] = Person{"other", 1};
    EXPECT_EQ(people.column<&Person::name>()[0], "a name that is long enough 199");
    std::ranges::sort(copy, {}, [](const Person& person) { return person.age; });
    copy = People();
    people.clear();
    people.shrink_to_fit();
    EXPECT_EQ(people.capacity(), 0u);
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(Batch, LivesInAnArena) {
  Arena arena;
  Particles particles(arena);
  const auto before = bursar::testing::allocation_calls();
  for (int number = 0; number < 100; ++number) particles.push_back({1, 2, number, 'a', 0});
  EXPECT_LE(bursar::testing::allocation_calls() - before, 2u);
  EXPECT_GT(arena.stats().bytes, 100u * 21);
  EXPECT_EQ(particles.sum<&Particle::mass>(), 99 * 50);
}

TEST(Batch, MovesAndLeavesNothingBehind) {
  Particles particles = many(10);
  Particles moved = std::move(particles);
  EXPECT_TRUE(particles.empty());
  EXPECT_EQ(particles.capacity(), 0u);
  EXPECT_EQ(particles.sum<&Particle::mass>(), 0);
  particles.push_back({});
  EXPECT_EQ(moved.size(), 10u);
}

TEST(Batch, DoesWhatAVectorOfRecordsDoes) {
  std::mt19937_64 random(bursar::testing::seed());
  Particles particles;
  std::vector<Particle> records;
  for (int round = 0; round < 5000; ++round) {
    const auto number = static_cast<std::int64_t>(random() % 1000);
    const std::size_t at = records.empty() ? 0 : random() % records.size();
    switch (records.empty() ? 0 : random() % 10) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        particles.push_back({static_cast<float>(number), 1, number, 'a', 0});
        records.push_back({static_cast<float>(number), 1, number, 'a', 0});
        break;
      case 6:
        particles.erase(at);
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 7:
        particles.erase_unordered(at);
        records[at] = records.back();
        records.pop_back();
        break;
      case 8:
        if (round % 50 == 0) {
          particles.sort_by<&Particle::mass>();
          std::ranges::stable_sort(records, {}, &Particle::mass);
        }
        break;
      default: particles[at] = Particle{2, 3, number, 'b', 0}; records[at] = Particle{2, 3, number, 'b', 0};
    }
  }
  ASSERT_EQ(particles.size(), records.size());
  EXPECT_TRUE(std::ranges::equal(
      particles, records, {}, [](const Particle& particle) { return particle.mass; }, &Particle::mass));
  EXPECT_TRUE(std::ranges::equal(particles.column<&Particle::x>(), records, {}, {}, &Particle::x));
}

TEST(Batch, RefusesCountsBeyondTheAddressSpace) {
  Particles particles;
  const volatile std::size_t count = SIZE_MAX;
  EXPECT_THROW(particles.reserve(count), std::bad_array_new_length);
  EXPECT_THROW(particles.reserve(count / 20), std::bad_alloc);
  EXPECT_FALSE(particles.try_reserve(count));
  EXPECT_FALSE(particles.try_reserve(count / 20));
}

TEST(Batch, AnArenasLimitIsToldInItsWords) {
  bursar::ArenaOptions options;
  options.limit_bytes = 10'000;
  Arena arena(options);
  Particles particles(arena);
  EXPECT_THROW(particles.reserve(100'000), bursar::ArenaError);
}

/// A copy that throws in the last column.
struct Fragile {
  std::string name;
  struct Part {
    Part() noexcept = default;
    Part(const Part& /*other*/) {
      if (throws) throw std::runtime_error("no");
    }
    Part(Part&&) noexcept = default;
    Part& operator=(const Part&) = default;
    Part& operator=(Part&&) noexcept = default;
    static inline bool throws = false;
  };
  Part part;
};

TEST(Batch, ACopyThatThrowsLeavesTheBatchAsItWas) {
  const auto before = bursar::testing::live_blocks();
  {
    Batch<&Fragile::name, &Fragile::part> batch;
    const Fragile record{"a name that is long enough to have a block", {}};
    batch.push_back(record);
    Fragile::Part::throws = true;
    EXPECT_THROW(batch.push_back(record), std::runtime_error);
    EXPECT_THROW((Batch<&Fragile::name, &Fragile::part>(batch)), std::runtime_error);
    EXPECT_EQ(batch.size(), 1u);
    Fragile::Part::throws = false;
    batch.push_back(record);
    EXPECT_EQ(batch.column<&Fragile::name>()[1], record.name);
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(Batch, WithoutMemoryNothingIsLost) {
  const auto before = bursar::testing::live_blocks();
  const auto failures = bursar::testing::for_each_allocation_failure([](std::uint64_t) {
    People people;
    for (int number = 0; number < 40; ++number) {
      const std::size_t size = people.size();
      try {
        if (number % 2 == 0) {
          people.push_back({"a name that is long enough to have a block", number});
        } else {
          static_cast<void>(people.try_push_back({"another name that is long enough as well", number}));
        }
        if (number % 13 == 0) people.sort_by<&Person::age>();
        if (number % 17 == 0) people.shrink_to_fit();
      } catch (const std::bad_alloc&) {
        EXPECT_LE(people.size(), size + 1);
      }
    }
    EXPECT_GE(people.size(), 39u);
  });
  EXPECT_GT(failures, 40u);
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

}  // namespace
