// Tests of tasks as the API names them.
#include "interpose/account/task_handles.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace {

using namespace bursar::account::handles;

Handle begin_within(Handle outer) { return begin(outer, nullptr); }

/// As a thread that is in the task ends it and leaves it.
bool try_end(Handle handle) {
  Rest rest = end(handle);
  if (rest == Rest::threads) rest = leave(handle);
  if (rest == Rest::entry) give_back(handle);
  return rest == Rest::entry;
}

uint32_t threads_in(Handle handle) { return try_find(handle)->threads(); }

TEST(TaskHandles, ALivingTaskIsFound) {
  const Handle task = begin_within(0);
  ASSERT_NE(task, 0U);
  ASSERT_NE(try_find(task), nullptr);
  EXPECT_EQ(threads_in(task), 1U);
  EXPECT_TRUE(try_end(task));
}

TEST(TaskHandles, AnEndedOneIsNotAndEndsOnce) {
  const Handle task = begin_within(0);
  EXPECT_TRUE(try_end(task));
  EXPECT_FALSE(try_end(task));
  EXPECT_EQ(try_find(task), nullptr);
}

TEST(TaskHandles, AStaleHandleIsNotTheTaskThatHasThePlaceNow) {
  const Handle former = begin_within(0);
  EXPECT_TRUE(try_end(former));
  const Handle task = begin_within(0);
  EXPECT_NE(task, former);
  EXPECT_EQ(try_find(former), nullptr);
  EXPECT_FALSE(try_end(former));
  EXPECT_NE(try_find(task), nullptr);
}

TEST(TaskHandles, GarbageIsNoTask) {
  const Handle task = begin_within(0);
  int variable = 0;
  for (const Handle garbage : {Handle{0}, Handle{1}, ~Handle{0}, task + 1, task - 1, task ^ uint64_t{1} << 63,
                               task + (1 << 16), task & 0xffffffff, reinterpret_cast<Handle>(&variable)}) {
    EXPECT_EQ(try_find(garbage), nullptr) << garbage;
    EXPECT_FALSE(try_end(garbage));
  }
}

TEST(TaskHandles, AHandleIsNoAddress) {
  // Neither half of the address space has it: a use as a pointer ends with a signal.
  const auto top = static_cast<int64_t>(begin_within(0)) >> 47;
  EXPECT_TRUE(top != 0 && top != -1);
}

TEST(TaskHandles, ThereAreSixtyFiveThousandAtATime) {
  std::set<Handle> tasks;
  for (uint32_t i = 1; i < entry_count; ++i) tasks.insert(begin_within(0));
  EXPECT_EQ(tasks.size(), entry_count - 1);
  EXPECT_FALSE(tasks.contains(0));
  EXPECT_EQ(begin_within(0), 0U);
  EXPECT_TRUE(try_end(*tasks.begin()));
  EXPECT_NE(begin_within(0), 0U);
}

TEST(TaskHandles, ATaskIsWithinThoseThatItWasBegunIn) {
  const Handle outer = begin_within(0);
  const Handle inner = begin_within(outer);
  EXPECT_TRUE(is_within(inner, outer));
  EXPECT_TRUE(is_within(inner, inner));
  EXPECT_FALSE(is_within(outer, inner));
  EXPECT_EQ(outer_of(inner), outer);
  EXPECT_EQ(outer_of(outer), 0U);
}

TEST(TaskHandles, AThreadIsInOneTaskAtATime) {
  const Handle outer = begin_within(0);
  const Handle inner = begin_within(outer);
  EXPECT_EQ(leave(outer), Rest::nothing);
  ASSERT_TRUE(try_enter(inner));
  EXPECT_EQ(threads_in(inner), 2U);
  EXPECT_EQ(threads_in(outer), 0U);
}

TEST(TaskHandles, ATaskWhoseOuterOneEndedIsWithinNone) {
  const Handle outer = begin_within(0);
  const Handle inner = begin_within(outer);
  EXPECT_TRUE(try_end(outer));
  const Handle other = begin_within(0);  // has the place of the outer one
  EXPECT_FALSE(is_within(inner, outer));
  EXPECT_FALSE(is_within(inner, other));
}

