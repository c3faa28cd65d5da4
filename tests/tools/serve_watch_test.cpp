// Which ledgers the server follows, and what it remembers of them.
#include "tools/bursar/serve_watch.h"

#include <gtest/gtest.h>

#include "tests/tools/serve_snapshots.h"

namespace bursar::test {
namespace {

using tool::Places;
using tool::Watch;
using tool::WatchLimits;

TEST(ServeWatch, ALedgerIsFoundByItsId) {
  MadeHost host;
  host.add(running_process(1));
  host.add(running_process(2));
  Watch watch(host.source(), {});
  watch.refresh(1000);
  ASSERT_EQ(watch.ledgers().size(), 2U);
  for (const tool::WatchedLedger* ledger : watch.ledgers()) EXPECT_EQ(watch.find(ledger->id), ledger);
  EXPECT_EQ(watch.find("/dev/shm/bursar-1"), nullptr);
  EXPECT_EQ(watch.find(""), nullptr);
}

TEST(ServeWatch, ASampleASecondIsKeptForTenMinutes) {
  MadeHost host;
  host.add(running_process(1));
  Watch watch(host.source(), {});
  for (uint64_t second = 1; second <= tool::history_samples_max + 5; ++second) {
    host.files.begin()->second.flow.allocations = second;
    watch.sample(second * 1000);
  }
  const auto& history = watch.ledgers().at(0)->history;
  ASSERT_EQ(history.size(), tool::history_samples_max);
  EXPECT_EQ(history.front().unix_ms, 6000U);
  EXPECT_EQ(history.back().allocations, tool::history_samples_max + 5);
}

TEST(ServeWatch, ASampleHasTheTasksOfAllKinds) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.kinds.push_back(kind_with("one", 3, 10));
  snapshot.kinds.push_back(kind_with("two", 2, 5));
  host.add(snapshot);
  Watch watch(host.source(), {});
  watch.sample(1000);
  EXPECT_EQ(watch.ledgers().at(0)->history.back().tasks_ended, 5U);
  EXPECT_EQ(watch.ledgers().at(0)->history.back().task_allocations, 40U);
}

TEST(ServeWatch, ACounterDoesNotFallWhileTheProcessRuns) {
  MadeHost host;
  tool::Snapshot process = running_process(7);
  process.kinds.push_back(kind_with("GET", 10, 5));
  host.add(process);
  Watch watch(host.source(), {});
  watch.refresh(1000);
  process.kinds.back() = kind_with("GET", 9, 5);  // as it is seen while a thread hands its figures over
  host.add(process);
  watch.refresh(2000);
  EXPECT_EQ(watch.ledgers()[0]->snapshot.kinds.back().flow.allocations, 50U);
}

TEST(ServeWatch, ALookInBetweenIsNoSample) {
  MadeHost host;
  host.add(running_process(1));
  Watch watch(host.source(), {});
  watch.sample(1000);
  watch.refresh(1500);
  EXPECT_EQ(watch.ledgers().at(0)->history.size(), 1U);
}

TEST(ServeWatch, AnEndedProcessIsReadNoMore) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.is_alive = false;
  host.add(snapshot);
  Watch watch(host.source(), {});
  for (uint64_t ms = 1000; ms < 5000; ms += 1000) watch.sample(ms);
  EXPECT_EQ(host.reads, 1U);
  EXPECT_EQ(watch.ledgers().at(0)->ended_unix_ms, 1000U);
  EXPECT_TRUE(watch.ledgers().at(0)->history.empty());
}

TEST(ServeWatch, WhatTheTimeDoesNotAllowIsReadNextTime) {
  MadeHost host;
  for (uint32_t process = 1; process <= 10; ++process) host.add(running_process(process));
  host.read_ns = 100'000'000;
  Watch watch(host.source(), {.reading_ns_max = 250'000'000});
  watch.sample(1000);
  EXPECT_EQ(host.reads, 10U) << "what is new is read at once";
  for (uint64_t ms = 2000; ms <= 11000; ms += 1000) {
    watch.sample(ms);
    EXPECT_EQ(watch.ledgers().size(), 10U);
  }
  EXPECT_EQ(host.reads, 10U + 10 * 3);
  for (const tool::WatchedLedger* ledger : watch.ledgers()) {
    EXPECT_EQ(ledger->history.size(), 1U + 3) << "each in its turn, and only what was read is a sample";
  }
  host.add(running_process(11));
  watch.sample(12000);
  EXPECT_EQ(watch.ledgers().size(), 11U);
}

