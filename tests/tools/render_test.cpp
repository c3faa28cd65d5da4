// The report of ledgers filled by hand: its exact text, its JSON read back, and any numbers whatever.
#include "interpose/account/render.h"

#include <gtest/gtest.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/tools/made_ledger.h"
#include "tests/tools/rendered.h"

namespace {

using bursar::ledger::ExitFacts;
using bursar::ledger::Format;
using bursar::test::line_with;
using bursar::test::MadeLedger;
using bursar::test::make_ledger;
using bursar::test::rendered;
using nlohmann::json;

/// A program of two threads: 1,000,000 blocks of 24 bytes (32 handed out), half of them freed, and three large ones.
std::unique_ptr<MadeLedger> two_threads() {
  auto made = make_ledger();
  made->slots[1].threads = 1;
  made->slots[2].threads = 1;
  made->count(1, 2, 600'000, 24, 500'000);
  made->count(2, 2, 400'000, 24, 0);
  made->count(2, 0, 3, 1'000'000, 2);
  made->slots[2].calls_beside[static_cast<size_t>(bursar::ledger::Call::calloc)] = 7;
  made->header.peak_live_bytes = 25'000'000;
  made->header.peak_live_ns = 1'500'000'000;
  made->header.ended_ns = 2'000'000'000;
  made->header.page_faults = 12'345;
  made->header.peak_rss_bytes = 30 * 1024 * 1024;
  return made;
}

ExitFacts facts_of_a_run() {
  ExitFacts facts;
  facts.program_arguments = "guest --fast 'a b'";
  facts.exit_status = 3;
  facts.wall_ns = 2'500'000'000;
  facts.user_ns = 2'000'000'000;
  facts.system_ns = 123'456'789;
  return facts;
}

TEST(RenderText, SaysAllInAlignedColumns) {
  const std::string expected =
      "bursar: guest --fast 'a b' (process 5000000)\n"
      "  exit status                 3\n"
      "  wall time              2.50 s    user 2.00 s, system 123 ms\n"
      "  allocations         1,000,003    400,001 /s\n"
      "  frees                 500,002\n"
      "  requested            25.7 MiB    26 B per allocation\n"
      "  handed out           33.4 MiB    internal waste 22.9 %\n"
      "  peak live heap       23.8 MiB    after 1.50 s\n"
      "  peak RSS             30.0 MiB\n"
      "  live at exit         16.2 MiB    500,001 blocks\n"
      "  page faults            12,345\n"
      "  threads                     2\n"
      "  calls    malloc 999,996, calloc 7, free 500,002\n"
      "\n"
      "      block     allocations    requested   handed out     waste    live blocks\n"
      "       32 B       1,000,000     22.9 MiB     30.5 MiB    25.0 %        500,000\n"
      "      large               3     2.86 MiB     2.86 MiB     0.0 %              1\n"
      "      total       1,000,003     25.7 MiB     33.4 MiB    22.9 %        500,001\n";
  EXPECT_EQ(rendered(*two_threads(), facts_of_a_run(), Format::text), expected);
}

TEST(RenderText, LeavesOutWhatIsNotKnown) {
  const auto made = make_ledger();
  EXPECT_EQ(rendered(*made, ExitFacts{}, Format::text),
            "bursar: /usr/bin/guest (process 5000000)\n"
            "  allocations                 0\n"
            "  frees                       0\n"
            "  requested                 0 B\n"
            "  handed out                0 B    internal waste -\n"
            "  peak live heap            0 B\n"
            "  live at exit              0 B    0 blocks\n"
            "  threads                     0\n"
            "  calls none\n");
}

TEST(RenderText, NamesTheSignalThatEndedTheProgram) {
  ExitFacts facts;
  facts.term_signal = 9;
  const std::string text = rendered(*make_ledger(), facts, Format::text);
  EXPECT_EQ(line_with(text, "killed"), "  killed by signal            9    SIGKILL");
  EXPECT_EQ(text.find("exit status"), std::string::npos);
}

TEST(RenderText, TellsALedgerThatIsNotAtItsEnd) {
  const auto made = make_ledger();
  made->header.state = bursar::ledger::State::running;
  made->count(1, 1, 1, 16, 0);
  const std::string text = rendered(*made, ExitFacts{}, Format::text);
  EXPECT_EQ(line_with(text, "not at its end"), "  not at its end: still running, or killed");
  EXPECT_EQ(line_with(text, "  live "), "  live                     16 B    1 block");
}

TEST(RenderText, ShowsTheClassesWithMostBytesAndAddsUpTheOthers) {
  const auto made = make_ledger();
  for (size_t size_class = 1; size_class <= 20; ++size_class) made->count(1, size_class, 10, 16 * size_class, 4);
  const std::string text = rendered(*made, ExitFacts{}, Format::text);
  EXPECT_LT(text.find("\n      320 B"), text.find("\n      304 B"));
  EXPECT_NE(text.find("\n      144 B"), std::string::npos);
  EXPECT_EQ(text.find("\n      128 B"), std::string::npos);
  // 8 classes of 16 to 128 bytes: 16 * 36 * 10 bytes.
  EXPECT_EQ(line_with(text, "8 others"),
            "   8 others              80     5.63 KiB     5.63 KiB     0.0 %             48");
  EXPECT_EQ(line_with(text, "total"), "      total             200     32.8 KiB     32.8 KiB     0.0 %            120");
}

TEST(RenderText, ThirteenClassesHaveARowEach) {
  const auto made = make_ledger();
  for (size_t size_class = 1; size_class <= 13; ++size_class) made->count(1, size_class, 1, 16, 0);
  const std::string text = rendered(*made, ExitFacts{}, Format::text);
  EXPECT_EQ(text.find("others"), std::string::npos);
  EXPECT_NE(text.find("\n       16 B"), std::string::npos);
}

TEST(RenderText, LetsNoNameSteerTheTerminal) {
  ExitFacts facts;
  facts.program_arguments = "a\x1b[2J\n\xff\xc2\x9b z\xc3\xa4";
  EXPECT_EQ(line_with(rendered(*make_ledger(), facts, Format::text), "bursar:"),
            "bursar: a?[2J??? z\xc3\xa4 (process 5000000)");
}

TEST(RenderText, CountsWhatAForkedChildInherited) {
  const auto made = make_ledger();
  made->header.inherited_blocks = 10;
  made->header.inherited_bytes = 160;
  made->count(1, 1, 5, 16, 12);
  EXPECT_EQ(line_with(rendered(*made, ExitFacts{}, Format::text), "live at exit"),
            "  live at exit             48 B    3 blocks");
}

TEST(RenderText, TakesWhatLivesNowForThePeakWhereTheHeaderLagsAndDoesNotSayWhen) {
  const auto made = make_ledger();
  made->header.ended_ns = 1'000'000;
  made->count(1, 1, 100, 16, 0);
  made->header.peak_live_bytes = 0;
  EXPECT_EQ(line_with(rendered(*made, ExitFacts{}, Format::text), "peak live"), "  peak live heap       1.56 KiB");
  EXPECT_TRUE(json::parse(rendered(*made, ExitFacts{}, Format::json))["peak_live_ns"].is_null());
}

TEST(RenderText, SaysWhosePeakRssItIs) {
  ExitFacts facts;
  facts.peak_rss_bytes = 1'048'576;
  facts.rss_scope = bursar::ledger::RssScope::with_children;
  EXPECT_EQ(line_with(rendered(*make_ledger(), facts, Format::text), "peak RSS"),
            "  peak RSS             1.00 MiB    the highest of it and its children");
}

TEST(RenderJson, KeepsEveryNumber) {
  json report = json::parse(rendered(*two_threads(), facts_of_a_run(), Format::json));
  for (const char* key : {"thread_kinds", "task_kinds", "running_tasks", "worst_by_peak", "worst_by_allocations"}) {
    EXPECT_TRUE(report.at(key).is_array()) << key;
    report.erase(key);
  }
  const json expected = json::parse(R"({
    "ledger_version": 4, "program": "/usr/bin/guest", "arguments": "guest --fast 'a b'", "process_id": 5000000,
    "parent_process_id": 4710, "ending": "exited", "exit_status": 3, "term_signal": null, "wall_ns": 2500000000,
    "user_ns": 2000000000, "system_ns": 123456789, "peak_rss_bytes": 31457280,
    "peak_rss_scope": "process", "page_faults": 12345, "had_no_room": false, "is_alive": null, "task_source": "api", "budget_bytes": null,
    "refused_allocations": 0, "inherited_bytes": 0, "threads": 2,
    "allocations": 1000003, "frees": 500002, "requested_bytes": 27000000, "allocated_bytes": 35000000,
    "freed_bytes": 18000000, "live_blocks": 500001, "live_bytes": 17000000, "peak_live_bytes": 25000000,
    "peak_live_ns": 1500000000,
    "calls": {"malloc": 999996, "calloc": 7, "realloc": 0, "aligned": 0, "new": 0, "free": 500002},
    "runtime": {"interned_strings": 0, "interner_saved_bytes": 0, "arena_bytes": 0, "arena_allocations": 0,
                "pool_hits": 0, "pool_misses": 0, "cache_hits": 0, "cache_misses": 0},
    "size_classes": [
      {"block_bytes": 0, "allocations": 3, "frees": 2, "requested_bytes": 3000000, "allocated_bytes": 3000000,
       "live_blocks": 1},
      {"block_bytes": 32, "allocations": 1000000, "frees": 500000, "requested_bytes": 24000000,
       "allocated_bytes": 32000000, "live_blocks": 500000}]})");
  EXPECT_EQ(report, expected);
}

std::unique_ptr<MadeLedger> with_runtime() {
  using Figure = bursar::ledger::RuntimeFigure;
  auto made = make_ledger();
  made->tell(Figure::interned_strings, 1'234);
  made->tell(Figure::interner_saved_bytes, 50'000);
  made->tell(Figure::arena_bytes, 3'145'728);
  made->tell(Figure::arena_allocations, 65'536);
  made->tell(Figure::pool_hits, 900);
  made->tell(Figure::pool_misses, 100);
  made->tell(Figure::cache_hits, 7);
  made->tell(Figure::cache_misses, 1);
  return made;
}

TEST(RenderText, TellsWhatTheRuntimeTold) {
  const std::string text = rendered(*with_runtime(), ExitFacts{}, Format::text);
  EXPECT_NE(text.find("  calls none\n"
                      "  interned strings        1,234    saved 48.8 KiB\n"
                      "  arena allocations      65,536    3.00 MiB\n"
                      "  pool hits                 900    90.0 % of 1,000\n"
                      "  cache hits                  7    87.5 % of 8\n"),
            std::string::npos)
      << text;
}

TEST(RenderText, LeavesOutWhatTheRuntimeDidNotTell) {
  const auto made = make_ledger();
  made->tell(bursar::ledger::RuntimeFigure::pool_misses, 3);
  const std::string text = rendered(*made, ExitFacts{}, Format::text);
  EXPECT_EQ(line_with(text, "pool hits"), "  pool hits                   0    0.0 % of 3");
  for (const char* other : {"interned", "arena", "cache"}) EXPECT_EQ(text.find(other), std::string::npos) << other;
}

TEST(RenderJson, HasTheFiguresOfTheRuntime) {
  const json runtime = json::parse(rendered(*with_runtime(), ExitFacts{}, Format::json))["runtime"];
  EXPECT_EQ(runtime, json::parse(R"({"interned_strings": 1234, "interner_saved_bytes": 50000, "arena_bytes": 3145728,
      "arena_allocations": 65536, "pool_hits": 900, "pool_misses": 100, "cache_hits": 7, "cache_misses": 1})"));
}

TEST(RenderJson, AFigureBelowZeroIsZero) {
  const auto made = make_ledger();
  made->tell(bursar::ledger::RuntimeFigure::arena_bytes, -1);
  EXPECT_EQ(json::parse(rendered(*made, ExitFacts{}, Format::json))["runtime"]["arena_bytes"], 0);
}

TEST(RenderOpenMetrics, HasTheFiguresOfTheRuntimeWhereThereAreAny) {
  const std::string text = rendered(*with_runtime(), ExitFacts{}, Format::openmetrics);
  EXPECT_NE(text.find("# TYPE bursar_arena_bytes counter\n# UNIT bursar_arena_bytes bytes\n"), std::string::npos);
  EXPECT_EQ(line_with(text, "bursar_pool_misses_total"),
            "bursar_pool_misses_total{program=\"/usr/bin/guest\",process=\"5000000\"} 100");
  EXPECT_EQ(rendered(*make_ledger(), ExitFacts{}, Format::openmetrics).find("bursar_pool"), std::string::npos);
}

TEST(RenderJson, SaysNullForWhatIsNotKnown) {
  const auto made = make_ledger();
  made->header.state = bursar::ledger::State::running;
  made->header.program[0] = '\0';
  const json report = json::parse(rendered(*made, ExitFacts{}, Format::json));
  EXPECT_EQ(report["ending"], "unfinished");
  for (const char* key :
       {"program", "arguments", "exit_status", "term_signal", "wall_ns", "user_ns", "peak_rss_bytes"}) {
    EXPECT_TRUE(report.at(key).is_null()) << key;
  }
  EXPECT_EQ(report["size_classes"], json::array());
}

TEST(RenderJson, EscapesEveryName) {
  ExitFacts facts;
  facts.program_arguments = "\"q\" \\ \n\t\x01\x7f \xc3\xa4 \xf0\x9f\x98\x80 \xed\xa0\x80 \xc0\xaf \xff \xe2\x82";
  const json report = json::parse(rendered(*make_ledger(), facts, Format::json));
  const std::string replaced = "\xef\xbf\xbd";
  EXPECT_EQ(report["arguments"], "\"q\" \\ \n\t\x01\x7f \xc3\xa4 \xf0\x9f\x98\x80 " + replaced + replaced + replaced +
                                     " " + replaced + replaced + " " + replaced + " " + replaced + replaced);
}

TEST(RenderJson, KeepsNumbersOf64Bits) {
  const auto made = make_ledger();
  made->slots[0].size_classes[0].requested_bytes = UINT64_MAX;
  EXPECT_EQ(json::parse(rendered(*made, ExitFacts{}, Format::json))["requested_bytes"].get<uint64_t>(), UINT64_MAX);
}

TEST(RenderOpenMetrics, HasAFamilyForEachNumber) {
  const std::string text = rendered(*two_threads(), facts_of_a_run(), Format::openmetrics);
  const std::string labels = R"({program="/usr/bin/guest",process="5000000")";
  EXPECT_NE(text.find("# TYPE bursar_allocations counter\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_allocations_total" + labels + "} 1000003\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_calls_total" + labels + ",call=\"free\"} 500002\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_live_bytes" + labels + "} 17000000\n"), std::string::npos);
  EXPECT_NE(text.find("\nbursar_class_allocations_total" + labels + ",block_bytes=\"32\"} 1000000\n"),
            std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 6), "# EOF\n");
}

/// Runs render_report on a stack of its own and tells how much of that it wrote to.
class PaintedStack {
 public:
  static size_t bytes_used(const MadeLedger& made, Format format) {
    static MadeLedger const* given_ledger = nullptr;
    static Format given_format = Format::text;
    given_ledger = &made;
    given_format = format;
    static unsigned char stack[64 * 1024];
    std::memset(stack, 0xa5, sizeof stack);
    ucontext_t here{};
    ucontext_t there{};
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(
        &there,
        [] {
          const bursar::ledger::Sink nowhere{[](void*, const char*, size_t) {}, nullptr};
          bursar::ledger::render_report(given_ledger->view(), ExitFacts{}, given_format, nowhere);
        },
        0);
    swapcontext(&here, &there);
    const auto* first = std::find_if(stack, stack + sizeof stack, [](unsigned char byte) { return byte != 0xa5; });
    return static_cast<size_t>(stack + sizeof stack - first);
  }
};

TEST(Render, NeedsLittleStack) {
  const auto made = make_ledger();
  for (size_t size_class = 0; size_class < 85; ++size_class) made->count(1, size_class, 3, 10 * size_class, 1);
  made->start_thread(1, 1, "one");
  made->start_thread(2, 2, "other");
  made->add_kind(1, "kind");
  made->end_tasks(1, 3, 1, 1, 0, 1);
  made->begin_task(1, 1, "label", 1, 1);
  made->add_worst(1, "worst", 1, 1, 1);
  for (const Format format : {Format::text, Format::json, Format::openmetrics}) {
    (void)rendered(*made, ExitFacts{},
                   format);  // or the loader, which binds names at their first use, would be measured
    EXPECT_LT(PaintedStack::bytes_used(*made, format), 4U * 1024) << static_cast<int>(format);
    EXPECT_GT(PaintedStack::bytes_used(*made, format), 512U);
  }
}

TEST(Render, GivesAReportOfAnyBytesWhatever) {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("BURSAR_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    const auto made = make_ledger();
    auto* words = reinterpret_cast<uint64_t*>(made.get());
    for (size_t i = 0; i < sizeof(MadeLedger) / 8; ++i) words[i] = random() >> (random() % 64);
    ExitFacts facts;
    facts.wall_ns = random() >> (random() % 64);
    facts.term_signal = static_cast<int64_t>(random());
    for (const Format format : {Format::text, Format::json, Format::openmetrics}) {
      EXPECT_FALSE(rendered(*made, facts, format).empty());
    }
    EXPECT_TRUE(json::accept(rendered(*made, facts, Format::json)));
  }
}

}  // namespace
