// What an interner tells bursar's figures, where bursar is there: here this program takes its place.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "bursar/bursar.h"
#include "bursar/interner.h"

namespace {

std::array<std::atomic<std::int64_t>, BURSAR_CACHE_MISSES + 1> told;

}  // namespace

extern "C" void bursar_metrics_count(bursar_counter counter, int64_t change) { told[counter] += change; }

namespace {

TEST(InternerMetrics, AThreadsEndTellsWhatItAddedAndSaved) {
  bursar::Interner interner;
  std::thread([&] {
    for (int round = 0; round < 3'001; ++round) static_cast<void>(interner.intern("four"));
    static_cast<void>(interner.intern("other"));
  }).join();
  EXPECT_EQ(told[BURSAR_INTERNED_STRINGS], 2);
  EXPECT_EQ(told[BURSAR_INTERNER_SAVED_BYTES], 3'000 * 4);
  EXPECT_EQ(told[BURSAR_CACHE_HITS], 3'000);
  EXPECT_EQ(told[BURSAR_CACHE_MISSES], 2);
}

TEST(InternerMetrics, LongRowsOfCallsAreToldOnTheWay) {
  bursar::Interner interner;
  for (int round = 0; round < 10'000; ++round) static_cast<void>(interner.intern("four"));
  EXPECT_GT(told[BURSAR_INTERNER_SAVED_BYTES], 8'000 * 4);
  EXPECT_GE(told[BURSAR_CACHE_HITS], 10'000 - 1'024);
}

}  // namespace
