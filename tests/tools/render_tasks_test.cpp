// What the report of a made ledger tells of tasks and threads.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "interpose/account/render.h"
#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_thread_totals.h"
#include "tests/tools/made_ledger.h"
#include "tests/tools/rendered.h"

namespace {

using namespace bursar;
using ledger::Distribution;
using ledger::ExitFacts;
using ledger::Format;
using nlohmann::json;
using test::line_with;
using test::MadeLedger;
using test::make_ledger;
using test::make_server_ledger;
using test::rendered;

std::string text_of(const MadeLedger& made, const ExitFacts& facts = {}) { return rendered(made, facts, Format::text); }

TEST(RenderTasks, SaysAllInAlignedColumns) {
  const std::string text = text_of(*make_server_ledger());
  const size_t at = text.find("\n  allocations per GET");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(text.substr(at),
            "\n"
            "  allocations per GET /search: median 67, p99 2,431;\n"
            "  the highest peak was 48.0 MiB, in GET /search?q=x\n"
            "\n"
            "                                            allocations per task\n"
            "  task kind                         tasks     median        p90         p99     highest  handed out\n"
            "  GET /search                       1,000         67         67       2,431      12,288    61.0 MiB\n"
            "  POST /upload                         11          7          7           7           7    9.54 MiB\n"
            "  (outside tasks)                       -          -          -           -           -    4.00 KiB\n"
            "\n"
            "                                   peak live per task                wall time per task\n"
            "  task kind                        median        p99    highest      median         p99    retained\n"
            "  GET /search                    6.75 KiB    232 KiB   48.0 MiB     2.03 ms     88.1 ms    10.8 KiB\n"
            "  POST /upload                      448 B      448 B      448 B      500 us      500 us         0 B\n"
            "  (outside tasks)                       -          -          -           -           -           -\n"
            "\n"
            "                                   handed out per task               retained per task\n"
            "  task kind                        median        p99    highest      median         p99     highest\n"
            "  GET /search                    6.75 KiB    232 KiB   48.0 MiB         0 B        99 B    8.00 KiB\n"
            "  POST /upload                      448 B      448 B      448 B         0 B         0 B         0 B\n"
            "\n"
            "  highest peaks                       kind                        peak live allocations   wall time\n"
            "  GET /search?q=x                     GET /search                  48.0 MiB      12,288      1.20 s\n"
            "  POST /upload?name=large.iso         POST /upload                 9.54 MiB           5   not ended\n"
            "  GET /search?q=y                     GET /search                   226 KiB       2,310     90.0 ms\n"
            "  begun after 5.00 ms                 POST /upload                    448 B           7      500 us\n"
            "\n"
            "  most allocations                    kind                        peak live allocations   wall time\n"
            "  GET /search?q=x                     GET /search                  48.0 MiB      12,288      1.20 s\n"
            "  GET /search?q=y                     GET /search                   226 KiB       2,310     90.0 ms\n"
            "  begun after 5.00 ms                 POST /upload                    448 B           7      500 us\n"
            "  POST /upload?name=large.iso         POST /upload                 9.54 MiB           5   not ended\n"
            "\n"
            "  tasks that did not end              kind                             live allocations   peak live\n"
            "  POST /upload?name=large.iso         POST /upload                 9.54 MiB           5    9.54 MiB\n");
}

TEST(RenderTasks, TellsAKindOfTheNameOutsideTasksFromWhatNoTaskDid) {
  const auto made = make_ledger();
  made->kinds[0].allocated_bytes = 100;
  made->add_kind(1, "(outside tasks)");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  const std::string text = text_of(*made);
  EXPECT_NE(text.find("\n  \"(outside tasks)\" "), std::string::npos) << text;
  EXPECT_NE(text.find("\n  (outside tasks) "), std::string::npos) << text;
}

TEST(RenderTasks, SaysNothingWhereNoTasksWereUsed) {
  const auto made = make_ledger();
  made->add_kind(0, "");
  made->kinds[0].allocated_bytes = 100;
  EXPECT_EQ(text_of(*made).find("task"), std::string::npos);
}

TEST(RenderTasks, KeepsTheSentenceOnOneLineWhereItFits) {
  const auto made = make_ledger();
  made->add_kind(1, "job");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  made->add_worst(1, "job 7", 5, 500, 1'000);
  EXPECT_EQ(line_with(text_of(*made), "allocations per job"),
            "  allocations per job: median 5, p99 5; the highest peak was 500 B, in job 7");
}

TEST(RenderTasks, NamesTheKindAndTheBeginningWhereTheWorstTaskHasNoLabel) {
  const auto made = make_ledger();
  made->add_kind(1, "job");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  made->add_worst(1, "", 5, 500, 1'000);
  const std::string text = text_of(*made);
  EXPECT_NE(text.find("the highest peak was 500 B, in the job begun after 5.00 ms\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n  begun after 5.00 ms                 job "), std::string::npos) << text;
}

TEST(RenderTasks, QuotesAKindThatHasAColonInASentence) {
  const auto made = make_ledger();
  made->add_kind(1, "server: turn");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  made->add_worst(1, "", 5, 500, 1'000);
  EXPECT_EQ(line_with(text_of(*made), "allocations per \""), "  allocations per \"server: turn\": median 5, p99 5;");
  EXPECT_EQ(line_with(text_of(*made), "the highest"),
            "  the highest peak was 500 B, in the \"server: turn\" begun after 5.00 ms");
}

TEST(RenderTasks, NamesTheKindWhereTheLabelDoesNotSayIt) {
  const auto made = make_ledger();
  made->add_kind(1, "ld");
  made->add_kind(2, "worker-*");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  made->add_worst(1, "process 28288", 5, 500, 1'000);
  EXPECT_NE(text_of(*made).find("the highest peak was 500 B, in ld (process 28288)\n"), std::string::npos);
  made->header.worst.by_peak[0].kind = 2;
  std::strcpy(made->header.worst.by_peak[0].label, "worker-3");
  EXPECT_NE(text_of(*made).find("the highest peak was 500 B, in worker-3\n"), std::string::npos);
}

TEST(RenderTasks, ATaskThatRunsHasTheHighestPeakIfItHas) {
  const auto made = make_server_ledger();
  made->begin_task(4, 1, "GET /search?q=all", 9, 100'000'000);
  EXPECT_NE(text_of(*made).find("the highest peak was 95.4 MiB, in GET /search?q=all\n"), std::string::npos);
}

TEST(RenderTasks, SayWhatAKilledProcessWasDoing) {
  const auto made = make_server_ledger();
  made->header.state = ledger::State::running;
  ExitFacts facts;
  facts.term_signal = 9;
  EXPECT_NE(text_of(*made, facts).find("\n  ended in the middle of   "), std::string::npos);
  EXPECT_NE(text_of(*made, {.life = ledger::Life::gone}).find("\n  ended in the middle of   "), std::string::npos);
  EXPECT_NE(text_of(*made, {.life = ledger::Life::alive}).find("\n  running tasks   "), std::string::npos);
}

TEST(RenderTasks, CountTheThreadThatIsStillInATask) {
  const auto made = make_ledger();
  made->add_kind(1, "job");
  const ledger::Tag tag = made->begin_task(1, 1, "job 1", 10, 1'000);
  made->count(1, 1, 7, 16, 7);
  made->enter(1, tag);
  made->count(1, 1, 100, 16, 40);
  made->slots[1].foreign_frees = 5;
  made->slots[1].foreign_freed_bytes = 80;
  made->slots[1].all.frees += 5;
  made->slots[1].all.freed_bytes += 80;
  ledger::KindReader reader(made->view());
  const auto view = made->view();
  ledger::KindReader kinds(view);
  const ledger::KindTotals kind = kinds.totals_of(1);
  EXPECT_EQ(kind.flow.allocations, 110U);
  EXPECT_EQ(kind.flow.frees, 40U);
  EXPECT_EQ(kind.live_bytes, 1'000U + 60 * 16);
  EXPECT_EQ(kind.tasks_running, 1U);
  EXPECT_EQ(kind.retained_bytes, 0U);
  ledger::TaskTotals task{};
  ASSERT_TRUE(ledger::find_running(view, 1, task));
  EXPECT_EQ(task.allocations, 110U);
  EXPECT_EQ(task.live_bytes, 1'000U + 60 * 16);
}

TEST(RenderTasks, TakeTheHighOfTheThreadThatIsInATask) {
  const auto made = make_ledger();
  made->add_kind(1, "job");
  made->count(1, 1, 10, 16, 0);
  made->enter(1, made->begin_task(1, 1, "job 1", 10, 1'000));
  made->count(1, 1, 100, 16, 100);
  made->slots[1].live_high = 160 + 1'600;
  const auto view = made->view();
  ledger::TaskTotals task{};
  ASSERT_TRUE(ledger::find_running(view, 1, task));
  EXPECT_EQ(task.peak_live_bytes, 1'000U + 1'600);
  made->slots[1].task_high = 5'000;
  ASSERT_TRUE(ledger::find_running(view, 1, task));
  EXPECT_EQ(task.peak_live_bytes, 6'000U);
}

TEST(RenderTasks, RetainsWhatEndedTasksDidNotFree) {
  const auto made = make_ledger();
  made->add_kind(1, "job");
  made->end_tasks(1, 10, 5, 100, 2, 1'000);
  made->begin_task(1, 1, "job 11", 3, 5'000);
  made->tasks[1].freed_elsewhere = uint64_t{7} << 48 | 1'000;
  made->kinds[1].freed_bytes += 1'000;
  const auto view = made->view();
  ledger::KindReader kinds(view);
  EXPECT_EQ(kinds.totals_of(1).live_bytes, 2'000U + 4'000);
  EXPECT_EQ(kinds.totals_of(1).retained_bytes, 2'000U);
}

TEST(RenderTasks, RowsOfKindsThatDoNotFitAreCounted) {
  auto made = std::make_unique<MadeLedger>();
  static ledger::TaskKind kinds[20];
  for (auto& kind : kinds) kind.is_there = 1;
  ledger::View view = made->view();
  view.kinds = kinds;
  view.kind_count = 20;
  std::string text;
  const ledger::Sink sink{
      [](void* context, const char* part, size_t bytes) { static_cast<std::string*>(context)->append(part, bytes); },
      &text};
  ledger::render_report(view, {}, Format::text, sink);
  EXPECT_NE(text.find("\n  and 4 more kinds\n"), std::string::npos) << text;
}

TEST(RenderTasks, NoNameMakesALineTooLongOrSteersTheTerminal) {
  const auto made = make_server_ledger();
  std::memset(made->kinds[1].name, '\x1b', sizeof made->kinds[1].name);
  for (size_t i = 0; i + 1 < sizeof made->kinds[2].name; i += 2) std::memcpy(made->kinds[2].name + i, "\xc3\xa4", 2);
  std::memset(made->header.worst.by_peak[0].label, 'y', sizeof made->header.worst.by_peak[0].label);
  std::memset(made->tasks[3].label, '\xff', sizeof made->tasks[3].label);
  made->start_thread(1, 1, "\x1b]0;title");
  made->start_thread(2, 2, "a");
  std::istringstream lines(text_of(*made));
  for (std::string line; std::getline(lines, line);) {
    size_t characters = 0;
    for (const char c : line) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
      characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1U : 0U;
    }
    EXPECT_LE(characters, 100U) << line;
  }
}

TEST(RenderTasks, WideCharactersStandInTwoColumnsAndCombiningOnesInNone) {
  const auto made = make_ledger();
  made->add_kind(1, "検索");
  made->end_tasks(1, 10, 5, 100, 0, 1'000);
  made->add_kind(2, "e\xcc\x81t");
  made->end_tasks(2, 10, 5, 10, 0, 1'000);
  made->add_kind(3, "検索検索検索検索検索検索検索検索");
  made->end_tasks(3, 10, 5, 1, 0, 1'000);
  const std::string text = text_of(*made);
  EXPECT_EQ(line_with(text, "  検索  "),
            "  検索                                 10          5          5           5           5    4.88 KiB");
  EXPECT_EQ(
      line_with(text, "  e\xcc\x81t"),
      "  e\xcc\x81t                                   10          5          5           5           5       500 B");
  EXPECT_EQ(line_with(text, "  検索検索"),
            "  検索検索検索検索検索検索...          10          5          5           5           5        50 B");
}

TEST(RenderTasks, TellOfRefusalsAndOfTheBudget) {
  const auto made = make_server_ledger();
  made->kinds[1].refused_allocations = 2;
  EXPECT_EQ(line_with(text_of(*made), "refused"),
            "  refused                     2    allocations over their tasks' budgets");
  made->header.budget_bytes = 64 << 20;
  EXPECT_EQ(line_with(text_of(*made), "refused"), "  budget of a task     64.0 MiB    2 allocations refused");
}

TEST(RenderTasks, TellOfABudgetThatNothingWasHeldTo) {
  const auto made = make_ledger();
  made->header.budget_bytes = 64 << 20;
  EXPECT_EQ(line_with(text_of(*made), "budget"),
            "  budget of a task     64.0 MiB    nothing was held to it: no task was begun (see --tasks)");
  made->header.task_source = ledger::TaskSource::process;
  EXPECT_EQ(line_with(text_of(*made), "budget"), "  budget of a task     64.0 MiB    0 allocations refused");
}

TEST(RenderThreads, TellsThemByNameWithoutTheirDigits) {
  const auto made = make_ledger();
  std::strcpy(made->header.thread_kinds[0].name, "worker-*");
  made->header.thread_kinds[0].is_there = 1;
  made->header.thread_kinds[0].threads = 5;
  made->header.thread_kinds[0].flow.allocations = 1'000;
  made->start_thread(1, 11, "guest");
  made->count(1, 1, 3, 16, 1);
  made->start_thread(2, 12, "worker-12");
  made->count(2, 1, 10, 16, 0);
  made->start_thread(3, 13, "worker-7");
  made->slots[3].at_thread_start.allocations = 4;
  made->count(3, 1, 24, 16, 0);
  made->header.state = ledger::State::running;
  const std::string text = text_of(*made);
  EXPECT_EQ(text.substr(text.find("\n  threads    ", text.find("total"))),
            "\n"
            "  threads               number  alive     allocations           frees     handed out     taken back\n"
            "  worker-*                   7      2           1,030               0          544 B            0 B\n"
            "  guest                      1      1               3               1           48 B           16 B\n");
}

TEST(RenderThreads, NoneIsAliveOnceTheProcessHasEnded) {
  const auto made = make_ledger();
  made->start_thread(1, 11, "guest");
  made->count(1, 1, 3, 16, 1);
  made->start_thread(2, 12, "worker-1");
  made->slots[0].all.frees = 2;
  const std::string text = text_of(*made);
  EXPECT_EQ(text.substr(text.find("\n  threads    ", text.find("total"))),
            "\n"
            "  threads               number            allocations           frees     handed out     taken back\n"
            "  guest                      1                      3               1           48 B           16 B\n"
            "  worker-*                   1                      0               0            0 B            0 B\n"
            "  (ended or too many)        0                      0               2            0 B            0 B\n");
  EXPECT_EQ(json::parse(rendered(*made, {}, Format::json))["thread_kinds"][0]["alive"], 0);
  EXPECT_NE(text_of(*made, {.life = ledger::Life::gone}).find("\n  threads               number            alloc"),
            std::string::npos);
}

TEST(RenderThreads, SaysNothingWhereAllHaveOneName) {
  const auto made = make_ledger();
  made->start_thread(1, 11, "guest-1");
  made->start_thread(2, 12, "guest-2");
  EXPECT_EQ(text_of(*made).find("alive"), std::string::npos);
}

TEST(RenderJson, HasKindsAndSingleTasks) {
  const json report = json::parse(rendered(*make_server_ledger(), {}, Format::json));
  ASSERT_EQ(report["task_kinds"].size(), 3U);
  EXPECT_TRUE(report["task_kinds"][0]["kind"].is_null());
  EXPECT_TRUE(report["task_kinds"][0]["retained_bytes"].is_null());
  const json& search = report["task_kinds"][1];
  EXPECT_EQ(search["kind"], "GET /search");
  EXPECT_EQ(search["tasks_ended"], 1'000);
  EXPECT_EQ(search["retained_bytes"], 29 * 100 + 2 * 4'096);
  EXPECT_EQ(search["allocations_per_task"],
            json::parse(R"({"median": 67, "p90": 67, "p99": 2431, "highest": 12288, "total": 148148})"));
  EXPECT_EQ(report["running_tasks"], json::parse(R"([{"kind": "POST /upload", "label": "POST /upload?name=large.iso",
    "thread_id": 4711, "begun_ns": 1000000, "wall_ns": null, "allocations": 5, "allocated_bytes": 10000000,
    "peak_live_bytes": 10000000, "live_bytes": 10000000, "budget_bytes": null}])"));
  EXPECT_EQ(report["worst_by_peak"].size(), 3U);
  EXPECT_EQ(report["worst_by_allocations"][0]["label"], "GET /search?q=x");
}

TEST(RenderJson, HasThreadsByName) {
  const auto made = make_ledger();
  made->header.state = ledger::State::running;
  made->start_thread(1, 11, "worker-1");
  made->count(1, 1, 3, 16, 1);
  EXPECT_EQ(json::parse(rendered(*made, {}, Format::json))["thread_kinds"],
            json::parse(R"([{"name": "worker-*", "threads": 1, "alive": 1, "allocations": 3, "frees": 1,
                             "allocated_bytes": 48, "freed_bytes": 16}])"));
}

TEST(RenderOpenMetrics, HasKindsButNoSingleTask) {
  const std::string text = rendered(*make_server_ledger(), {}, Format::openmetrics);
  const std::string labels = R"({program="/usr/bin/guest",process="5000000",kind="GET /search")";
  EXPECT_NE(text.find("\nbursar_tasks_ended_total" + labels + "} 1000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nbursar_task_retained_bytes" + labels + "} 11092\n"), std::string::npos);
  const std::string outside = R"x({program="/usr/bin/guest",process="5000000",kind="(outside tasks)")x";
  EXPECT_NE(text.find("\nbursar_task_live_bytes" + outside + "} 4096\n"), std::string::npos);
  EXPECT_EQ(text.find("\nbursar_task_retained_bytes" + outside), std::string::npos);
  EXPECT_NE(text.find("\nbursar_allocations_per_task_bucket" + labels + ",le=\"63.0\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_allocations_per_task_bucket" + labels + ",le=\"127.0\"} 970\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_allocations_per_task_bucket" + labels + ",le=\"+Inf\"} 1000\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_allocations_per_task_sum" + labels + "} 148148\n"), std::string::npos);
  EXPECT_EQ(text.find("q=x"), std::string::npos);
  EXPECT_EQ(rendered(*make_ledger(), {}, Format::openmetrics).find("task"), std::string::npos);
}

TEST(Quantiles, AreOfTheNearestRankAndNeverAboveTheHighest) {
  const auto kind = std::make_unique<ledger::TaskKind>();
  Distribution& values = kind->allocations_per_task;
  EXPECT_EQ(ledger::quantile_of(values, 500), 0U);
  MadeLedger::add_value(values, 3);
  EXPECT_EQ(ledger::quantile_of(values, 500), 3U);
  for (uint64_t value = 4; value <= 12; ++value) MadeLedger::add_value(values, value);
  EXPECT_EQ(ledger::quantile_of(values, 500), 7U);
  EXPECT_EQ(ledger::quantile_of(values, 900), 11U);
  EXPECT_EQ(ledger::quantile_of(values, 990), 12U);
  EXPECT_EQ(ledger::quantile_of(values, 1000), 12U);
  MadeLedger::add_value(values, 1'024, 1'000);
  EXPECT_EQ(ledger::quantile_of(values, 500), 1'024U);
}

TEST(Quantiles, AreWithinAnEighth) {
  for (uint64_t value = 1; value < uint64_t{1} << 43; value = value * 3 / 2 + 1) {
    const auto kind = std::make_unique<ledger::TaskKind>();
    MadeLedger::add_value(kind->wall_ns_per_task, value, 3);
    kind->wall_ns_per_task.highest = UINT64_MAX;
    const uint64_t told = ledger::quantile_of(kind->wall_ns_per_task, 500);
    EXPECT_LE(told > value ? told - value : value - told, value / 8) << value;
  }
}

TEST(Quantiles, OfOneTaskAreWhatItHad) {
  const auto kind = std::make_unique<ledger::TaskKind>();
  MadeLedger::add_value(kind->wall_ns_per_task, 1'000'003);
  for (const uint32_t per_mille : {500U, 900U, 990U})
    EXPECT_EQ(ledger::quantile_of(kind->wall_ns_per_task, per_mille), 1'000'003U);
}

TEST(Quantiles, OfTasksThatAreAllAlikeAreExact) {
  const auto kind = std::make_unique<ledger::TaskKind>();
  MadeLedger::add_value(kind->wall_ns_per_task, 1'000'003, 1'000);
  EXPECT_EQ(ledger::quantile_of(kind->wall_ns_per_task, 500), 1'000'003U);
}

TEST(Quantiles, ThatAreTheLastValueAreTheHighest) {
  const auto kind = std::make_unique<ledger::TaskKind>();
  MadeLedger::add_value(kind->wall_ns_per_task, 1'000'000);
  MadeLedger::add_value(kind->wall_ns_per_task, 1'000'003);
  EXPECT_EQ(ledger::quantile_of(kind->wall_ns_per_task, 990), 1'000'003U);
}

TEST(Quantiles, TakeTheHighestForWhatIsBeyondAllBuckets) {
  const auto kind = std::make_unique<ledger::TaskKind>();
  MadeLedger::add_value(kind->wall_ns_per_task, uint64_t{1} << 50);
  EXPECT_EQ(ledger::quantile_of(kind->wall_ns_per_task, 990), uint64_t{1} << 50);
}

}  // namespace
