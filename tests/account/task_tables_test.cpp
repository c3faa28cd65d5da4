// Tests of what is counted by kind and by task.
#include <random>
#include <thread>

#include "table_user.h"

namespace {

using namespace bursar;
using namespace bursar::testing;
using account::Stay;

namespace tables = account::tables;

class TaskTables : public Tables {
 protected:
  uint32_t kind_ = 0;
  void SetUp() override {
    Tables::SetUp();
    kind_ = tables::kind_named("request");
  }
  [[nodiscard]] const ledger::TaskKind& kind() const { return book.kind(kind_); }
};

TEST_F(TaskTables, AStayCountsInKindAndTask) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_stay(tag, {{10, 4, 1000, 300}, 900});
  tables::count_stay(tag, {{1, 2, 50, 200}, 20});
  const ledger::Task& task = bursar::testing::record_of(tag);
  EXPECT_EQ(task.allocations, 11U);
  EXPECT_EQ(task.frees, 6U);
  EXPECT_EQ(live_of(task), 550);
  EXPECT_EQ(kind().allocations, 11U);
  EXPECT_EQ(kind().frees, 6U);
  EXPECT_EQ(live_of(kind()), 550);
}

TEST_F(TaskTables, ThePeakIsTheHighestOfAllStays) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_stay(tag, {{10, 4, 1000, 300}, 900});
  EXPECT_EQ(bursar::testing::record_of(tag).peak_live_bytes, 900U);
  tables::count_stay(tag, {{1, 1, 50, 50}, 50});
  EXPECT_EQ(bursar::testing::record_of(tag).peak_live_bytes, 900U);
  tables::count_stay(tag, {{1, 0, 500, 0}, 500});
  EXPECT_EQ(bursar::testing::record_of(tag).peak_live_bytes, 1200U);
  tables::raise_peak(tag, 100);
  EXPECT_EQ(bursar::testing::record_of(tag).peak_live_bytes, 1300U);
}

TEST_F(TaskTables, AnEndFillsTheDistributions) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_stay(tag, {{10, 4, 1000, 300}, 900});
  tables::count_foreign_free(tag, 100);
  tables::end_task(tag);
  EXPECT_EQ(kind().tasks_begun, 1U);
  EXPECT_EQ(kind().tasks_ended, 1U);
  EXPECT_EQ(kind().allocations_per_task.highest, 10U);
  EXPECT_EQ(kind().allocations_per_task.buckets[ledger::Distribution::bucket_of(10)], 1U);
  EXPECT_EQ(kind().allocated_bytes_per_task.total, 1000U);
  EXPECT_EQ(kind().peak_live_bytes_per_task.highest, 900U);
  EXPECT_EQ(kind().retained_bytes_per_task.highest, 600U);
  EXPECT_GT(kind().wall_ns_per_task.highest, 0U);
  for (const auto* distribution :
       {&kind().allocations_per_task, &kind().allocated_bytes_per_task, &kind().peak_live_bytes_per_task,
        &kind().wall_ns_per_task, &kind().retained_bytes_per_task}) {
    EXPECT_EQ(values_of(*distribution), 1U);
  }
}

TEST_F(TaskTables, AFreeElsewhereCountsInTheTaskWhileItRuns) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_stay(tag, {{2, 0, 100, 0}, 100});
  tables::count_foreign_free(tag, 60);
  EXPECT_EQ(live_of(bursar::testing::record_of(tag)), 40);
  EXPECT_EQ(kind().frees, 1U);
  EXPECT_EQ(live_of(kind()), 40);
}

TEST_F(TaskTables, AFreeAfterTheEndIsTheKindsAlone) {
  const Tag ended = run_task(kind_, {{2, 0, 100, 0}, 100});
  const Tag next = tables::begin_task(tables::kind_named("next"));
  ASSERT_EQ(ledger::record_of(next), ledger::record_of(ended));
  tables::count_foreign_free(ended, 100);
  EXPECT_EQ(live_of(kind()), 0);
  EXPECT_EQ(live_of(bursar::testing::record_of(next)), 0);
  EXPECT_EQ(bursar::testing::record_of(next).freed_elsewhere & 0xffff, 0U);
  EXPECT_EQ(kind().retained_bytes_per_task.total, 100U) << "it was retained at the end";
}

