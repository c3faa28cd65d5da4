// Every container without memory: the n-th allocation fails, for every n; what was there stays, and nothing is lost.
// (Arena, ArenaPool, ObjectPool, AlignedBuffer, Batch, CowString, FrozenInterner have theirs beside their other tests as well.)
#include <gtest/gtest.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <memory_resource>
#include <sstream>
#include <string>
#include <vector>

#include "bursar/aligned_buffer.h"
#include "bursar/arena_pointer.h"
#include "bursar/arena_pool.h"
#include "bursar/arena_resource.h"
#include "bursar/batch.h"
#include "bursar/frozen_interner.h"
#include "bursar/object_pool.h"
#include "bursar/shared_arena.h"
#include "bursar/shared_interner.h"
#include "bursar/task_arena.h"
#include "bursar/zero_copy.h"
#include "tests/runtime/failing_memory.h"
#include "tests/runtime/failing_pages.h"

namespace {

using bursar::Arena;
using bursar::ArenaOptions;
using bursar::testing::for_each_allocation_failure;
using bursar::testing::live_blocks;
namespace text = bursar::zero_copy;

ArenaOptions small_chunks() {
  ArenaOptions options;
  options.first_chunk_bytes = 256;
  options.chunk_bytes_max = 1024;
  return options;
}

/// Does `work` with every allocation failing once, and sees that all blocks go back. `work` may throw bad_alloc. Tells how many failures there were.
template <typename Work>
std::uint64_t failures_of(Work work, std::int64_t kept_blocks = 0) {
  const std::int64_t before = live_blocks();
  const std::uint64_t failures = for_each_allocation_failure([&](std::uint64_t /*nth*/) {
    try {
      work();
    } catch (const std::bad_alloc&) {
    }
  });
  EXPECT_EQ(live_blocks(), before + kept_blocks);
  return failures;
}

struct Named {
  explicit Named(std::string_view with) : name(with) {}
  std::string name;
};

constexpr std::string_view long_name = "a name that is long enough to have a block of its own";

TEST(OutOfMemory, ArenaTryForms) {
  EXPECT_GT(failures_of([] {
              Arena arena(small_chunks());
              const std::vector<int> numbers(100, 7);
              for (int round = 0; round < 20; ++round) {
                const auto before = arena.stats();
                const bool are_made = arena.try_copy(long_name).has_value() &&
                                      arena.try_copy(std::span<const int>(numbers)).has_value() &&
                                      arena.try_make_span<std::unique_ptr<int>>(20).has_value() &&
                                      arena.try_make_span_for_overwrite<double>(20).has_value() &&
                                      arena.try_collect(numbers).has_value();
                if (!are_made) {
                  EXPECT_GE(arena.stats().bytes, before.bytes);
                }
                arena.validate();
              }
            }),
            20u);
}

TEST(OutOfMemory, ArenaCollectOfWhatIsWalkedOnce) {
  struct Numbers {
    std::istream_iterator<int> first;
    [[nodiscard]] std::istream_iterator<int> begin() const { return first; }
    [[nodiscard]] std::istream_iterator<int> end() const { return {}; }
  };
  EXPECT_GT(failures_of([] {
              Arena arena(small_chunks());
              std::istringstream stream("3 1 4 1 5 9 2 6 5 3 5");
              EXPECT_EQ(arena.collect(Numbers{std::istream_iterator<int>(stream)}).size(), 11u);
            }),
            4u);
}

TEST(OutOfMemory, ArenaWithConstructorsThatAllocate) {
  EXPECT_GT(failures_of([] {
              Arena arena(small_chunks());
              for (int number = 0; number < 30; ++number) {
                const auto before = arena.stats();
                try {
                  if (number % 3 == 0) {
                    static_cast<void>(arena.make_span<std::vector<int>>(3));
                  } else {
                    static_cast<void>(arena.make<Named>(long_name));
                  }
                } catch (const std::bad_alloc&) {
                  EXPECT_EQ(arena.stats().bytes, before.bytes);
                  EXPECT_EQ(arena.stats().allocations, before.allocations);
                }
              }
            }),
            20u);
}

/// Serves so many allocations and then none.
class CountedUpstream final : public std::pmr::memory_resource {
 public:
  explicit CountedUpstream(std::uint64_t served) : left_(served) {}
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left_ == 0) {
      has_failed_ = true;
      throw std::bad_alloc();
    }
    --left_;
    return ::operator new (bytes, std::align_val_t{alignment});
  }
  void do_deallocate(void* block, std::size_t /*bytes*/, std::size_t alignment) override {
    ::operator delete (block, std::align_val_t{alignment});
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::uint64_t left_;
  bool has_failed_ = false;
};

