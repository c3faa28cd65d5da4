// The plain values of ledgers filled by hand.
#include "tools/bursar/snapshot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "tests/tools/made_ledger.h"

namespace {

namespace fs = std::filesystem;
using bursar::test::MadeLedger;
using bursar::test::make_server_ledger;
using bursar::tool::Snapshot;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    std::string path = testing::TempDir() + "/bursar-test-XXXXXX";
    directory_ = mkdtemp(path.data());
    file_ = directory_ / "4711";
  }
  ~SnapshotTest() override { fs::remove_all(directory_); }

  Snapshot snapshot_of(const MadeLedger& made) const {
    const std::string bytes = made.bytes();
    std::ofstream(file_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bursar::tool::read_snapshot(file_);
  }

  fs::path directory_;
  fs::path file_;
};

TEST_F(SnapshotTest, HasKindsByBytesAndWhatIsOutsideLast) {
  const Snapshot snapshot = snapshot_of(*make_server_ledger());
  ASSERT_EQ(snapshot.kinds.size(), 3U);
  EXPECT_EQ(snapshot.kinds[0].name, "GET /search");
  EXPECT_EQ(snapshot.kinds[0].tasks_ended, 1'000U);
  EXPECT_EQ(snapshot.kinds[0].allocations_per_task.highest, 12'288U);
  EXPECT_EQ(snapshot.kinds[0].retained_bytes, 29U * 100 + 2 * 4'096);
  EXPECT_EQ(snapshot.kinds[1].name, "POST /upload");
  EXPECT_EQ(snapshot.kinds[1].tasks_running, 1U);
  EXPECT_EQ(snapshot.kinds[2].name, "(outside tasks)");
  EXPECT_TRUE(snapshot.kinds[2].is_outside);
  EXPECT_TRUE(snapshot.kinds[2].is_of_no_task);
  EXPECT_EQ(snapshot.kinds[2].retained_bytes, 0U);
}

TEST_F(SnapshotTest, CountsTheTasksBelowPowersOfTwo) {
  auto made = std::make_unique<MadeLedger>();
  made->add_kind(1, "GET");
  made->end_tasks(1, 3, 1, 100, 0, 1);
  made->end_tasks(1, 2, 4, 100, 0, 1);
  const Snapshot snapshot = snapshot_of(*made);
  ASSERT_EQ(snapshot.kinds.size(), 2U);
  EXPECT_EQ(snapshot.kinds[0].allocations_per_task.below_powers, (std::vector<uint64_t>{0, 3, 3, 5}));
  EXPECT_EQ(snapshot.kinds[0].peak_live_bytes_per_task.below_powers,
            (std::vector<uint64_t>{0, 0, 0, 0, 0, 0, 0, 3, 3, 5}));
  EXPECT_TRUE(snapshot.kinds[0].wall_ns_per_task.below_powers.empty());
  EXPECT_TRUE(snapshot.kinds[1].allocations_per_task.below_powers.empty());
}

TEST_F(SnapshotTest, HasRunningTasksAmongTheWorst) {
  const Snapshot snapshot = snapshot_of(*make_server_ledger());
  ASSERT_EQ(snapshot.running.size(), 1U);
  EXPECT_EQ(snapshot.running[0].label, "POST /upload?name=large.iso");
  ASSERT_EQ(snapshot.worst_by_peak.size(), 4U);
  EXPECT_EQ(snapshot.worst_by_peak[0].label, "GET /search?q=x");
  EXPECT_EQ(snapshot.worst_by_peak[1].label, "POST /upload?name=large.iso");
  EXPECT_TRUE(snapshot.worst_by_peak[1].is_running);
}

TEST_F(SnapshotTest, NamesTheProgramWhereTheProcessIsTheTask) {
  const auto made = make_server_ledger();
  made->header.task_source = bursar::ledger::TaskSource::process;
  EXPECT_EQ(snapshot_of(*made).kinds[2].name, "guest");
}

TEST_F(SnapshotTest, NoProcessIsAliveThatIsGone) {
  const auto made = make_server_ledger();
  made->header.state = bursar::ledger::State::running;
  EXPECT_FALSE(snapshot_of(*made).is_alive);
}

/// This process stands for the one of the ledger.
std::unique_ptr<MadeLedger> ledger_of_this_process() {
  auto made = make_server_ledger();
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  made->header.state = bursar::ledger::State::running;
  made->header.process_id = static_cast<uint32_t>(getpid());
  made->header.started_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  return made;
}

TEST_F(SnapshotTest, TellsTheMemoryOfAProcessThatIsAlive) {
  const Snapshot snapshot = snapshot_of(*ledger_of_this_process());
  EXPECT_TRUE(snapshot.is_alive);
  EXPECT_GT(snapshot.rss_bytes, 0U);
  EXPECT_GE(snapshot.peak_rss_bytes, snapshot.rss_bytes / 2);
}

TEST_F(SnapshotTest, AnIdThatWasGivenOutAgainIsNotAlive) {
  const auto made = ledger_of_this_process();
  made->header.started_ns = 1;
  EXPECT_FALSE(snapshot_of(*made).is_alive);
}

TEST_F(SnapshotTest, AProgramThatWasReplacedByExecIsNotAlive) {
  // Number 0 was free again when the last of them began.
  const char* const in_order[] = {"4711.1", "4711.2", "4711"};
  const auto made = ledger_of_this_process();
  for (const char* name : in_order) {
    (void)snapshot_of(*made);
    if (directory_ / name != file_) fs::copy(file_, directory_ / name);
    ++made->header.started_ns;
  }
  EXPECT_FALSE(bursar::tool::read_snapshot(directory_ / "4711.1").is_alive);
  EXPECT_FALSE(bursar::tool::read_snapshot(directory_ / "4711.2").is_alive);
  EXPECT_TRUE(bursar::tool::read_snapshot(file_).is_alive);
}

TEST_F(SnapshotTest, LetsNoNameSteerTheTerminal) {
  const auto made = make_server_ledger();
  std::memset(made->kinds[1].name, '\x1b', sizeof made->kinds[1].name);
  EXPECT_EQ(snapshot_of(*made).kinds[0].name, std::string(63, '?'));
}

TEST_F(SnapshotTest, HasLargeBlocksWithTheirOwnBytes) {
  const auto made = make_server_ledger();
  made->count(1, 0, 3, 1'000'000, 1);
  made->count(1, 2, 10, 20, 4);
  const Snapshot snapshot = snapshot_of(*made);
  ASSERT_EQ(snapshot.size_classes.size(), 2U);
  EXPECT_EQ(snapshot.size_classes[0].flow.live_bytes, 2'000'000U);
  EXPECT_EQ(snapshot.size_classes[1].flow.live_bytes, 6U * 32);
}

}  // namespace
