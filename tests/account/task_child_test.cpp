// Tests of the tables in a forked child: as begin_child leaves them on a ledger that is empty again.
#include <sys/resource.h>
#include <unistd.h>

#include <set>

#include "allocator/thread.h"
#include "interpose/account/task_handles.h"
#include "interpose/account/task_records.h"
#include "table_user.h"

namespace {

using namespace bursar;
using namespace bursar::testing;
using account::handles::Handle;

namespace handles = account::handles;
namespace tables = account::tables;

class TaskChild : public Tables {
 protected:
  void TearDown() override {
    thread.task = nullptr;
    thread.base_tag = thread.task_tag = 0;
  }

  static void fork() {
    ASSERT_TRUE(book.begin_child({}, "/usr/bin/program"));
    tables::begin_child();
  }

  /// As the API begins one.
  static Handle begin(const char* kind) {
    const auto outer = reinterpret_cast<Handle>(thread.task);
    const Handle handle = handles::begin(outer, &thread);
    const uint32_t number = tables::kind_named(kind);
    handles::try_find(handle)->kind = static_cast<uint16_t>(number);
    handles::try_find(handle)->tag = thread.task_tag = tables::begin_task(number);
    thread.task = reinterpret_cast<void*>(handle);
    return handle;
  }
};

TEST_F(TaskChild, KindsKeepTheirNumbers) {
  const uint32_t search = tables::kind_named("search");
  const uint32_t index = tables::kind_named("index");
  (void)run_task(search, {{1, 0, 48, 0}, 48});
  fork();
  EXPECT_STREQ(book.kind(search).name, "search");
  EXPECT_STREQ(book.kind(0).name, "(outside tasks)");
  EXPECT_EQ(tables::kind_named("index"), index);
  EXPECT_EQ(tables::kind_named("new"), index + 1);
  EXPECT_EQ(book.kind(search).tasks_ended + book.kind(search).allocations, 0U) << "the parent's";
}

TEST_F(TaskChild, WhatLivesIsInheritedByItsKind) {
  TaggedBlocks blocks(4);
  const uint32_t search = tables::kind_named("search");
  blocks[0] = run_task(search, {{1, 0, 48, 0}, 48});
  blocks[1] = tables::begin_task(search);
  blocks[2] = ledger::tag_of_kind(0);
  fork();
  EXPECT_EQ(book.kind(search).inherited_blocks, 2U);
  EXPECT_EQ(live_of(book.kind(search)), 2 * int64_t{tagged_block_bytes});
  EXPECT_EQ(book.kind(0).inherited_bytes, tagged_block_bytes);
  EXPECT_EQ(account::records::try_find(blocks[0]), nullptr);
  EXPECT_EQ(account::records::try_find(blocks[1]), nullptr);
  tables::count_foreign_free(blocks[1], tagged_block_bytes);
  EXPECT_EQ(live_of(book.kind(search)), int64_t{tagged_block_bytes});
}

TEST_F(TaskChild, NoTaskOfItsOwnHasTheTagOfAnInheritedBlock) {
  const uint32_t search = tables::kind_named("search");
  constexpr int tasks = 200;
  TaggedBlocks blocks(tasks);
  std::set<Tag> inherited;
  for (int i = 0; i < tasks; ++i) inherited.insert(blocks[i] = run_task(search, {{1, 0, 48, 0}, 48}));
  fork();
  for (int i = 0; i < 10 * tasks; ++i) {
    const Tag tag = run_task(search, {{1, 1, 48, 48}, 48});
    ASSERT_FALSE(inherited.contains(tag)) << tag;
  }
  for (int i = 0; i < tasks; ++i) tables::count_foreign_free(blocks[i], tagged_block_bytes);
  EXPECT_EQ(live_of(book.kind(search)), 0);
}

TEST_F(TaskChild, ARecordWhoseGenerationsTheParentUsedUpComesBackWithAWalk) {
  const uint32_t search = tables::kind_named("search");
  TaggedBlocks blocks(1);
  do {
    blocks[0] = run_task(search, {{1, 0, 48, 0}, 48});
  } while (ledger::generation_of(blocks[0]) != ledger::generation_max);
  const uint32_t worn = ledger::record_of(blocks[0]);
  fork();
  bool is_back = false;
  for (int i = 0; i < 1'000'000 && !is_back; ++i) {
    is_back = ledger::record_of(run_task(search, {{1, 1, 48, 48}, 48})) == worn;
  }
  EXPECT_TRUE(is_back);
  EXPECT_EQ(blocks[0], ledger::tag_of_kind(search));
}

TEST_F(TaskChild, TheForkingThreadsTaskGoesOn) {
  const Handle outer = begin("outer");
  const Handle inner = begin("inner");
  const Tag former = thread.task_tag;
  TaggedBlocks blocks(1);
  blocks[0] = former;
  fork();
  EXPECT_EQ(handles::try_find(inner)->tag, thread.task_tag);
  EXPECT_EQ(ledger::kind_of(thread.task_tag), tables::kind_named("inner"));
  EXPECT_NE(ledger::record_of(thread.task_tag), 0U);
  EXPECT_EQ(kind_named("inner").tasks_begun, 1U);
  EXPECT_EQ(live_of(bursar::testing::record_of(thread.task_tag)), 0) << "what it had is inherited by the kind";
  EXPECT_NE(handles::try_find(outer), nullptr);
  EXPECT_EQ(handles::try_find(outer)->tag, 0U) << "begun when the thread comes to it";
  EXPECT_EQ(kind_named("outer").tasks_begun, 0U);
}

TEST_F(TaskChild, ABudgetGoesOn) {
  handles::Entry* entry = handles::try_find(begin("request"));
  entry->budget_bytes = 5000;
  entry->has_budget = true;
  fork();
  EXPECT_EQ(tables::headroom_of(thread.task_tag), 5000);
}

TEST_F(TaskChild, ATaskThatIsTheThreadGoesOn) {
  thread.base_tag = thread.task_tag = tables::begin_task(tables::kind_named("worker-*"));
  fork();
  EXPECT_EQ(ledger::kind_of(thread.base_tag), tables::kind_named("worker-*"));
  EXPECT_EQ(bursar::testing::record_of(thread.base_tag).tag, thread.base_tag);
  EXPECT_EQ(thread.task_tag, thread.base_tag);
}

TEST_F(TaskChild, RecordsAndListsBeginAnew) {
  for (int i = 0; i < 100'000; ++i) (void)run_task(0, {{1, 1, 48, 48}, 48});
  fork();
  EXPECT_EQ(book.header().worst.by_peak_count, 0U);
  const Tag tag = run_task(0, {{1, 1, 16, 16}, 16});
  EXPECT_EQ(ledger::record_of(tag), 1U);
  EXPECT_EQ(book.header().worst.by_peak_count, 1U);
  EXPECT_EQ(book.kind(0).tasks_ended, 1U);
}

TEST_F(TaskChild, ATaskThatIsTheThreadIsBegunWithoutARecordToo) {
  const uint32_t kind = tables::kind_named("worker-*");
  thread.base_tag = thread.task_tag = ledger::tag_of_kind(kind);
  fork();
  EXPECT_EQ(book.kind(kind).tasks_begun, 1U);
  tables::drop_task(thread.base_tag);
  EXPECT_EQ(book.kind(kind).tasks_begun, 0U);
}

TEST_F(TaskChild, AShorterTableHasOtherKindsOutside) {
  for (int i = 1; i < 100; ++i) (void)tables::kind_named(("kind " + std::to_string(i)).c_str());
  (void)begin("kind 80");
  TaggedBlocks blocks(1);
  blocks[0] = ledger::tag_of_kind(tables::kind_named("kind 90"));
  const rlimit limit{8 << 20, RLIM_INFINITY};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  Options options;
  const std::string path = ::testing::TempDir() + "short_ledger." + std::to_string(getpid());
  path.copy(options.ledger, sizeof(options.ledger) - 1);
  ASSERT_TRUE(book.begin_child(options, "/usr/bin/program"));
  unlink(path.c_str());
  tables::begin_child();
  ASSERT_EQ(book.header().kinds.entry_count, 64U);
  EXPECT_EQ(tables::kind_named("kind 63"), 63U);
  EXPECT_EQ(tables::kind_named("kind 80"), ledger::kind_outside);
  EXPECT_EQ(tables::kind_named("new"), ledger::kind_outside) << "not the last that the table has";
  EXPECT_EQ(ledger::kind_of(thread.task_tag), ledger::kind_outside);
  EXPECT_EQ(book.kind(0).inherited_blocks, 1U);
  tables::count_foreign_free(blocks[0], tagged_block_bytes);
  EXPECT_EQ(live_of(book.kind(0)), 0);
}

}  // namespace