TEST(OutOfMemory, ArenaWhoseUpstreamEnds) {
  const std::int64_t before = live_blocks();
  bool has_failed = true;
  for (std::uint64_t served = 0; has_failed; ++served) {
    CountedUpstream upstream(served);
    ArenaOptions options = small_chunks();
    options.upstream = &upstream;
    {
      Arena arena(options);
      for (int number = 0; number < 100; ++number) static_cast<void>(arena.try_make<Named>("short"));
      arena.validate();
    }
    has_failed = upstream.has_failed();
    ASSERT_LT(served, 100u);
  }
  EXPECT_EQ(live_blocks(), before);
}

TEST(OutOfMemory, ArenaPointers) {
  using bursar::PointerChecks;
  constexpr std::int64_t epochs = 1;  // never given back, but used again
  EXPECT_GE(failures_of(
                [] {
                  Arena arena(small_chunks());
                  for (int number = 0; number < 20; ++number) {
                    auto tried = bursar::try_make_pointer<int, PointerChecks::yes>(arena, number);
                    if (tried) {
                      EXPECT_EQ(*tried, number);
                    }
                    auto made = bursar::make_pointer<int, PointerChecks::yes>(arena, number);
                    EXPECT_TRUE(made.is_valid());
                  }
                },
                epochs),
            2u);
}

TEST(OutOfMemory, ContainersOverAnArena) {
  EXPECT_GT(failures_of([] {
              Arena arena(small_chunks());
              bursar::ArenaResource resource(arena);
              std::pmr::map<int, std::pmr::string> map(&resource);
              for (int number = 0; number < 30; ++number) map[number] = long_name;
              std::vector<int, bursar::ArenaAllocator<int>> numbers{bursar::ArenaAllocator<int>(arena)};
              for (int number = 0; number < 500; ++number) numbers.push_back(number);
            }),
            5u);
}

TEST(OutOfMemory, SharedArenas) {
  EXPECT_GE(failures_of([] {
              bursar::SharedArena arena(small_chunks());
              for (int number = 0; number < 30; ++number) {
                static_cast<void>(arena.try_make<Named>("short"));
                static_cast<void>(arena.make<int>(number));
              }
              static_cast<void>(arena.try_allocate(2000));
            }),
            4u);
}

TEST(OutOfMemory, ArenaPoolsAndWhatIsInTheirArenas) {
  EXPECT_GT(failures_of([] {
              bursar::ArenaPool pool({.arena = small_chunks()});
              for (int round = 0; round < 3; ++round) {
                const auto outer = pool.checkout();
                const auto inner = pool.try_checkout();
                for (int number = 0; number < 20; ++number) static_cast<void>(outer->make<Named>(long_name));
                if (inner) static_cast<void>(inner->try_copy(long_name));
              }
            }),
            10u);
}

TEST(OutOfMemory, ObjectPoolsOfObjectsThatAllocate) {
  EXPECT_GT(failures_of([] {
              bursar::ObjectPool<Named> pool;
              std::vector<bursar::PooledObject<Named>> objects;
              for (int number = 0; number < 30; ++number) {
                objects.push_back(pool.acquire(long_name));
                pool.validate();
              }
            }),
            30u);
}

struct Person {
  std::string name;
  int age = 0;
};
using Persons = bursar::Batch<&Person::name, &Person::age>;

Persons persons(std::size_t count) {
  Persons made;
  for (std::size_t number = 0; number < count; ++number)
    made.push_back({std::string(long_name), static_cast<int>(count - number)});
  return made;
}

TEST(OutOfMemory, BatchesInAnArena) {
  EXPECT_GT(failures_of([] {
              Arena arena(small_chunks());
              Persons batch(arena);
              for (int number = 0; number < 60; ++number) {
                const std::size_t size = batch.size();
                const bool is_added = batch.try_append(long_name, number);
                EXPECT_EQ(batch.size(), size + (is_added ? 1 : 0));
              }
              batch.sort_by<&Person::age>(std::greater{});
              batch.shrink_to_fit();
            }),
            60u);
}

TEST(OutOfMemory, CopiesOfBatches) {
  EXPECT_GT(failures_of([] {
              const Persons batch = persons(20);
              Persons copy = batch;
              copy = batch;
              EXPECT_EQ(copy.size(), 20u);
            }),
            40u);
}

TEST(OutOfMemory, SortingABatch) {
  EXPECT_GT(failures_of([] {
              Persons batch = persons(20);
              if (!batch.try_sort_by<&Person::age>()) {
                EXPECT_EQ(batch[0].get<&Person::age>(), 20);
              }
              batch.sort_by<&Person::age>();
              EXPECT_EQ(batch[0].get<&Person::age>(), 1);
            }),
            3u);
}