TEST(ServeWatch, AFaultIsToldUntilTheLedgerIsReadAgain) {
  MadeHost host;
  host.add(running_process(1));
  host.faults["/tmp/bursar-2"] = "/tmp/bursar-2: is cut short";
  host.read_ns = 100'000'000;
  Watch watch(host.source(), {.reading_ns_max = 50'000'000});
  for (uint64_t ms = 1000; ms <= 4000; ms += 1000) {
    watch.sample(ms);
    EXPECT_EQ(watch.unreadable().size(), 1U);
    EXPECT_EQ(watch.left_out(), 0U);
  }
}

TEST(ServeWatch, AFileThatTookAnEndedOnesPlaceIsRead) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.is_alive = false;
  host.add(snapshot);
  Watch watch(host.source(), {});
  watch.refresh(1000);
  const std::string id = watch.ledgers().at(0)->id;
  snapshot.is_alive = true;
  snapshot.started_unix_ns += 1;
  host.add(snapshot);
  host.stamps[snapshot.path] = "another file";
  watch.refresh(2000);
  EXPECT_NE(watch.ledgers().at(0)->id, id);
  EXPECT_EQ(watch.ledgers().at(0)->ended_unix_ms, 0U);
}

TEST(ServeWatch, AFileThatIsGoneIsForgotten) {
  MadeHost host;
  host.add(running_process(1));
  Watch watch(host.source(), {});
  watch.refresh(1000);
  host.files.clear();
  watch.refresh(2000);
  EXPECT_TRUE(watch.ledgers().empty());
  EXPECT_EQ(watch.left_out(), 0U);
}

TEST(ServeWatch, AnUnreadableLedgerIsToldAndTriedAgain) {
  MadeHost host;
  host.add(running_process(1));
  host.faults["/tmp/bursar-2"] = "/tmp/bursar-2: is cut short";
  host.of_others = 3;
  Watch watch(host.source(), {});
  watch.refresh(1000);
  ASSERT_EQ(watch.unreadable().size(), 1U);
  EXPECT_EQ(watch.unreadable()[0].fault, "/tmp/bursar-2: is cut short");
  EXPECT_EQ(watch.of_others(), 3U);
  EXPECT_EQ(watch.ledgers().size(), 1U);
  host.faults.clear();
  tool::Snapshot second = running_process(2);
  second.path = "/tmp/bursar-2";
  host.add(second);
  watch.refresh(2000);
  EXPECT_TRUE(watch.unreadable().empty());
  EXPECT_EQ(watch.ledgers().size(), 2U);
}

TEST(ServeWatch, OfTooManyThoseThatRunAreKept) {
  MadeHost host;
  for (uint32_t process = 1; process <= 6; ++process) {
    tool::Snapshot snapshot = running_process(process);
    snapshot.is_alive = process == 1;
    snapshot.started_unix_ns += process;
    host.add(snapshot);
  }
  Watch watch(host.source(), {.kinds_max = 50, .ledgers_max = 3});
  for (uint64_t ms = 1000; ms < 4000; ms += 1000) {
    watch.refresh(ms);
    const auto ledgers = watch.ledgers();
    ASSERT_EQ(ledgers.size(), 3U);
    EXPECT_EQ(ledgers[0]->snapshot.process_id, 1U);
    EXPECT_EQ(ledgers[1]->snapshot.process_id, 6U);
    EXPECT_EQ(ledgers[2]->snapshot.process_id, 5U);
    EXPECT_EQ(watch.left_out(), 3U);
  }
}

TEST(ServeWatch, AProgramThatAnotherReplacedIsMarked) {
  MadeHost host;
  tool::Snapshot first = running_process(7);
  first.path = "/dev/shm/bursar-abcdef/7";
  first.is_alive = false;
  tool::Snapshot second = running_process(7, "/usr/bin/other");
  second.path = "/dev/shm/bursar-abcdef/7.1";
  second.started_unix_ns += 1;
  host.add(first);
  host.add(second);
  Watch watch(host.source(), {});
  watch.refresh(1000);
  EXPECT_FALSE(watch.ledgers().at(0)->is_replaced);
  EXPECT_EQ(watch.ledgers().at(0)->snapshot.program, "/usr/bin/other");
  EXPECT_TRUE(watch.ledgers().at(1)->is_replaced);
}

TEST(ServePlaces, WhoHasAPlaceKeepsIt) {
  Places places(2);
  places.admit({"first", "second", "third"});
  places.admit({"third", "second", "first"});
  EXPECT_TRUE(places.has("first"));
  EXPECT_TRUE(places.has("second"));
  EXPECT_FALSE(places.has("third"));
}

}  // namespace
}  // namespace bursar::test
