// The tasks of several processes, put together.
#include "tools/bursar/task_tree.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/tools/made_ledger.h"

namespace {

using bursar::ledger::Format;
using bursar::test::MadeLedger;
using bursar::test::make_ledger;
using bursar::tool::TaskTree;
using nlohmann::json;

/// Its one kind, `init`, has so many blocks of 100 bytes.
std::unique_ptr<MadeLedger> process_with(uint64_t inherited, uint64_t allocated, uint64_t freed) {
  auto made = make_ledger();
  auto& kind = made->add_kind(1, "init");
  kind.inherited_blocks = inherited;
  kind.inherited_bytes = inherited * 100;
  kind.allocations = allocated;
  kind.allocated_bytes = allocated * 100;
  kind.frees = freed;
  kind.freed_bytes = freed * 100;
  return made;
}

json init_of(const TaskTree& tree) { return json::parse(tree.rendered(Format::json))["task_kinds"][1]; }

TEST(TaskTree, HasWhatAChildInheritedOnceOnly) {
  TaskTree tree;
  tree.add(process_with(0, 1'000, 0)->view());
  tree.add(process_with(1'000, 0, 0)->view());
  tree.add(process_with(1'000, 30, 10)->view());
  EXPECT_EQ(init_of(tree)["live_blocks"], 1'000 + 20);
  EXPECT_EQ(init_of(tree)["retained_bytes"], 100 * (1'000 + 20));
}

TEST(TaskTree, TakesNothingOffTheParentForWhatAChildFreed) {
  TaskTree tree;
  tree.add(process_with(0, 1'000, 0)->view());
  tree.add(process_with(1'000, 0, 1'000)->view());
  EXPECT_EQ(init_of(tree)["live_blocks"], 1'000);
  EXPECT_EQ(init_of(tree)["live_bytes"], 100'000);
}

TEST(TaskTree, HasWhatRunningTasksOfAChildKeepWhateverItFreed) {
  TaskTree tree;
  const auto child = process_with(1'000, 0, 1'000);
  child->begin_task(1, 1, "again", 5, 500);
  tree.add(child->view());
  EXPECT_EQ(init_of(tree)["live_bytes"], 500);
  EXPECT_EQ(init_of(tree)["retained_bytes"], 0);
}

}  // namespace
