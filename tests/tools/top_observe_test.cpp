// Ledgers read time and again for `bursar top`: which are read, and what stands beside what.
#include "tools/bursar/top_observe.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/tools/made_snapshot.h"

namespace {

using namespace bursar::tool;
using bursar::test::made_flow;
using bursar::test::made_snapshot;

TEST(Observer, PairsSnapshotsOfOneProcessAndTellsTheSecondsBetween) {
  uint64_t allocations = 10;
  uint32_t process_id = 5;
  Observer observer(
      [] { return std::vector<std::filesystem::path>{"/ledgers/5"}; },
      [&](const std::filesystem::path&) { return made_snapshot(process_id, "/bin/p", made_flow(allocations, 0, 1)); },
      [](const std::filesystem::path&) { return std::string("same"); });
  EXPECT_EQ(observer.observe(1'000'000'000).front().before, nullptr);
  allocations = 30;
  const Subject second = observer.observe(3'000'000'000).front();
  ASSERT_NE(second.before, nullptr);
  EXPECT_EQ(second.seconds_between, 2);
  EXPECT_EQ(rate_of(second.now->flow.allocations, second.before->flow.allocations, second.seconds_between), 10);
  process_id = 6;
  EXPECT_EQ(observer.observe(4'000'000'000).front().before, nullptr);
}

TEST(Observer, DoesNotReadAgainWhatHasEndedUntilAnotherFileTakesItsPath) {
  int reads = 0;
  bool is_alive = true;
  std::string stamp = "first";
  Observer observer([] { return std::vector<std::filesystem::path>{"/ledgers/5"}; },
                    [&](const std::filesystem::path&) {
                      ++reads;
                      Snapshot snapshot = made_snapshot(5, "/bin/p", made_flow(10, 0, 1));
                      snapshot.is_alive = is_alive;
                      return snapshot;
                    },
                    [&](const std::filesystem::path&) { return stamp; });
  (void)observer.observe(1'000'000'000);
  is_alive = false;
  (void)observer.observe(2'000'000'000);
  EXPECT_EQ(reads, 2);
  const Subject ended = observer.observe(3'000'000'000).front();
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(ended.now, ended.before);
  EXPECT_EQ(ended.seconds_between, 1);
  stamp = "second";
  (void)observer.observe(4'000'000'000);
  EXPECT_EQ(reads, 3);
}

TEST(Observer, ReadsWhatItHadNoTimeForTheNextTime) {
  const std::vector<std::filesystem::path> paths{"/ledgers/1", "/ledgers/2", "/ledgers/3"};
  std::vector<std::string> read;
  uint64_t now_ns = 1'000'000'000;
  Observer observer([&] { return paths; },
                    [&](const std::filesystem::path& path) {
                      read.push_back(path.filename());
                      now_ns += 100'000'000;
                      return made_snapshot(1, "/bin/p", made_flow(read.size(), 0, 1));
                    },
                    [](const std::filesystem::path&) { return std::string("same"); });
  observer.limit([&] { return now_ns; }, 150'000'000);
  EXPECT_EQ(observer.observe(now_ns).size(), 3U) << "what is new is read at once";
  now_ns = 2'000'000'000;
  const std::vector<Subject> second = observer.observe(now_ns);
  now_ns = 3'000'000'000;
  const std::vector<Subject> third = observer.observe(now_ns);
  EXPECT_EQ(read, (std::vector<std::string>{"1", "2", "3", "1", "2", "3", "1"}));
  ASSERT_EQ(second.size(), 3U);
  EXPECT_EQ(second[2].now->flow.allocations, 3U) << "as it was";
  EXPECT_EQ(second[2].before, nullptr);
  ASSERT_EQ(third.size(), 3U);
  EXPECT_EQ(third[1].now->flow.allocations, 5U);
  EXPECT_EQ(third[1].before->flow.allocations, 2U);
  EXPECT_EQ(third[1].seconds_between, 1) << "of the reading that it is of";
  EXPECT_EQ(third[2].seconds_between, 2);
}

TEST(Observer, LeavesOutWhatIsGoneAndTellsOtherFaults) {
  Observer observer(
      [] {
        return std::vector<std::filesystem::path>{"/no/such/ledger", "/dev/null"};
      },
      [](const std::filesystem::path& path) -> Snapshot { throw std::runtime_error(path.native() + ": is no ledger"); },
      [](const std::filesystem::path&) { return std::string(); });
  const auto subjects = observer.observe(1);
  ASSERT_EQ(subjects.size(), 1U);
  EXPECT_EQ(subjects.front().fault, "/dev/null: is no ledger");
}

TEST(Rates, ACounterThatWasReadTornHasNone) {
  EXPECT_EQ(rate_of(5, 10, 1), rate_unknown);
  EXPECT_EQ(rate_of(10, 5, 0), rate_unknown);
}

}  // namespace
