// The runtime in a program whose malloc is bursar, with an account: what tasks are credited with, what budgets refuse, what the figures say.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bursar/aligned_buffer.h"
#include "bursar/arena_pool.h"
#include "bursar/arena_resource.h"
#include "bursar/batch.h"
#include "bursar/budget.h"
#include "bursar/frozen_interner.h"
#include "bursar/metrics.h"
#include "bursar/object_pool.h"
#include "bursar/shared_arena.h"
#include "bursar/task_arena.h"
#include "bursar/zero_copy.h"

namespace {

using bursar::Arena;
using bursar::BudgetExceeded;
using bursar::MemoryMetrics;
using bursar::Task;
using bursar::TaskArena;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t budget_bytes = mib;

std::uint64_t task_bytes() { return MemoryMetrics::read().task_current_bytes(); }

TEST(OnBursar, TheAccountIsKept) { ASSERT_TRUE(MemoryMetrics::read().is_counting()); }

// ---- tasks ----------------------------------------------------------------------------------------------------------

TEST(OnBursar, AnArenaIsCreditedToItsTaskAndGoesWithIt) {
  const Task outer("outer");
  const std::uint64_t before = task_bytes();
  {
    TaskArena inner("inner");
    EXPECT_NE(inner.task().handle(), nullptr);
    for (int number = 0; number < 1000; ++number) static_cast<void>(inner.arena().make<std::array<char, 100>>());
    EXPECT_GE(task_bytes(), 100'000u);
    EXPECT_LE(MemoryMetrics::read().task_allocations(), 10u);
  }
  EXPECT_EQ(task_bytes(), before);
}

TEST(OnBursar, WhatATaskPromotesIsItsParents) {
  TaskArena outer("outer");
  std::string_view kept;
  std::uint64_t inner_bytes = 0;
  {
    TaskArena inner("inner");
    const std::string_view text = inner.arena().copy(std::string(50'000, 'x'));
    inner_bytes = task_bytes();
    const bursar::TaskSwitch to_outer(outer.task());
    kept = bursar::promote(text, outer.arena());
  }
  EXPECT_GE(inner_bytes, 50'000u);
  EXPECT_GE(task_bytes(), 50'000u);
  EXPECT_EQ(kept, std::string(50'000, 'x'));
}

TEST(OnBursar, AMovedTaskArenaGivesItsMemoryBackOnce) {
  const Task outer("outer");
  const std::uint64_t before = task_bytes();
  {
    TaskArena task("inner");
    static_cast<void>(task.arena().allocate(100'000));
    TaskArena moved = std::move(task);
    task = TaskArena("another");
    static_cast<void>(task.arena().allocate(100'000));
    task = std::move(moved);
  }
  EXPECT_EQ(task_bytes(), before);
}

TEST(OnBursar, AnotherThreadMayEndATasksArena) {
  const std::uint64_t before = MemoryMetrics::read().current_bytes();
  Arena arena;
  {
    const Task task("maker");
    static_cast<void>(arena.allocate(10 * mib));
  }
  EXPECT_GE(MemoryMetrics::read().current_bytes(), before + 10 * mib);
  std::thread([ended = std::move(arena)]() mutable { ended.release(); }).join();
  EXPECT_LT(MemoryMetrics::read().current_bytes(), before + mib);
}

TEST(OnBursar, ATasksNamesAreAnOverlayThatGoesWithIt) {
  bursar::Interner names;
  static_cast<void>(names.intern("known"));
  const bursar::FrozenResult frozen = bursar::FrozenInterner::freeze(names);
  ASSERT_TRUE(frozen);
  bursar::InternerOptions options;
  options.base = &frozen.interner;
  bursar::Symbol kept;
  {
    TaskArena task("request", {}, options);
    EXPECT_EQ(task.interner().intern("known"), frozen.interner.find("known"));
    const bursar::Symbol local = task.interner().intern("local");
    EXPECT_FALSE(frozen.interner.owns(local));
    kept = bursar::promote(local, task.interner(), names);
  }
  EXPECT_EQ(names.view(kept), "local");
}

// ---- budgets --------------------------------------------------------------------------------------------------------

/// Does `work` in a task with a budget of a MiB, and tells what the error said.
std::string refusal_of(const std::function<void()>& work) {
  Task task("greedy");
  EXPECT_TRUE(task.set_budget(budget_bytes));
  try {
    for (;;) work();
  } catch (const BudgetExceeded& error) {
    EXPECT_STREQ(error.task(), "greedy");
    EXPECT_EQ(error.limit_bytes(), budget_bytes);
    return error.what();
  } catch (const std::bad_alloc& error) {
    return error.what();
  }
}

void expect_its_words(const std::function<void()>& work) {
  EXPECT_NE(refusal_of(work).find("task 'greedy' over its budget of 1.00 MiB"), std::string::npos) << refusal_of(work);
}

TEST(OnBursar, AnArenaOverItsTasksBudgetNamesTaskAndBudget) {
  Arena arena;
  expect_its_words([&] { static_cast<void>(arena.allocate(1000)); });
  arena.validate();
  static_cast<void>(arena.allocate(10 * mib));  // outside the task
}

TEST(OnBursar, SoDoContainersOverAnArena) {
  Arena arena;
  bursar::ArenaResource resource(arena);
  std::pmr::vector<std::pmr::string> texts(&resource);
  expect_its_words([&] { texts.emplace_back(1000, 'x'); });
}

TEST(OnBursar, SoDoBatches) {
  struct Record {
    double value = 0;
    int number = 0;
  };
  bursar::Batch<&Record::value, &Record::number> batch;
  expect_its_words([&] { batch.push_back({1, 2}); });
  EXPECT_GT(batch.size(), 10'000u);
  EXPECT_EQ(batch.column<&Record::number>().back(), 2);
}

TEST(OnBursar, SoDoBuffers) {
  std::vector<bursar::AlignedBuffer<char>> buffers;
  buffers.reserve(1000);
  expect_its_words([&] { buffers.push_back(bursar::AlignedBuffer<char>(10'000)); });
}

TEST(OnBursar, SoDoObjectPools) {
  bursar::ObjectPool<std::array<char, 1000>> pool;
  std::vector<bursar::PooledObject<std::array<char, 1000>>> objects;
  objects.reserve(10'000);
  expect_its_words([&] { objects.push_back(pool.acquire()); });
  pool.validate();
}

TEST(OnBursar, SoDoTexts) {
  std::vector<bursar::CowString> texts;
  texts.reserve(1000);
  const std::string dirty(10'000, '\n');
  expect_its_words([&] { texts.push_back(bursar::zero_copy::escape(dirty)); });
  texts.clear();
  expect_its_words([&] { texts.push_back(bursar::CowString::copy(dirty)); });
}

TEST(OnBursar, SoDoSharedArenasAndPoolsOfArenas) {
  bursar::SharedArena shared;
  expect_its_words([&] { static_cast<void>(shared.allocate(1000)); });
  bursar::ArenaPool pool;
  const bursar::PooledArena arena = pool.checkout();
  expect_its_words([&] { static_cast<void>(arena->allocate(1000)); });
}

TEST(OnBursar, TryFormsGiveNullOverABudget) {
  TaskArena task("greedy");
  ASSERT_TRUE(task.task().set_budget(budget_bytes));
  EXPECT_NE(task.arena().try_allocate(100 * kib), nullptr);
  EXPECT_EQ(task.arena().try_allocate(2 * mib), nullptr);
  EXPECT_FALSE(bursar::AlignedBuffer<char>::try_make(2 * mib).is_allocated());
  EXPECT_TRUE(bursar::AlignedBuffer<char>::try_make(100 * kib).is_allocated());
}

TEST(OnBursar, AHandlerThatAllowsIsAskedOnce) {
  static int asked = 0;
  bursar::set_budget_handler([](const bursar_budget_event* /*event*/, void* /*context*/) noexcept {
    ++asked;
    return BURSAR_BUDGET_ALLOW;
  });
  TaskArena task("allowed");
  ASSERT_TRUE(task.task().set_budget(budget_bytes));
  static_cast<void>(task.arena().allocate(2 * mib));
  EXPECT_EQ(asked, 1);
  bursar::set_budget_handler(nullptr);
}

// ---- figures --------------------------------------------------------------------------------------------------------

TEST(OnBursar, TheFiguresTellOfArenasPoolsAndInterners) {
  const MemoryMetrics before = MemoryMetrics::read();
  std::thread([] {
    Arena arena;
    for (int number = 0; number < 1000; ++number) static_cast<void>(arena.allocate(1000));
    bursar::ObjectPool<int> objects;
    for (int number = 0; number < 10; ++number) static_cast<void>(*objects.acquire(number));
    bursar::Interner interner;
    for (int round = 0; round < 5; ++round) static_cast<void>(interner.intern("name"));
  }).join();
  const MemoryMetrics after = MemoryMetrics::read();
  EXPECT_EQ(after.arena_allocations() - before.arena_allocations(), 1000u);
  EXPECT_EQ(after.arena_bytes() - before.arena_bytes(), 1'000'000u);
  EXPECT_EQ(after.pool_hits() - before.pool_hits(), 9u);
  EXPECT_EQ(after.pool_misses() - before.pool_misses(), 1u);
  EXPECT_EQ(after.interned_strings() - before.interned_strings(), 1u);
  EXPECT_EQ(after.interner_saved_bytes() - before.interner_saved_bytes(), 16u);
}

/// The ancestor asked for fewer than 150 calls of the heap for a task, and had 75.
TEST(OnBursar, ATaskWithAPooledArenaCallsTheHeapSeldom) {
  bursar::ArenaPool pool;
  static_cast<void>(pool.checkout()->allocate(75 * 48));
  for (int round = 0; round < 100; ++round) {
    const Task task("request");
    const bursar::PooledArena arena = pool.checkout();
    for (int number = 0; number < 75; ++number) static_cast<void>(arena->allocate(48));
    ASSERT_EQ(MemoryMetrics::read().task_allocations(), 0u);
  }
  EXPECT_EQ(MemoryMetrics::read().allocations_per_task(), 0u);
}

}  // namespace
