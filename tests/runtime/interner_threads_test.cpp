// One interner, several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bursar/interner.h"

namespace {

using bursar::Interner;
using bursar::Symbol;

constexpr std::size_t threads = 4;
constexpr std::size_t names = 5'000;

std::string numbered(std::size_t number) { return "name_" + std::to_string(number); }

template <typename Work>
void in_threads(Work work) {
  std::vector<std::thread> all;
  for (std::size_t index = 0; index < threads; ++index) all.emplace_back([&work, index] { work(index); });
  for (std::thread& thread : all) thread.join();
}

TEST(InternerThreads, ConcurrentInterningGivesAllThreadsTheSameSymbols) {
  Interner interner({.shards = 4, .seed = {}});
  std::vector<std::vector<Symbol>> symbols(threads);
  in_threads([&](std::size_t index) {
    for (std::size_t number = 0; number < names; ++number) symbols[index].push_back(interner.intern(numbered(number)));
  });
  for (std::size_t index = 1; index < threads; ++index) EXPECT_EQ(symbols[index], symbols[0]);
  EXPECT_EQ(interner.stats().texts, names);
}

TEST(InternerThreads, SymbolsResolveWhileOthersAdd) {
  Interner interner;
  std::atomic<std::size_t> wrong = 0;
  in_threads([&](std::size_t index) {
    std::vector<Symbol> mine;
    for (std::size_t number = 0; number < names; ++number) {
      mine.push_back(interner.intern(numbered(number * threads + index)));
      const std::size_t earlier = number / 2;
      if (interner.view(mine[earlier]) != numbered(earlier * threads + index)) ++wrong;
      if (interner.find(numbered(earlier * threads + index)).value_or(mine[earlier]) != mine[earlier]) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(interner.stats().texts, names * threads);
}

TEST(InternerThreads, ALimitHoldsForAllTogether) {
  Interner interner({.texts_max = 1'000, .shards = 4, .seed = {}});
  std::atomic<std::size_t> refused = 0;
  in_threads([&](std::size_t index) {
    for (std::size_t number = 0; number < names; ++number) {
      if (!interner.try_intern(numbered(number * threads + index))) ++refused;
    }
  });
  // Threads that are refused at one time may each make another's attempt one too many.
  EXPECT_LE(interner.stats().texts, 1'000u);
  EXPECT_GE(interner.stats().texts, 1'000u - threads);
  EXPECT_EQ(interner.stats().texts + refused, names * threads);
}

}  // namespace