TEST(OutOfMemory, AlignedBuffers) {
  EXPECT_GE(failures_of([] {
              using Buffer = bursar::AlignedBuffer<int>;
              Arena arena(small_chunks());
              const std::vector<int> numbers(100, 7);
              static_cast<void>(Buffer::try_make(100));
              static_cast<void>(Buffer::try_copy_of(numbers));
              static_cast<void>(Buffer::try_make(arena, 100));
              static_cast<void>(Buffer::try_copy_of(arena, numbers));
              EXPECT_EQ(Buffer(100)[99], 0);
              EXPECT_EQ(Buffer(arena, 100)[99], 0);
              EXPECT_EQ(Buffer::copy_of(numbers)[99], 7);
              EXPECT_EQ(Buffer::copy_of(arena, numbers)[99], 7);
            }),
            6u);
}

TEST(OutOfMemory, EveryTransformation) {
  EXPECT_EQ(failures_of([] {
              EXPECT_EQ(text::escape("a\n"), "a\\n");
              EXPECT_EQ(text::escape<text::EscapeStyle::json>("a\n"), "a\\n");
              EXPECT_EQ(text::unescape("a\\n"), "a\n");
              EXPECT_EQ(text::unescape<text::EscapeStyle::json>("a\\n"), "a\n");
              EXPECT_EQ(text::replace("abc", "b", "bb"), "abbc");
              EXPECT_EQ(text::lower("ABC"), "abc");
              EXPECT_EQ(text::upper("abc"), "ABC");
              EXPECT_EQ(text::normalize_newlines("a\r\n"), "a\n");
              EXPECT_EQ(text::expand_tabs("\t", 2), "  ");
            }),
            9u);
}

TEST(OutOfMemory, TransformationsIntoAnArena) {
  EXPECT_EQ(failures_of([] {
              Arena arena;
              const auto tried = text::try_transform_into(arena, text::Lower{}, "ABC");
              if (tried.has_value()) {
                EXPECT_EQ(*tried, "abc");
              }
              EXPECT_EQ(text::transform_into(arena, text::Upper{}, "abc"), "ABC");
            }),
            1u);
}

TEST(OutOfMemory, SharedInterners) {
  const std::string name = "bursar_out_of_memory_test." + std::to_string(getpid());
  EXPECT_GE(failures_of([&] {
              bursar::SharedResult made = bursar::SharedInterner::create(name.c_str());
              const bursar::SharedResult opened = bursar::SharedInterner::open(name.c_str());
              if (made) static_cast<void>(made.interner.intern("name"));
              if (made && opened) {
                EXPECT_TRUE(opened.interner.find("name").has_value());
              }
              if (!made) {
                EXPECT_FALSE(opened);
              }
              bursar::SharedInterner::remove(name.c_str());
            }),
            2u);
  EXPECT_FALSE(bursar::SharedInterner::remove(name.c_str()));
}

TEST(OutOfMemory, TasksWithAnInterner) {
  EXPECT_GE(failures_of([] {
              bursar::TaskArena task("request", small_chunks());
              bursar::Interner* tried = task.try_interner();
              if (tried != nullptr) static_cast<void>(tried->try_intern("name"));
              static_cast<void>(task.interner().intern(task.arena().copy("name")));
            }),
            2u);
}

/// Interns with the n-th acquisition of pages failing, for every n.
template <typename Work>
void for_each_page_failure(Work work) {
  for (std::uint64_t nth = 1; nth < 1'000; ++nth) {
    bursar::testing::acquisitions_to_failure = nth;
    work();
    const bool has_failed = bursar::testing::acquisitions_to_failure == 0;
    bursar::testing::acquisitions_to_failure = 0;
    EXPECT_EQ(bursar::testing::live_page_bytes, 0);
    if (!has_failed) return;
  }
  FAIL() << "it fails for ever";
}

TEST(OutOfMemory, InternersWithShardsAndLongTexts) {
  for_each_page_failure([] {
    auto interner = bursar::Interner::try_make({.shards = 4, .seed = {}, .pages = &bursar::testing::counted_pages});
    if (!interner.has_value()) return;
    std::size_t added = 0;
    for (std::size_t number = 0; number < 6'000; ++number) {
      const std::string name = number % 1'000 == 0 ? std::string(70'000 + number, 'x') : std::to_string(number);
      const bursar::InternResult result = interner->try_intern(name);
      if (result) {
        EXPECT_EQ(interner->view(result.symbol), name);
      }
      added += result ? 1 : 0;
    }
    EXPECT_GE(added, 5'999u);
    EXPECT_EQ(interner->stats().texts, added);
  });
}

TEST(OutOfMemory, Overlays) {
  bursar::Interner names;
  static_cast<void>(names.intern("of the base"));
  const bursar::FrozenResult base = bursar::FrozenInterner::freeze(names);
  ASSERT_TRUE(base);
  for_each_page_failure([&] {
    auto overlay =
        bursar::Interner::try_make({.seed = {}, .pages = &bursar::testing::counted_pages, .base = &base.interner});
    if (!overlay.has_value()) return;
    for (std::size_t number = 0; number < 2'000; ++number)
      static_cast<void>(overlay->try_intern(std::to_string(number)));
    EXPECT_TRUE(overlay->try_intern("of the base"));
  });
}

}  // namespace
