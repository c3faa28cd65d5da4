// Objects that come and go.
#include "bursar/object_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/failing_memory.h"
#include "tests/runtime/seed.h"
#include "tests/runtime/watched.h"

namespace {

using bursar::ObjectPool;
using bursar::ObjectPoolOptions;
using bursar::PooledObject;

struct Counted {
  explicit Counted(int value) noexcept : number(value) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int number;
  static inline std::atomic<int> alive{0};
};

TEST(ObjectPool, AHandleHasEightBytes) { static_assert(sizeof(PooledObject<std::string>) == 8); }

TEST(ObjectPool, MakesAndEndsObjects) {
  ObjectPool<Counted> pool;
  {
    const auto object = pool.acquire(7);
    EXPECT_EQ(object->number, 7);
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(ObjectPool, MakesAggregates) {
  struct Point {
    int x;
    int y;
  };
  ObjectPool<Point> pool;
  EXPECT_EQ(pool.acquire(1, 2)->y, 2);
}

/// The ancestor's name.
TEST(ObjectPool, PoolReuse) {
  ObjectPool<Counted> pool;
  const void* first = pool.acquire(1).get();
  EXPECT_EQ(pool.acquire(2).get(), first);
}

/// The ancestor's name. It asked for 80 of 100.
TEST(ObjectPool, PoolHitRate) {
  ObjectPool<Counted> pool;
  for (int round = 0; round < 1000; ++round) static_cast<void>(pool.acquire(round)->number);
  EXPECT_EQ(pool.stats().misses, 1u);
  EXPECT_EQ(pool.stats().hits, 999u);
}

TEST(ObjectPool, ObjectsDoNotOverlapAndAreAligned) {
  struct alignas(64) Wide {
    std::uint64_t words[9];
  };
  ObjectPool<Wide> pool;
  std::vector<PooledObject<Wide>> objects;
  std::set<std::uintptr_t> places;
  for (int number = 0; number < 2000; ++number) {
    objects.push_back(pool.acquire());
    const auto place = reinterpret_cast<std::uintptr_t>(objects.back().get());
    EXPECT_EQ(place % 64, 0u);
    EXPECT_TRUE(places.insert(place).second);
  }
  std::uintptr_t last = 0;
  for (const std::uintptr_t place : places) {
    EXPECT_GE(place - last, sizeof(Wide));
    last = place;
  }
}

TEST(ObjectPool, ServesObjectsOfAllSizes) {
  ObjectPool<char> small;
  ObjectPool<std::array<char, 100'000>> large;
  auto character = small.acquire('x');
  auto block = large.acquire();
  block->fill('y');
  EXPECT_EQ(*character, 'x');
  EXPECT_EQ(block->back(), 'y');
  small.validate();
  large.validate();
}

TEST(ObjectPool, TakesAndGivesInAnyOrder) {
  std::mt19937_64 random(bursar::testing::seed());
  ObjectPool<Counted> pool;
  std::vector<PooledObject<Counted>> objects;
  for (int round = 0; round < 20'000; ++round) {
    if (objects.empty() || random() % 100 < 52) {
      objects.push_back(pool.acquire(round));
    } else {
      const std::size_t index = random() % objects.size();
      std::swap(objects[index], objects.back());
      objects.pop_back();
    }
    if (round % 1000 == 0) pool.validate();
    if (round % 3000 == 0) pool.trim();
  }
  EXPECT_EQ(pool.stats().in_use, objects.size());
}

TEST(ObjectPool, HasNoMoreThanItsBound) {
  ObjectPoolOptions options;
  options.objects_max = 3;
  ObjectPool<Counted> pool(options);
  auto one = pool.acquire(1);
  auto two = pool.acquire(2);
  auto three = pool.acquire(3);
  EXPECT_FALSE(pool.try_acquire(4));
  EXPECT_THROW(static_cast<void>(pool.acquire(4)), std::bad_alloc);
  two.reset();
  EXPECT_TRUE(pool.try_acquire(4));
}

TEST(ObjectPool, TrimGivesIdleMemoryBack) {
  const auto before = bursar::testing::live_blocks();
  ObjectPool<Counted> pool;
  {
    std::vector<PooledObject<Counted>> objects;
    for (int number = 0; number < 50'000; ++number) objects.push_back(pool.acquire(number));
    const auto kept = std::move(objects[25'000]);
    objects.clear();
    pool.trim();
    EXPECT_EQ(kept->number, 25'000);
    EXPECT_EQ(pool.stats().held_bytes, 32u * 1024);
    pool.validate();
  }
  pool.trim();
  EXPECT_EQ(pool.stats().held_bytes, 0u);
  EXPECT_EQ(bursar::testing::live_blocks(), before + 1);
  EXPECT_TRUE(pool.acquire(1));
}

TEST(ObjectPool, AnObjectMayEndOnAnotherThread) {
  ObjectPool<Counted> pool;
  for (int round = 0; round < 100; ++round) {
    std::vector<PooledObject<Counted>> objects;
    for (int number = 0; number < 100; ++number) objects.push_back(pool.acquire(number));
    std::thread([sent = std::move(objects)]() mutable { sent.clear(); }).join();
  }
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_EQ(pool.stats().misses, 1u);
}

TEST(ObjectPool, ManyThreadsMayEndObjectsWhileItsOwnerAcquires) {
  ObjectPool<Counted> pool;
  constexpr int threads = 4;
  std::array<std::atomic<PooledObject<Counted>*>, threads> mail{};
  std::atomic<bool> is_over{false};
  std::vector<std::thread> readers;
  for (auto& box : mail) {
    readers.emplace_back([&] {
      for (;;) {
        const bool was_over = is_over.load();
        std::unique_ptr<PooledObject<Counted>> object(box.exchange(nullptr));
        if (object == nullptr && was_over) return;
      }
    });
  }
  for (int round = 0; round < 20'000; ++round) {
    auto object = std::make_unique<PooledObject<Counted>>(pool.acquire(round));
    PooledObject<Counted>* expected = nullptr;
    if (mail[static_cast<std::size_t>(round % threads)].compare_exchange_strong(expected, object.get()))
      static_cast<void>(object.release());
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(pool.stats().in_use, 0u);
  pool.validate();
}

TEST(ObjectPool, ChangesHands) {
  ObjectPool<Counted> pool;
  auto object = pool.acquire(1);
  std::thread([&] {
    pool.adopt();
    static_cast<void>(pool.acquire(2)->number);
    object.reset();
    EXPECT_EQ(pool.stats().in_use, 0u);
  }).join();
  pool.adopt();
}

TEST(ObjectPool, MovesWithItsObjects) {
  ObjectPool<Counted> pool;
  auto object = pool.acquire(1);
  ObjectPool<Counted> moved(std::move(pool));
  EXPECT_EQ(moved.stats().in_use, 1u);
  EXPECT_EQ(pool.stats().in_use, 0u);
  object.reset();
  EXPECT_EQ(moved.stats().in_use, 0u);
  EXPECT_TRUE(pool.acquire(2));
}

TEST(ObjectPool, AThrowingConstructorLeavesThePoolAsItWas) {
  struct Throwing {
    Throwing() { throw std::runtime_error("no"); }
  };
  ObjectPool<Throwing> pool;
  EXPECT_THROW(static_cast<void>(pool.acquire()), std::runtime_error);
  EXPECT_THROW(static_cast<void>(pool.try_acquire()), std::runtime_error);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(ObjectPoolDeathTest, EndingBeforeItsObjectsIsTold) {
  EXPECT_DEATH(
      {
        PooledObject<Counted> object;
        ObjectPool<Counted> pool;
        object = pool.acquire(1);
      },
      "bursar: ObjectPool: it ends before objects of it");
}

TEST(ObjectPoolDeathTest, AnotherThreadsAcquireIsTold) {
  ObjectPool<Counted> pool;
  static_cast<void>(pool.acquire(1)->number);
  EXPECT_DEATH(std::thread([&] { static_cast<void>(pool.acquire(2)->number); }).join(),
               "bursar: ObjectPool: used by a thread that does not own it");
}

TEST(ObjectPool, AnEndedObjectIsHiddenFromAddressSanitizer) {
  if (!bursar::testing::is_watched()) GTEST_SKIP() << "not built with AddressSanitizer";
  ObjectPool<Counted> pool;
  const Counted* object = pool.acquire(1).get();
  EXPECT_TRUE(bursar::testing::is_hidden(object));
  const auto again = pool.acquire(2);
  EXPECT_FALSE(bursar::testing::is_hidden(again.get()));
}

TEST(ObjectPool, WithoutMemoryNothingIsLost) {
  const auto before = bursar::testing::live_blocks();
  const auto failures = bursar::testing::for_each_allocation_failure([](std::uint64_t) {
    ObjectPool<std::array<char, 4000>> pool;
    std::array<PooledObject<std::array<char, 4000>>, 20> objects;
    for (auto& object : objects) {
      try {
        object = pool.acquire();
      } catch (const std::bad_alloc&) {
        object = pool.try_acquire();
      }
    }
    EXPECT_EQ(pool.stats().in_use, 20u);
    pool.validate();
  });
  EXPECT_GE(failures, 3u);
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

}  // namespace
