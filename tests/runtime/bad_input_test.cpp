// What the runtime answers to input that makes no sense: odd options, moved-from objects, foreign places, indices beyond the end.
// (Overflowing sizes and counts, alignments, limits, constructors that throw and odd texts: beside each container's other tests.)
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "bursar/arena_pool.h"
#include "bursar/batch.h"
#include "bursar/frozen_interner.h"
#include "bursar/object_pool.h"
#include "bursar/shared_interner.h"
#include "bursar/task_arena.h"
#include "tests/runtime/failing_memory.h"
#include "tests/runtime/failing_pages.h"

namespace {

using namespace bursar::literals;  // NOLINT(google-build-using-namespace): the literals are made for it
using bursar::Arena;
using bursar::ArenaOptions;
using bursar::Batch;
using bursar::Interner;
using bursar::InternStatus;
using bursar::ObjectPool;
using bursar::PooledObject;
using bursar::Symbol;

// ---- arenas ---------------------------------------------------------------------------------------------------------

TEST(BadInput, AnArenaWithSizesOfZeroServes) {
  ArenaOptions options;
  options.first_chunk_bytes = 0;
  options.chunk_bytes_max = 0;
  options.decay_divisor = 0;
  Arena arena(options);
  for (int round = 0; round < 5; ++round) {
    for (int number = 0; number < 1000; ++number) ASSERT_EQ(*arena.make<int>(number), number);
    arena.validate();
    arena.reset();
  }
}

TEST(BadInput, AnArenaWithALimitOfZeroServesNothing) {
  ArenaOptions options;
  options.limit_bytes = 0;
  Arena arena(options);
  EXPECT_NE(arena.try_allocate(0), nullptr);
  EXPECT_EQ(arena.try_allocate(1), nullptr);
  EXPECT_THROW(static_cast<void>(arena.allocate(1)), bursar::ArenaError);
  EXPECT_EQ(arena.stats().held_bytes, 0u);
}

TEST(BadInput, AFirstChunkBeyondTheAddressSpaceIsNoMemoryOrServes) {
  ArenaOptions options;
  options.first_chunk_bytes = SIZE_MAX;
  options.limit_bytes = std::size_t{1} << 20;
  Arena arena(options);
  // It is cut to the limit.
  EXPECT_NE(arena.try_allocate(8), nullptr);
  EXPECT_LE(arena.stats().held_bytes, options.limit_bytes);
}

TEST(BadInput, SpansOfNothingTakeNothing) {
  Arena arena;
  EXPECT_TRUE(arena.make_span<std::string>(0).empty());
  EXPECT_TRUE(arena.try_make_span<std::string>(0)->empty());
  EXPECT_TRUE(arena.make_span_for_overwrite<int>(0).empty());
  EXPECT_TRUE(arena.copy(std::span<const int>()).empty());
  EXPECT_TRUE(arena.try_copy(std::string_view())->empty());
  EXPECT_TRUE(arena.try_collect(std::vector<int>())->empty());
}

TEST(BadInput, CountsBeyondTheAddressSpaceGiveNothing) {
  Arena arena;
  const volatile std::size_t count = SIZE_MAX / 2;
  EXPECT_FALSE(arena.try_make_span<int>(count).has_value());
  EXPECT_FALSE(arena.try_make_span<std::string>(count).has_value());
  EXPECT_FALSE(arena.try_make_span_for_overwrite<int>(count).has_value());
  EXPECT_FALSE((Batch<&std::pair<int, int>::first>().try_reserve(count)));
}

TEST(BadInputDeathTest, ACheckpointOfAnotherEmptyArenaIsTold) {
  Arena arena;
  const Arena empty;
  static_cast<void>(arena.allocate(8));
  EXPECT_DEATH(arena.rewind(empty.checkpoint()), "bursar: Arena::rewind: the checkpoint is no place");
  EXPECT_DEATH(arena.rewind(Arena::Checkpoint()), "bursar: Arena::rewind: the checkpoint is no place");
}

TEST(BadInput, AMovedFromArenaGoesOn) {
  Arena arena;
  static_cast<void>(arena.make<std::string>("text"));
  const Arena moved = std::move(arena);
  arena.reset();
  arena.release();
  EXPECT_EQ(*arena.make<std::string>("other"), "other");
  arena.validate();
}

TEST(BadInput, AMovedFromTaskArenaGoesOn) {
  bursar::TaskArena task("request");
  static_cast<void>(task.interner().intern("name"));
  bursar::TaskArena moved = std::move(task);
  EXPECT_TRUE(moved.interner().find("name").has_value());
  EXPECT_FALSE(task.interner().find("name").has_value());
  EXPECT_EQ(*task.arena().make<int>(3), 3);
  EXPECT_EQ(task.task().handle(), nullptr);
}

// ---- pools ----------------------------------------------------------------------------------------------------------

struct Counted {
  explicit Counted(int value) noexcept : number(value) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int number;
  static inline int alive = 0;
};

TEST(BadInput, AHandleIsReleasedOnce) {
  ObjectPool<Counted> pool;
  PooledObject<Counted> handle = pool.acquire(1);
  PooledObject<Counted> moved = std::move(handle);
  EXPECT_FALSE(handle);
  handle.reset();
  EXPECT_EQ(Counted::alive, 1);
  moved.reset();
  moved.reset();
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(pool.stats().in_use, 0u);
  pool.validate();
}

TEST(BadInput, AHandleMovedToItselfKeepsItsObject) {
  ObjectPool<Counted> pool;
  PooledObject<Counted> handle = pool.acquire(1);
  PooledObject<Counted>& same = handle;
  handle = std::move(same);
  EXPECT_EQ(handle->number, 1);
}

TEST(BadInput, AHandleGoesBackToItsOwnPool) {
  ObjectPool<Counted> one;
  ObjectPool<Counted> other;
  PooledObject<Counted> handle = one.acquire(1);
  handle = other.acquire(2);
  EXPECT_EQ(one.stats().in_use, 0u);
  EXPECT_EQ(other.stats().in_use, 1u);
}

TEST(BadInput, APoolOfNoObjectsHasNone) {
  ObjectPool<Counted> pool(bursar::ObjectPoolOptions{.objects_max = 0});
  EXPECT_FALSE(pool.try_acquire(1));
  EXPECT_THROW(static_cast<void>(pool.acquire(1)), std::bad_alloc);
  EXPECT_EQ(pool.stats().held_bytes, 0u);
}

TEST(BadInput, PooledObjectsAlignBeyondAPage) {
  struct alignas(8192) Wide {
    char byte;
  };
  ObjectPool<Wide> pool;
  std::vector<PooledObject<Wide>> objects;
  for (int number = 0; number < 30; ++number) {
    objects.push_back(pool.acquire());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(objects.back().get()) % 8192, 0u);
  }
  pool.validate();
}