TEST_F(TaskTables, AnAllocationWithoutAnAccountCountsAtOnce) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_foreign_allocation(tag, 64);
  tables::count_foreign_allocation(ledger::tag_of_kind(kind_), 16);
  EXPECT_EQ(bursar::testing::record_of(tag).allocations, 1U);
  EXPECT_EQ(bursar::testing::record_of(tag).peak_live_bytes, 64U);
  EXPECT_EQ(kind().allocations, 2U);
  EXPECT_EQ(live_of(kind()), 80);
}

TEST_F(TaskTables, ADroppedTaskWasNone) {
  const Tag tag = tables::begin_task(kind_);
  tables::count_stay(tag, {{2, 0, 100, 0}, 100});
  tables::drop_task(tag);
  EXPECT_EQ(kind().tasks_begun, 0U);
  EXPECT_EQ(kind().tasks_ended, 0U);
  EXPECT_EQ(kind().allocations, 2U) << "what it did stays";
  EXPECT_EQ(values_of(kind().allocations_per_task), 0U);
  EXPECT_NE(ledger::record_of(tables::begin_task(kind_)), 0U);
}

TEST_F(TaskTables, ATaskMayHaveBegunBefore) {
  const Tag provisional = tables::begin_task(kind_);
  const Tag settled = tables::begin_task_since(tables::kind_named("settled"), tables::begun_ns_of(provisional));
  EXPECT_EQ(bursar::testing::record_of(settled).begun_ns, bursar::testing::record_of(provisional).begun_ns);
}

TEST_F(TaskTables, TheLabelIsCleanedAndCut) {
  const Tag tag = tables::begin_task(kind_);
  EXPECT_STREQ(bursar::testing::record_of(tag).label, "");
  tables::set_label(tag, ("\x1b" + std::string(100, 'l')).c_str());
  EXPECT_EQ(bursar::testing::record_of(tag).label, "?" + std::string(46, 'l'));
  tables::set_label(tag, nullptr);
  EXPECT_STREQ(bursar::testing::record_of(tag).label, "");
}

TEST_F(TaskTables, TheWorstAreToldWithTheirLabels) {
  const Tag tag = tables::begin_task(kind_);
  tables::set_label(tag, "GET /search?q=x");
  tables::count_stay(tag, {{10, 4, 1000, 300}, 900});
  tables::end_task(tag);
  const ledger::WorstTask& worst = book.header().worst.by_peak[0];
  EXPECT_EQ(book.header().worst.by_peak_count, 1U);
  EXPECT_STREQ(worst.label, "GET /search?q=x");
  EXPECT_EQ(worst.kind, kind_);
  EXPECT_EQ(worst.peak_live_bytes, 900U);
  EXPECT_EQ(worst.allocations, 10U);
  EXPECT_EQ(worst.retained_bytes, 700U);
  EXPECT_GT(worst.thread_id, 0U);
}

TEST_F(TaskTables, ABudgetLeavesWhatIsNotLive) {
  const Tag tag = tables::begin_task(kind_);
  EXPECT_EQ(tables::headroom_of(tag), INT64_MAX);
  EXPECT_TRUE(tables::set_budget(tag, 1000));
  EXPECT_EQ(tables::headroom_of(tag), 1000);
  tables::count_stay(tag, {{10, 0, 700, 0}, 700});
  tables::count_foreign_free(tag, 100);
  EXPECT_EQ(tables::headroom_of(tag), 400);
  EXPECT_TRUE(tables::set_budget(tag, 200));
  EXPECT_EQ(tables::headroom_of(tag), -400);
  EXPECT_TRUE(tables::set_budget(tag, UINT64_MAX));
  EXPECT_EQ(tables::headroom_of(tag), INT64_MAX);
  EXPECT_FALSE(tables::set_budget(ledger::tag_of_kind(kind_), 200));
}

TEST_F(TaskTables, ABudgetDoesNotOutliveItsTask) {
  const Tag tag = tables::begin_task(kind_);
  EXPECT_TRUE(tables::set_budget(tag, 1000));
  tables::end_task(tag);
  EXPECT_EQ(tables::headroom_of(tag), INT64_MAX);
  EXPECT_EQ(tables::headroom_of(tables::begin_task(kind_)), INT64_MAX);
}