TEST(TaskHandles, AnEndedTaskStaysUntilTheLastThreadLeavesIt) {
  const Handle task = begin_within(0);
  ASSERT_TRUE(try_enter(task));
  EXPECT_EQ(end(task), Rest::threads);
  EXPECT_EQ(end(task), Rest::nothing);
  EXPECT_EQ(try_find(task), nullptr);
  EXPECT_FALSE(try_enter(task));
  ASSERT_NE(try_find_entered(task), nullptr);
  EXPECT_EQ(leave(task), Rest::threads);
  EXPECT_EQ(leave(task), Rest::entry);
  give_back(task);
  EXPECT_EQ(try_find_entered(task), nullptr);
}

TEST(TaskHandles, AChildHasTheTasksThatNoOtherThreadWasIn) {
  const Handle outer = begin_within(0);
  const Handle current = begin_within(outer);  // and another thread is in the outer one still
  ASSERT_TRUE(try_enter(current));             // and in this one
  const Handle suspended = begin_within(0);
  EXPECT_EQ(leave(suspended), Rest::nothing);
  const Handle around_others = begin_within(0);
  EXPECT_EQ(leave(around_others), Rest::nothing);
  const Handle others = begin_within(around_others);
  begin_child(current);
  EXPECT_EQ(threads_in(current), 1U);
  EXPECT_EQ(threads_in(outer), 0U);
  EXPECT_EQ(threads_in(suspended), 0U);
  EXPECT_EQ(try_find(others), nullptr);
  EXPECT_EQ(try_find(around_others), nullptr);
  EXPECT_TRUE(is_within(current, outer));
}

TEST(TaskHandles, AChildIsStillInATaskThatHasEnded) {
  const Handle current = begin_within(0);
  ASSERT_TRUE(try_enter(current));
  EXPECT_EQ(end(current), Rest::threads);
  begin_child(current);
  ASSERT_NE(try_find_entered(current), nullptr);
  EXPECT_EQ(leave(current), Rest::entry);
}

TEST(TaskHandles, EachTaskIsGivenBackByOneOfThoseThatLeaveAndEndIt) {
  constexpr int tasks = 20000;
  constexpr unsigned thread_count = 3;
  std::atomic<Handle> shared{0};
  std::atomic<int> given_back{0};
  std::atomic<unsigned> ready{0};
  const auto take_note = [&](Handle task, Rest rest) {
    if (rest != Rest::entry) return;
    given_back.fetch_add(1);
    give_back(task);
  };
  const auto meet = [&](unsigned round) {
    ready.fetch_add(1);
    while (ready.load() < round * thread_count) std::this_thread::yield();
  };
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < thread_count; ++thread) {
    threads.emplace_back([&, thread] {
      unsigned round = 0;
      for (int i = 0; i < tasks; ++i) {
        if (thread == 0) shared = begin_within(0);
        meet(++round);
        const Handle task = shared;
        if (thread == 0) {
          take_note(task, end(task));
          take_note(task, leave(task));
        } else if (try_enter(task)) {
          take_note(task, leave(task));
        }
        meet(++round);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(given_back, tasks);
}

TEST(TaskHandles, ManyThreadsEndEachTaskOnce) {
  constexpr int tasks = 20000;
  std::vector<std::atomic<Handle>> shared(64);
  std::atomic<int> ended{0};
  std::atomic<int> begun{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (unsigned i = 0; i < tasks; ++i) {
        begun.fetch_add(1);
        const Handle former = shared[(i * 7 + thread * 13) % shared.size()].exchange(begin_within(0));
        if (former == 0) continue;
        // Twice, as by a mistake.
        for (int times = 0; times < 2; ++times) ended.fetch_add(try_end(former) ? 1 : 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& handle : shared) ended.fetch_add(handle != 0 && try_end(handle) ? 1 : 0);
  EXPECT_EQ(ended, begun);
}

}  // namespace
