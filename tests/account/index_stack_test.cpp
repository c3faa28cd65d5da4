// Tests of the stack of free numbers.
#include "interpose/account/index_stack.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace {

using Stack = bursar::account::IndexStack<65536>;

TEST(IndexStack, AnEmptyOneGivesNone) {
  static Stack stack;
  EXPECT_EQ(stack.pop(), 0U);
  EXPECT_EQ(stack.pop_all(), 0U);
}

TEST(IndexStack, GivesTheLastOneFirst) {
  static Stack stack;
  for (const uint32_t index : {1U, 65535U, 7U}) stack.push(index);
  EXPECT_EQ(stack.pop(), 7U);
  EXPECT_EQ(stack.pop(), 65535U);
  EXPECT_EQ(stack.pop(), 1U);
  EXPECT_EQ(stack.pop(), 0U);
}

TEST(IndexStack, AllAtOnceLeadFromOneToTheNext) {
  static Stack stack;
  for (const uint32_t index : {3U, 9U, 4U}) stack.push(index);
  std::vector<uint32_t> taken;
  for (uint32_t index = stack.pop_all(); index != 0; index = stack.next_taken(index)) taken.push_back(index);
  EXPECT_EQ(taken, (std::vector<uint32_t>{4, 9, 3}));
  EXPECT_EQ(stack.pop(), 0U);
}

TEST(IndexStack, ThreadsNeverGetTheSameNumber) {
  static Stack stack;
  constexpr uint32_t numbers = 16;
  static std::atomic<int> holders[numbers + 1]{};
  for (uint32_t index = 1; index <= numbers; ++index) stack.push(index);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 100000; ++round) {
        const uint32_t index = stack.pop();
        if (index == 0) continue;
        ASSERT_EQ(holders[index].fetch_add(1), 0);
        holders[index].fetch_sub(1);
        stack.push(index);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint32_t> left;
  for (uint32_t index = stack.pop(); index != 0; index = stack.pop()) left.insert(index);
  EXPECT_EQ(left.size(), numbers);
}

}  // namespace