TEST(BadInputDeathTest, APoolThatIsReplacedBeforeItsObjectsIsTold) {
  EXPECT_DEATH(
      {
        ObjectPool<Counted> pool;
        const PooledObject<Counted> object = pool.acquire(1);
        pool = ObjectPool<Counted>();
      },
      "bursar: ObjectPool: it ends before objects of it");
}

TEST(BadInput, AConstructorMayAcquireFromItsOwnPool) {
  struct Nested {
    Nested(ObjectPool<Nested>* pool, int depth) {
      if (depth == 0) throw std::runtime_error("no");
      inner = pool->acquire(pool, depth - 1);
    }
    PooledObject<Nested> inner;
  };
  ObjectPool<Nested> pool;
  EXPECT_THROW(static_cast<void>(pool.acquire(&pool, 5)), std::runtime_error);
  EXPECT_EQ(pool.stats().in_use, 0u);
  pool.validate();
}

// ---- batches --------------------------------------------------------------------------------------------------------

struct Person {
  std::string name;
  int age = 0;
};
using People = Batch<&Person::name, &Person::age>;

TEST(BadInput, ABatchTakesItsOwnElementsWhileItGrows) {
  People people;
  people.push_back({"a name that is long enough to have a block", 1});
  for (int number = 0; number < 100; ++number) {
    people.append(people.column<&Person::name>()[0], people.column<&Person::age>()[0]);
    ASSERT_EQ(people.column<&Person::name>().back(), people.column<&Person::name>()[0]);
  }
  EXPECT_EQ(people.size(), 101u);
}

