// What `bursar diff` tells of ledgers made by hand.
#include "tools/bursar/diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/tools/made_snapshot.h"
#include "tools/bursar/diff_input.h"
#include "tools/bursar/diff_render.h"
#include "tools/bursar/fault.h"

namespace {

using namespace bursar::tool;
using bursar::test::made_flow;
using bursar::test::made_kind;
using bursar::test::made_quantiles;
using bursar::test::made_snapshot;

Snapshot before() {
  Snapshot snapshot = made_snapshot(1, "/bin/server", made_flow(1000, 900, 100));
  snapshot.kinds = {made_kind("GET", 100, 8, 4096), made_kind("OLD", 10, 5, 1000), made_kind("same", 1, 1, 1)};
  snapshot.size_classes = {{.block_bytes = 0, .requested_bytes = 0, .flow = made_flow(1, 0, 100'000)},
                           {.block_bytes = 64, .requested_bytes = 0, .flow = made_flow(100, 50, 64)}};
  snapshot.thread_kinds = {{.name = "worker-*", .threads = 4, .alive = 4, .flow = made_flow(1000, 900, 100)}};
  return snapshot;
}

/// GET allocates half as much again, NEW is new, OLD is gone, and there are more of the 64-byte blocks.
Snapshot after() {
  Snapshot snapshot = made_snapshot(2, "/bin/server", made_flow(1500, 1400, 100));
  snapshot.kinds = {made_kind("GET", 100, 12, 8192), made_kind("NEW", 10, 7, 1000), made_kind("same", 1, 1, 1)};
  snapshot.size_classes = {{.block_bytes = 0, .requested_bytes = 0, .flow = made_flow(1, 0, 100'000)},
                           {.block_bytes = 64, .requested_bytes = 0, .flow = made_flow(150, 50, 64)}};
  snapshot.thread_kinds = {{.name = "worker-*", .threads = 8, .alive = 8, .flow = made_flow(1500, 1400, 100)}};
  return snapshot;
}

const Figure& figure(const std::vector<Figure>& figures, const std::string& key) {
  return *std::find_if(figures.begin(), figures.end(), [&](const Figure& each) { return each.key == key; });
}

std::vector<std::string> names(const std::vector<Excess>& excesses) {
  std::vector<std::string> result;
  for (const Excess& each : excesses)
    result.push_back(each.kind.empty() ? each.figure.key : each.kind + ": " + each.figure.key);
  return result;
}

TEST(Compare, PairsKindsByNameAndSortsByGrowthInBytes) {
  const Comparison comparison = compare(before(), after());
  std::vector<std::string> order;
  for (const Group& kind : comparison.kinds) order.push_back(kind.name);
  EXPECT_EQ(order, (std::vector<std::string>{"GET", "NEW", "same", "OLD"}));
  EXPECT_EQ(comparison.kinds[0].presence, Presence::in_both);
  EXPECT_EQ(comparison.kinds[1].presence, Presence::only_in_b);
  EXPECT_EQ(comparison.kinds[3].presence, Presence::only_in_a);
  const Figure& median = figure(comparison.kinds[0].figures, "allocations_per_task");
  EXPECT_EQ(median.a, 8U);
  EXPECT_EQ(median.b, 12U);
}

TEST(Compare, KindsOfTheSameNameAreAllThere) {
  Snapshot two = before();
  two.kinds = {made_kind("GET", 1, 1, 1), made_kind("GET", 2, 2, 2)};
  EXPECT_EQ(compare(two, before()).kinds.size(), 4U);
}

TEST(Compare, NoiseIsLeftOut) {
  std::vector<Group> kinds = compare(before(), after()).kinds;
  EXPECT_EQ(leave_out_noise(kinds, 0), 1U);  // `same`
  // OLD lost 5,000 bytes, NEW has 7,000, GET grew by 40,000.
  EXPECT_EQ(leave_out_noise(kinds, 7'000), 1U);
  EXPECT_EQ(leave_out_noise(kinds, 40'001), 2U);
}

TEST(Judge, NamesWhatGrewByMore) {
  const Comparison comparison = compare(before(), after());
  EXPECT_EQ(names(excesses_of(comparison, {.percent_max = 40, .bytes_min = 0, .only = {}})),
            (std::vector<std::string>{"allocations", "allocated_bytes", "peak_live_bytes", "GET: allocations_per_task",
                                      "GET: peak_per_task"}));
  EXPECT_EQ(names(excesses_of(comparison, {.percent_max = 50, .bytes_min = 0, .only = {}})),
            (std::vector<std::string>{"GET: peak_per_task"}));
  EXPECT_TRUE(excesses_of(comparison, {.percent_max = 100, .bytes_min = 0, .only = {}}).empty());
}

TEST(Judge, JudgesOnlyWhatIsAskedFor) {
  const Judgement judgement{.percent_max = 0, .bytes_min = 0, .only = {"allocations_per_task"}};
  EXPECT_EQ(names(excesses_of(compare(before(), after()), judgement)),
            (std::vector<std::string>{"GET: allocations_per_task"}));
}

TEST(Judge, WhatIsSmallInBytesIsLetGo) {
  const Comparison comparison = compare(before(), after());
  EXPECT_EQ(names(excesses_of(comparison, {.percent_max = 0, .bytes_min = 45'000, .only = {}})),
            (std::vector<std::string>{"allocations", "allocated_bytes", "peak_live_bytes"}));
}

TEST(Judge, LessIsNeverTooMuchAndFromNothingAlwaysIs) {
  EXPECT_TRUE(excesses_of(compare(after(), before()), {}).empty());
  Snapshot nothing = before();
  nothing.flow = {};
  nothing.peak_live_bytes = 0;
  const Judgement judgement{.percent_max = 1e9, .bytes_min = 0, .only = {"allocations"}};
  EXPECT_EQ(names(excesses_of(compare(nothing, after()), judgement)), (std::vector<std::string>{"allocations"}));
}

TEST(DiffText, HasBothSidesGrowthAndPercent) {
  const Snapshot a = before();
  const Snapshot b = after();
  const std::string text = text_of({a, b}, compare(a, b), 0, Colours::no);
  for (const char* line : {
           "A  server (process 1)  /ledgers/1\n",
           "                                            A            B       growth\n",
           "  allocations                           1,000        1,500         +500    +50.0 %\n",
           "  handed out                         97.7 KiB      146 KiB    +48.8 KiB    +50.0 %\n",
           "  live blocks                             100          100            =\n",
           "  GET\n    allocations per task, median            8           12           +4    +50.0 %\n",
           "  NEW (new)\n    tasks                                   0           10          +10        new\n",
           "  OLD (gone): 10 tasks, 50 allocations, 4.88 KiB handed out\n",
           "  1 without changes of note\n",
           "  64 B                               6.25 KiB     9.38 KiB    +3.13 KiB    +50.0 %       +3.13 KiB\n",
           "  worker-*                           97.7 KiB      146 KiB    +48.8 KiB    +50.0 %              +4\n",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("same\n"), std::string::npos);
}

size_t occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(DiffText, TellsTwentyKindsAndTwelveSizeClasses) {
  const Snapshot a = before();
  Snapshot b = a;
  for (uint64_t i = 0; i < 100; ++i) {
    b.kinds.push_back(made_kind("kind " + std::to_string(100 + i), 1, 1000 - i, 1));
    b.size_classes.push_back({.block_bytes = 128 + 16 * i, .requested_bytes = 0, .flow = made_flow(i + 1, 0, 1000)});
  }
  const Comparison comparison = compare(a, b);
  const std::string text = text_of({a, b}, comparison, 0, Colours::no);
  EXPECT_EQ(occurrences(text, "  kind 1"), 20U) << text;
  EXPECT_NE(text.find("  kind 100 (new)\n"), std::string::npos);
  EXPECT_NE(text.find("  and 80 more (--json has all)\n"), std::string::npos) << text;
  EXPECT_EQ(occurrences(text, " B (new)"), 12U);
  EXPECT_NE(text.find("  and 88 more (--json has all)\n"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(json_of({a, b}, comparison, 0, {}))["kinds"].size(), 100U);
}

TEST(DiffText, GrowthByManyTimesIsAFactor) {
  Snapshot a = before();
  Snapshot b = a;
  a.flow.allocations = 1;
  a.flow.frees = 1;
  a.threads = 100;
  b.flow.allocations = 4207;
  b.flow.frees = UINT64_MAX;
  b.threads = 1098;
  const std::string text = text_of({a, b}, compare(a, b), 0, Colours::no);
  EXPECT_NE(text.find("  allocations                               1        4,207       +4,206    x 4,207\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  threads                                 100        1,098         +998   +998.0 %\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  frees                                     1     18,446 P    +18,446 P x 18,446 P\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find('~'), std::string::npos) << text;
}

TEST(DiffText, ColoursOnlyWhatChanged) {
  const Snapshot a = before();
  const Snapshot b = after();
  const std::string text = text_of({a, b}, compare(a, b), 0, Colours::yes);
  EXPECT_NE(text.find("\x1b[31m         +500    +50.0 %\x1b[0m\n"), std::string::npos);
  EXPECT_EQ(text_of({a, a}, compare(a, a), 0, Colours::yes).find('\x1b'), std::string::npos);
}

TEST(DiffText, NoNameSteersTheTerminal) {
  Snapshot b = after();
  b.kinds[0].name = "a\x1b[2J\nb";
  b.program = "/bin/\x1b[2J";
  const std::string text = text_of({b, b}, compare(before(), b), 0, Colours::no);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("a?[2J?b (new)"), std::string::npos);
}

TEST(DiffJson, KeepsEveryNumber) {
  const Snapshot a = before();
  const Snapshot b = after();
  const Comparison comparison = compare(a, b);
  const auto json = nlohmann::json::parse(
      json_of({a, b}, comparison, 0, excesses_of(comparison, {.percent_max = 60, .bytes_min = 0, .only = {}})));
  EXPECT_EQ(json["totals"]["allocations"], nlohmann::json::parse(R"({"a":1000,"b":1500,"growth":500,"percent":50.0})"));
  EXPECT_EQ(json["kinds"][0]["name"], "GET");
  EXPECT_EQ(json["kinds"][1]["in"], "new");
  EXPECT_EQ(json["kinds"][2]["in"], "gone");
  EXPECT_EQ(json["kinds"][2]["allocated_bytes"]["growth"], -5000);
  EXPECT_TRUE(json["kinds"][1]["tasks"]["percent"].is_null());
  EXPECT_EQ(json["a"]["process_id"], 1);
  EXPECT_EQ(json["exceeded"].size(), 1U);
  EXPECT_EQ(json["exceeded"][0]["figure"], "peak_per_task");
  EXPECT_EQ(json["exceeded"][0]["kind"], "GET");
}

TEST(DiffInput, ReadsAReport) {
  const Snapshot snapshot = snapshot_of_report(
      R"({"ledger_version": 4, "program": "/bin/p", "process_id": 7, "wall_ns": null, "allocations": 5, "frees": 2,
          "allocated_bytes": 500, "peak_live_bytes": 300,
          "size_classes": [{"block_bytes": 32, "allocations": 5, "frees": 2, "live_blocks": 3}],
          "task_kinds": [{"kind": "GET", "tasks_ended": 3, "allocations_per_task": {"median": 9}},
                         {"kind": null, "allocations": 2}],
          "thread_kinds": [{"name": "p", "threads": 1}]})",
      "r.json");
  EXPECT_EQ(snapshot.program, "/bin/p");
  EXPECT_EQ(snapshot.flow.allocations, 5U);
  EXPECT_EQ(snapshot.peak_live_bytes, 300U);
  ASSERT_EQ(snapshot.size_classes.size(), 1U);
  EXPECT_EQ(snapshot.size_classes[0].flow.live_bytes, 96U);
  ASSERT_EQ(snapshot.kinds.size(), 2U);
  EXPECT_EQ(snapshot.kinds[0].allocations_per_task.median, 9U);
  EXPECT_EQ(snapshot.kinds[1].name, "(outside tasks)");
  EXPECT_EQ(snapshot.thread_kinds.size(), 1U);
}

TEST(DiffInput, TellsAKindOfTheNameOutsideTasksFromWhatNoTaskDid) {
  const Snapshot snapshot = snapshot_of_report(R"x({"ledger_version": 3, "task_kinds": [
      {"kind": "(outside tasks)", "allocations": 1}, {"kind": null, "allocations": 2}]})x",
                                               "r.json");
  ASSERT_EQ(snapshot.kinds.size(), 2U);
  EXPECT_EQ(snapshot.kinds[0].name, "\"(outside tasks)\"");
  EXPECT_EQ(snapshot.kinds[1].name, "(outside tasks)");
}

TEST(DiffInput, RefusesWhatIsNoReport) {
  for (const char* text : {"{", "{}", R"({"ledger_version": null})", R"({"ledger_version": 4, "allocations": "many"})",
                           R"({"ledger_version": 4, "size_classes": 5, "allocations": []})",
                           R"({"ledger_version": 4, "size_classes": [7]})"}) {
    try {
      (void)snapshot_of_report(text, "r.json");
      ADD_FAILURE() << text;
    } catch (const Fault& fault) {
      EXPECT_EQ(std::string(fault.what()).rfind("r.json: ", 0), 0U) << fault.what();
    }
  }
}

}  // namespace
