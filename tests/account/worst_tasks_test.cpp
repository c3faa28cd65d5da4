// Tests of the lists of the worst tasks.
#include "interpose/account/worst_tasks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "table_user.h"

namespace {

using namespace bursar;
using namespace bursar::testing;
using ledger::WorstTask;
using ledger::WorstTasks;

class Worst : public Tables {
 protected:
  static const WorstTasks& lists() { return book.header().worst; }

  static WorstTask task(uint64_t peak, uint64_t allocations) {
    WorstTask task{};
    task.peak_live_bytes = peak;
    task.allocations = allocations;
    return task;
  }

  static std::vector<uint64_t> peaks() {
    std::vector<uint64_t> peaks;
    for (uint32_t i = 0; i < lists().by_peak_count; ++i) peaks.push_back(lists().by_peak[i].peak_live_bytes);
    return peaks;
  }
};

TEST_F(Worst, TheHighestComesFirst) {
  for (const uint64_t peak : {30, 10, 20}) account::worst_tasks::consider(task(peak, 0));
  EXPECT_EQ(peaks(), (std::vector<uint64_t>{30, 20, 10}));
  EXPECT_EQ(lists().by_allocations_count, 0U) << "none of them allocated anything";
}

TEST_F(Worst, ATaskThatDidNothingIsNotBad) {
  account::worst_tasks::consider(task(0, 0));
  EXPECT_EQ(lists().by_peak_count + lists().by_allocations_count, 0U);
  EXPECT_EQ(lists().sequence, 0U);
}

TEST_F(Worst, TheListsAreApart) {
  account::worst_tasks::consider(task(100, 1));
  account::worst_tasks::consider(task(1, 100));
  EXPECT_EQ(lists().by_peak[0].allocations, 1U);
  EXPECT_EQ(lists().by_allocations[0].peak_live_bytes, 1U);
}

TEST_F(Worst, OfManyTheWorstAreKept) {
  std::mt19937 random(seed());
  std::vector<uint64_t> all;
  for (int i = 0; i < 5000; ++i) {
    all.push_back(random() % 100'000 + 1);
    account::worst_tasks::consider(task(all.back(), 0));
  }
  std::sort(all.rbegin(), all.rend());
  all.resize(WorstTasks::capacity);
  EXPECT_EQ(peaks(), all);
}

TEST_F(Worst, AFullListIsNotTouchedForALesserTask) {
  for (uint32_t i = 0; i < WorstTasks::capacity; ++i) account::worst_tasks::consider(task(100, 100));
  const uint32_t sequence = lists().sequence;
  account::worst_tasks::consider(task(100, 100));
  EXPECT_EQ(lists().sequence, sequence);
  EXPECT_EQ(sequence % 2, 0U);
}

TEST_F(Worst, AReaderSeesWholeTasks) {
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    for (uint64_t i = 1; i < 200'000; ++i) account::worst_tasks::consider(task(i, i));
    is_over = true;
  });
  // As another process reads it, through the kernel.
  const int memory = ::open("/proc/self/mem", O_RDONLY);
  ASSERT_GE(memory, 0);
  const auto place = static_cast<off_t>(reinterpret_cast<uintptr_t>(&lists()));
  alignas(WorstTasks) static char copy[sizeof(WorstTasks)];
  const auto& seen = *reinterpret_cast<const WorstTasks*>(copy);
  while (!is_over) {
    ASSERT_EQ(pread(memory, copy, sizeof(copy), place), ssize_t{sizeof(copy)});
    const uint32_t sequence = seen.sequence;
    if (sequence % 2 != 0 || lists().sequence.load() != sequence) continue;
    for (uint32_t i = 0; i < seen.by_peak_count; ++i) {
      ASSERT_EQ(seen.by_peak[i].peak_live_bytes, seen.by_peak[i].allocations);
    }
  }
  writer.join();
  close(memory);
  EXPECT_EQ(lists().by_peak[0].peak_live_bytes, 199'999U);
}

}  // namespace
