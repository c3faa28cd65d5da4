// Tests of counters that do not fall from one reading of a ledger to the next.
#include "tools/bursar/rising.h"

#include <gtest/gtest.h>

namespace {

using namespace bursar::tool;

TaskKindRow kind_row(const char* name, uint64_t allocations, uint64_t begun) {
  TaskKindRow row;
  row.name = name;
  row.flow = {.allocations = allocations,
              .frees = allocations / 2,
              .allocated_bytes = 10 * allocations,
              .freed_bytes = 5 * allocations,
              .live_blocks = allocations - allocations / 2,
              .live_bytes = 5 * allocations};
  row.tasks_begun = begun;
  return row;
}

TEST(Rising, ACounterThatFellIsWhatItWas) {
  Snapshot before;
  before.flow.allocations = 100;
  before.kinds = {kind_row("GET", 90, 9)};
  Snapshot now;
  now.flow.allocations = 120;
  now.kinds = {kind_row("GET", 80, 10)};
  keep_rising(now, before);
  EXPECT_EQ(now.flow.allocations, 120U);
  EXPECT_EQ(now.kinds[0].flow.allocations, 90U);
  EXPECT_EQ(now.kinds[0].flow.freed_bytes, 450U);
  EXPECT_EQ(now.kinds[0].tasks_begun, 10U);
}

TEST(Rising, WhatLivesMayFall) {
  Snapshot before;
  before.kinds = {kind_row("GET", 90, 9)};
  Snapshot now;
  now.kinds = {kind_row("GET", 80, 10)};
  keep_rising(now, before);
  EXPECT_EQ(now.kinds[0].flow.live_bytes, 400U);
}

TEST(Rising, RowsAreFoundByTheirNames) {
  Snapshot before;
  before.kinds = {kind_row("GET", 90, 9), kind_row("PUT", 5, 1)};
  Snapshot now;
  now.kinds = {kind_row("PUT", 7, 2), kind_row("GET", 95, 10)};
  keep_rising(now, before);
  ASSERT_EQ(now.kinds.size(), 2U);
  EXPECT_EQ(now.kinds[0].flow.allocations, 7U);
  EXPECT_EQ(now.kinds[1].flow.allocations, 95U);
}

TEST(Rising, AThreadThatGotAnotherNameLeavesItsFigures) {
  Snapshot before;
  before.thread_kinds = {{.name = "python*", .threads = 1, .alive = 1, .flow = {.allocations = 50, .live_blocks = 20}}};
  Snapshot now;
  now.thread_kinds = {{.name = "worker-*", .threads = 1, .alive = 1, .flow = {.allocations = 60}}};
  keep_rising(now, before);
  ASSERT_EQ(now.thread_kinds.size(), 2U);
  EXPECT_EQ(now.thread_kinds[1].name, "python*");
  EXPECT_EQ(now.thread_kinds[1].flow.allocations, 50U);
  EXPECT_EQ(now.thread_kinds[1].alive, 0U);
  EXPECT_EQ(now.thread_kinds[1].flow.live_blocks, 0U);
}

TEST(Rising, ASizeClassIsToldByItsBlocks) {
  Snapshot before;
  before.size_classes = {{.block_bytes = 64, .requested_bytes = 60, .flow = {.allocations = 2}}};
  Snapshot now;
  now.size_classes = {{.block_bytes = 48, .requested_bytes = 48, .flow = {.allocations = 1}},
                      {.block_bytes = 64, .requested_bytes = 50, .flow = {.allocations = 1}}};
  keep_rising(now, before);
  EXPECT_EQ(now.size_classes[0].flow.allocations, 1U);
  EXPECT_EQ(now.size_classes[1].flow.allocations, 2U);
  EXPECT_EQ(now.size_classes[1].requested_bytes, 60U);
}

}  // namespace
