// Tests of records: blocks are never credited to a task that did not allocate them.
#include "interpose/account/task_records.h"

#include <thread>

#include "table_user.h"

namespace {

using namespace bursar;
using namespace bursar::testing;

namespace records = account::records;
namespace tables = account::tables;

class Records : public Tables {
 protected:
  uint32_t kind_ = 0;
  void SetUp() override {
    Tables::SetUp();
    kind_ = tables::kind_named("request");
  }
};

TEST_F(Records, ATaskHasARecordOfItsOwn) {
  const Tag first = tables::begin_task(kind_);
  const Tag second = tables::begin_task(kind_);
  EXPECT_NE(ledger::record_of(first), 0U);
  EXPECT_NE(ledger::record_of(second), ledger::record_of(first));
  EXPECT_EQ(records::try_find(first), &bursar::testing::record_of(first));
  EXPECT_EQ(ledger::kind_of(first), kind_);
  EXPECT_EQ(book.header().tasks_used, 3U) << "record 0 is none";
}

TEST_F(Records, AnEndedTaskHasNone) {
  const Tag tag = tables::begin_task(kind_);
  tables::end_task(tag);
  EXPECT_EQ(records::try_find(tag), nullptr);
  EXPECT_EQ(bursar::testing::record_of(tag).tag, 0U);
  tables::end_task(tag);
  EXPECT_EQ(book.kind(kind_).tasks_ended, 1U) << "it ends once";
}

TEST_F(Records, TheNextTaskOfARecordHasAnotherGeneration) {
  const Tag former = tables::begin_task(kind_);
  tables::end_task(former);
  const Tag next = tables::begin_task(kind_);
  EXPECT_EQ(ledger::record_of(next), ledger::record_of(former));
  EXPECT_NE(next, former);
  EXPECT_EQ(records::try_find(former), nullptr);
}

TEST_F(Records, NoGenerationIsZero) {
  for (int i = 0; i < 1000; ++i) {
    const Tag tag = tables::begin_task(kind_);
    ASSERT_NE(ledger::generation_of(tag), 0U);
    tables::end_task(tag);
  }
}

TEST_F(Records, ABlockThatOutlivesAllGenerationsIsItsKindsAndNoOtherTasks) {
  TaggedBlocks blocks(1);
  const uint32_t other = tables::kind_named("other");
  const Tag keeper = run_task(kind_, {{1, 0, 48, 0}, 48});
  blocks[0] = keeper;
  uint32_t renewed = 0;
  for (int i = 0; i < 63 * 4096 + 100'000; ++i) {
    const Tag tag = tables::begin_task(other);
    if (tag == keeper) FAIL() << "the block would be another task's";
    if (ledger::record_of(tag) == ledger::record_of(keeper) && walks() > 0) ++renewed;
    tables::end_task(tag);
  }
  EXPECT_GE(walks(), 1U);
  EXPECT_GT(renewed, 0U) << "the record is in use again";
  EXPECT_EQ(blocks[0], ledger::tag_of_kind(kind_));
  tables::count_foreign_free(blocks[0], 48);
  EXPECT_EQ(live_of(book.kind(kind_)), 0);
  EXPECT_EQ(live_of(book.kind(other)), 0);
  EXPECT_EQ(book.kind(other).frees, 0U);
}

TEST_F(Records, AWalkLeavesTheTagsOfRunningTasks) {
  TaggedBlocks blocks(2);
  const Tag running = tables::begin_task(kind_);
  blocks[0] = running;
  for (int i = 0; i < 63 * 4096 + 1000; ++i) tables::end_task(tables::begin_task(kind_));
  EXPECT_GE(walks(), 1U);
  EXPECT_EQ(blocks[0], running);
  EXPECT_EQ(blocks[1], 0U) << "a free block";
}

TEST_F(Records, AMillionTasksTakeHalfAMiB) {
  for (int i = 0; i < 1'000'000; ++i) tables::end_task(tables::begin_task(kind_));
  EXPECT_LE(book.header().tasks_used * sizeof(ledger::Task), 600U * 1024);
  EXPECT_EQ(book.kind(kind_).tasks_ended, 1'000'000U);
  EXPECT_LE(walks(), 4U);
}

TEST_F(Records, BeyondSixtyFiveThousandTheKindAloneCounts) {
  std::vector<Tag> tags;
  for (int i = 0; i < 70'000; ++i) tags.push_back(tables::begin_task(kind_));
  const ledger::TaskKind& kind = book.kind(kind_);
  EXPECT_EQ(kind.tasks_without_record, 70'000U - 65'535);
  EXPECT_EQ(kind.tasks_begun, 70'000U);
  EXPECT_EQ(tags.back(), ledger::tag_of_kind(kind_));
  for (const Tag tag : tags) tables::count_stay(tag, {{1, 0, 16, 0}, 16});
  for (const Tag tag : tags) tables::end_task(tag);
  EXPECT_EQ(kind.allocations, 70'000U);
  EXPECT_EQ(kind.tasks_ended, 65'535U) << "what is not known of a task is not in the distributions";
  EXPECT_NE(ledger::record_of(tables::begin_task(kind_)), 0U);
}

TEST_F(Records, ThreadsThatRenewAtOnceNeverShareARecord) {
  TaggedBlocks blocks(4);
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200'000; ++i) {
        const Tag tag = tables::begin_task(kind_);
        blocks[thread] = tag;
        tables::count_stay(tag, {{1, 0, 48, 0}, 48});
        ASSERT_EQ(bursar::testing::record_of(tag).allocations, 1U);
        ASSERT_EQ(blocks[thread], tag);
        tables::count_foreign_free(blocks[thread].exchange(0), 48);
        ASSERT_EQ(live_of(bursar::testing::record_of(tag)), 0);
        tables::end_task(tag);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(book.kind(kind_).tasks_ended, 800'000U);
  EXPECT_EQ(book.kind(kind_).retained_bytes_per_task.total, 0U);
}

}  // namespace