// Tasks in four threads hand blocks to each other, which free them in a task, after its end, or in another task: in the end each kind has its
// own, and nothing lives.
TEST_F(TaskTables, WhoeverFreesTheKindThatAllocatedIsCredited) {
  constexpr size_t bytes = 48;
  constexpr size_t block_count = 256;
  constexpr int steps = 100'000;
  TaggedBlocks blocks(block_count);
  const uint32_t first_seed = seed();
  std::atomic<uint64_t> allocated[4]{};
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937 random(first_seed + thread);
      const uint32_t kind = tables::kind_named(("kind " + std::to_string(thread)).c_str());
      Tag tag = tables::begin_task(kind);
      for (int step = 0; step < steps; ++step) {
        tables::count_foreign_allocation(tag, bytes);
        allocated[thread].fetch_add(1, std::memory_order_relaxed);
        const Tag freed = blocks[random() % block_count].exchange(tag);
        if (freed != 0) tables::count_foreign_free(freed, bytes);
        if (random() % 4 != 0) continue;
        tables::end_task(tag);
        tag = tables::begin_task(kind);
      }
      tables::end_task(tag);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < block_count; ++i) {
    if (const Tag tag = blocks[i].exchange(0); tag != 0) tables::count_foreign_free(tag, bytes);
  }
  for (int thread = 0; thread < 4; ++thread) {
    const ledger::TaskKind& kind = kind_named(("kind " + std::to_string(thread)).c_str());
    EXPECT_EQ(kind.allocations, allocated[thread]);
    EXPECT_EQ(kind.frees, allocated[thread]);
    EXPECT_EQ(live_of(kind), 0);
    EXPECT_EQ(kind.tasks_begun, kind.tasks_ended);
    EXPECT_EQ(kind.allocations_per_task.total, allocated[thread]) << "each allocation is in one task";
    EXPECT_EQ(values_of(kind.retained_bytes_per_task), kind.tasks_ended);
  }
}

// One thread ends tasks while another frees their blocks: what was freed before the end is not retained, and nothing goes to the next task.
TEST_F(TaskTables, AFreeIsOfATaskBeforeOrAfterItsEnd) {
  std::atomic<Tag> block{0};
  std::atomic<bool> is_over{false};
  std::thread other([&] {
    while (!is_over) {
      if (const Tag tag = block.exchange(0); tag != 0) tables::count_foreign_free(tag, 16);
    }
  });
  const auto free_left = [&](Tag next) {
    if (const Tag tag = block.exchange(next); tag != 0) tables::count_foreign_free(tag, 16);
  };
  for (int i = 0; i < 300'000; ++i) {
    const Tag tag = tables::begin_task(kind_);
    ASSERT_EQ(live_of(bursar::testing::record_of(tag)), 0);
    tables::count_stay(tag, {{1, 0, 16, 0}, 16});
    free_left(tag);
    tables::end_task(tag);
  }
  is_over = true;
  other.join();
  free_left(0);
  EXPECT_EQ(live_of(kind()), 0);
  EXPECT_EQ(kind().retained_bytes_per_task.total % 16, 0U);
  EXPECT_LE(kind().retained_bytes_per_task.highest, 16U);
}

class DefaultBudget : public Tables {
 protected:
  void SetUp() override {
    Options options;
    options.budget_bytes = 100'000;
    open(options);
  }
};

TEST_F(DefaultBudget, IsThatOfTasksWithoutTheirOwn) {
  const Tag tag = tables::begin_task(tables::kind_named("request"));
  EXPECT_EQ(bursar::testing::record_of(tag).budget_bytes, 100'000U);
  EXPECT_EQ(tables::headroom_of(tag), 100'000);
  EXPECT_TRUE(tables::set_budget(tag, 0));
  EXPECT_EQ(tables::headroom_of(tag), INT64_MAX) << "its own is to have none";
  EXPECT_EQ(tables::headroom_of(ledger::tag_of_kind(0)), INT64_MAX) << "outside is no task";
}

TEST_F(TaskTables, APetabyteFreedElsewhereEndsNoTask) {
  constexpr uint64_t bytes = uint64_t{1} << 40;
  const Tag tag = tables::begin_task(kind_);
  for (int i = 0; i < 1024; ++i) {
    tables::count_foreign_allocation(tag, bytes);
    tables::count_foreign_free(tag, bytes);
  }
  EXPECT_EQ(live_of(bursar::testing::record_of(tag)), 0);
  tables::count_foreign_allocation(tag, 100);
  tables::end_task(tag);
  EXPECT_EQ(kind().retained_bytes_per_task.total, 100U);
  const Tag next = tables::begin_task(kind_);
  EXPECT_EQ(live_of(bursar::testing::record_of(next)), 0);
}

}  // namespace