TEST(BadInput, ACopyThatThrowsWhileTheBatchGrowsLeavesItAsItWas) {
  struct Fragile {
    struct Part {
      explicit Part(bool throws_now) {
        if (throws_now) throw std::runtime_error("no");
      }
      Part() noexcept = default;
    };
    std::string name;
    Part part;
  };
  const auto before = bursar::testing::live_blocks();
  {
    Batch<&Fragile::name, &Fragile::part> batch;
    while (batch.size() < 16 || batch.size() < batch.capacity()) batch.append("a name", false);
    const std::size_t size = batch.size();
    const std::size_t capacity = batch.capacity();
    EXPECT_THROW(batch.append("a name that is long enough to have a block", true), std::runtime_error);
    EXPECT_EQ(batch.size(), size);
    EXPECT_EQ(batch.capacity(), capacity);
    EXPECT_EQ(batch.column<&Fragile::name>()[0], "a name");
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(BadInputDeathTest, WhatABatchDoesNotHaveCannotBeTakenOut) {
  People people;
  EXPECT_DEATH(people.pop_back(), "bursar: Batch::pop_back: there is no such element");
  people.push_back({"name", 1});
  EXPECT_DEATH(people.erase(1), "bursar: Batch::erase: there is no such element");
  EXPECT_DEATH(people.erase(SIZE_MAX), "bursar: Batch::erase: there is no such element");
  EXPECT_DEATH(people.erase(1, 0), "bursar: Batch::erase: there is no such element");
  EXPECT_DEATH(people.erase(0, 2), "bursar: Batch::erase: there is no such element");
  EXPECT_DEATH(people.erase_unordered(1), "bursar: Batch::erase_unordered: there is no such element");
}

TEST(BadInput, ColumnsAlignBeyondAPage) {
  struct alignas(8192) Wide {
    char byte = 0;
  };
  struct Record {
    char first = 0;
    Wide second;
  };
  Batch<&Record::first, &Record::second> batch;
  for (int number = 0; number < 20; ++number) batch.push_back({});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch.column<&Record::second>().data()) % 8192, 0u);
}

TEST(BadInput, ExtremesOfNothingAreTheNeutralElements) {
  EXPECT_EQ(bursar::reduce::minimum(std::span<const float>()), std::numeric_limits<float>::infinity());
  EXPECT_EQ(bursar::reduce::maximum(std::span<const double>()), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(bursar::reduce::minimum(std::span<const std::int32_t>()), INT32_MAX);
  EXPECT_EQ(bursar::reduce::maximum(std::span<const std::int64_t>()), INT64_MIN);
  EXPECT_EQ(People().maximum<&Person::age>(), INT_MIN);
  EXPECT_EQ(People().sum<&Person::age>(), 0);
}

// ---- interners ------------------------------------------------------------------------------------------------------

TEST(BadInput, AMovedFromInternerSaysSo) {
  Interner from;
  const Symbol symbol = from.intern("name");
  const Interner to = std::move(from);
  EXPECT_EQ(to.view(symbol), "name");
  EXPECT_EQ(from.try_intern("name").status, InternStatus::no_interner);
  EXPECT_THROW(static_cast<void>(from.intern("name")), bursar::InternError);
  EXPECT_EQ(from.try_intern("").status, InternStatus::ok);
  EXPECT_EQ(from.find("name"), std::nullopt);
  EXPECT_EQ(from.find(""), Symbol());
  EXPECT_FALSE(from.owns(symbol));
  EXPECT_EQ(from.view("while"_keyword), "while");
  EXPECT_EQ(from.stats().texts, 0u);
  EXPECT_EQ(bursar::FrozenInterner::freeze(from).status, bursar::FrozenStatus::no_interner);
}

TEST(BadInput, AMovedFromImageHasTheKeywordsAlone) {
  Interner interner;
  static_cast<void>(interner.intern("name"));
  bursar::FrozenResult frozen = bursar::FrozenInterner::freeze(interner);
  const bursar::FrozenInterner moved = std::move(frozen.interner);
  EXPECT_TRUE(moved.find("name").has_value());
  EXPECT_FALSE(frozen.interner.find("name").has_value());
  EXPECT_EQ(frozen.interner.find("while"), "while"_keyword);
}

TEST(BadInput, ASharedInternerThatIsNotOpenSaysSo) {
  bursar::SharedInterner none;
  EXPECT_EQ(none.try_intern("name").status, InternStatus::no_interner);
  EXPECT_THROW(static_cast<void>(none.intern("name")), bursar::InternError);
  EXPECT_EQ(none.try_intern("").status, InternStatus::ok);
  EXPECT_FALSE(none.find("name").has_value());
  EXPECT_EQ(none.texts(), 0u);
}

TEST(BadInput, NamesThatTheSystemDoesNotTakeAreRefused) {
  for (const std::string& name : {std::string(), std::string("/"), std::string("a/b"), std::string(5'000, 'x')}) {
    const bursar::SharedStatus made = bursar::SharedInterner::create(name.c_str()).status;
    EXPECT_TRUE(made == bursar::SharedStatus::refused || made == bursar::SharedStatus::not_found) << name.size();
    EXPECT_NE(bursar::SharedInterner::open(name.c_str()).status, bursar::SharedStatus::ok);
    EXPECT_FALSE(bursar::SharedInterner::remove(name.c_str()));
  }
}

TEST(BadInput, ASharedInternerOfNoTextsHasTheKeywords) {
  const std::string name = "bursar_bad_input_test." + std::to_string(getpid());
  bursar::SharedInternerOptions options;
  options.texts_max = 0;
  options.text_bytes_max = 0;
  bursar::SharedResult made = bursar::SharedInterner::create(name.c_str(), options);
  bursar::SharedInterner::remove(name.c_str());
  ASSERT_TRUE(made) << bursar::to_text(made.status);
  EXPECT_EQ(made.interner.intern("while"), "while"_keyword);
  EXPECT_EQ(made.interner.try_intern("name").status, InternStatus::count_limit);
}

TEST(BadInput, OddInternerOptionsAreBroughtInRange) {
  for (const std::uint32_t shards : {0u, 3u, 64u, 65u, UINT32_MAX}) {
    Interner interner({.shards = shards, .seed = {}});
    EXPECT_EQ(interner.view(interner.intern("name")), "name");
  }
  Interner no_texts({.texts_max = 0, .seed = {}});
  EXPECT_EQ(no_texts.try_intern("name").status, InternStatus::count_limit);
  EXPECT_EQ(no_texts.intern("while"), "while"_keyword);
  Interner no_bytes({.text_bytes_max = 0, .seed = {}});
  EXPECT_EQ(no_bytes.try_intern("name").status, InternStatus::bytes_limit);
  Interner no_blocks({.blocks_max = 0, .seed = {}});
  EXPECT_EQ(no_blocks.try_intern("name").status, InternStatus::symbols_exhausted);
}

/// Rows of 256 blocks are all one row, which nobody reads: so all 2^32 places can be given out in 16 MiB.
constexpr std::size_t row_bytes = std::size_t{256} << 16;
void* one_row() {
  static std::vector<std::uint64_t> row(row_bytes / sizeof(std::uint64_t));
  return row.data();
}
constexpr bursar::PageSource one_row_pages = {[](std::size_t bytes) noexcept -> void* {
                                                return bytes == row_bytes ? one_row()
                                                                          : bursar::testing::acquire_counted(bytes);
                                              },
                                              [](void* pages, std::size_t bytes) noexcept {
                                                if (bytes != row_bytes) bursar::testing::release_counted(pages, bytes);
                                              },
                                              bursar::testing::discard_counted};

TEST(BadInput, TheLastOfAllPlacesIsGivenOutAndThenNone) {
  Interner interner({.seed = {}, .pages = &one_row_pages});
  std::string text(row_bytes - 64, 'x');
  Symbol last;
  // Block 0 has the keywords: 255 rows of 256 blocks, and a row of 255.
  for (std::uint64_t number = 0; number < 255; ++number) {
    std::memcpy(text.data(), &number, sizeof number);
    const bursar::InternResult result = interner.try_intern(text);
    ASSERT_TRUE(result) << number;
    ASSERT_GT(result.symbol, last);
    last = result.symbol;
  }
  EXPECT_EQ(interner.try_intern(text.replace(0, 1, "y")).status, InternStatus::symbols_exhausted);
  const std::string rest(row_bytes - (std::size_t{1} << 16) - 64, 'z');
  const bursar::InternResult end = interner.try_intern(rest);
  ASSERT_TRUE(end);
  EXPECT_GE(static_cast<std::uint32_t>(end.symbol.id()), 0xff01'0000u);
  EXPECT_EQ(interner.view(end.symbol), rest);
  EXPECT_EQ(interner.try_intern("a").status, InternStatus::symbols_exhausted);
  EXPECT_EQ(interner.try_intern(rest).symbol, end.symbol);
  EXPECT_EQ(interner.stats().texts, 256u);
  EXPECT_FALSE(interner.owns(Symbol(bursar::SymbolId{UINT32_MAX})));
}

}  // namespace
