// The exposition: both formats, its order, its labels, its bounds.
#include "tools/bursar/serve_metrics.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "tests/tools/serve_snapshots.h"

namespace bursar::test {
namespace {

using tool::Dialect;
using tool::HistogramCounts;
using tool::Watch;

std::string metrics_of(MadeHost& host, Dialect dialect = Dialect::openmetrics, size_t kinds_max = 50) {
  Watch watch(host.source(), {.kinds_max = kinds_max, .ledgers_max = 256});
  watch.refresh(1000);
  return tool::metrics_of(watch, dialect, 1000);
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(ServeMetrics, SamplesOfAFamilyStandTogether) {
  MadeHost host;
  for (uint32_t process = 1; process <= 3; ++process) {
    tool::Snapshot snapshot = running_process(process);
    snapshot.kinds.push_back(kind_with("request", 10, 3));
    snapshot.size_classes.push_back({.block_bytes = 64, .requested_bytes = 10, .flow = {}});
    snapshot.thread_kinds.push_back({.name = "main", .threads = 1, .alive = 1, .flow = {}});
    host.add(snapshot);
  }
  std::istringstream lines(metrics_of(host));
  std::set<std::string> seen;
  std::string family;
  const std::regex type("# TYPE (\\S+) .*");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, type)) {
      family = match[1];
      EXPECT_TRUE(seen.insert(family).second) << family << " comes twice";
    } else if (line[0] != '#') {
      EXPECT_EQ(line.rfind(family, 0), 0U) << line << " stands under " << family;
    }
  }
  EXPECT_GT(seen.size(), 30U);
}

TEST(ServeMetrics, ProcessesThatTellOfARuntimeHaveItAndOthersNot) {
  MadeHost host;
  host.add(running_process(1));
  EXPECT_EQ(metrics_of(host).find("bursar_pool"), std::string::npos);
  tool::Snapshot telling = running_process(2);
  ledger::Header header{};
  header.runtime[static_cast<size_t>(ledger::RuntimeFigure::pool_hits)] = 12;
  telling.runtime.add(header);
  host.add(telling);
  const std::string text = metrics_of(host);
  EXPECT_TRUE(has_line(text, "# TYPE bursar_pool_hits counter"));
  EXPECT_TRUE(has_line(text, "# UNIT bursar_arena_bytes bytes"));
  EXPECT_TRUE(has_line(text, "bursar_pool_hits_total{program=\"/usr/bin/guest\",process=\"2\"} 12"));
  EXPECT_TRUE(has_line(text, "bursar_pool_misses_total{program=\"/usr/bin/guest\",process=\"2\"} 0"));
  EXPECT_EQ(text.find("bursar_pool_hits_total{program=\"/usr/bin/guest\",process=\"1\"}"), std::string::npos);
}

TEST(ServeMetrics, OpenMetricsEndsAndNamesFamiliesWithoutSuffix) {
  MadeHost host;
  host.add(running_process(1));
  const std::string text = metrics_of(host);
  EXPECT_TRUE(has_line(text, "# TYPE bursar_allocations counter"));
  EXPECT_TRUE(has_line(text, "bursar_allocations_total{program=\"/usr/bin/guest\",process=\"1\"} 100"));
  EXPECT_TRUE(has_line(text, "# UNIT bursar_live_bytes bytes"));
  EXPECT_TRUE(has_line(text, "# TYPE bursar_build info"));
  EXPECT_EQ(text.substr(text.size() - 6), "# EOF\n");
}

TEST(ServeMetrics, PrometheusTextNamesCountersAsTheirSamples) {
  MadeHost host;
  host.add(running_process(1));
  const std::string text = metrics_of(host, Dialect::prometheus);
  EXPECT_TRUE(has_line(text, "# TYPE bursar_allocations_total counter"));
  EXPECT_TRUE(has_line(text, "bursar_allocations_total{program=\"/usr/bin/guest\",process=\"1\"} 100"));
  EXPECT_EQ(text.find("# UNIT"), std::string::npos);
  EXPECT_EQ(text.find("# EOF"), std::string::npos);
}

TEST(ServeMetrics, UnitsAreTheEndOfTheirNames) {
  MadeHost host;
  host.add(running_process(1));
  std::istringstream lines(metrics_of(host));
  const std::regex unit("# UNIT (\\S+) (\\S+)");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, unit)) continue;
    const std::string name = match[1];
    const std::string suffix = "_" + match[2].str();
    EXPECT_TRUE(name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix) << line;
  }
}

TEST(ServeMetrics, HostileNamesAreEscaped) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1, "/tmp/a\"b\\c\nd");
  snapshot.kinds.push_back(kind_with("broken \xff utf-8 \xc3\xa9", 1, 1));
  host.add(snapshot);
  const std::string text = metrics_of(host);
  EXPECT_NE(text.find("program=\"/tmp/a\\\"b\\\\c?d\""), std::string::npos);
  EXPECT_NE(text.find("kind=\"broken \xef\xbf\xbd utf-8 \xc3\xa9\""), std::string::npos);
}

TEST(ServeMetrics, NothingIsRetainedOfWhatNoTaskDid) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.kinds.push_back(kind_with("kind", 2, 5));
  host.add(snapshot);
  const std::string text = metrics_of(host);
  const std::string labels = R"({program="/usr/bin/guest",process="1",kind=)";
  EXPECT_NE(text.find("\nbursar_task_retained_bytes" + labels + "\"kind\"} "), std::string::npos);
  EXPECT_NE(text.find("\nbursar_task_live_bytes" + labels + "\"(outside tasks)\"} "), std::string::npos);
  EXPECT_EQ(text.find("\nbursar_task_retained_bytes" + labels + "\"(outside tasks)\"} "), std::string::npos);
}

TEST(ServeMetrics, KindsBeyondTheMostAreOne) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  for (int i = 0; i < 100; ++i) snapshot.kinds.push_back(kind_with(fmt::format("kind {}", i), 2, 5));
  host.add(snapshot);
  const std::string text = metrics_of(host, Dialect::openmetrics, 3);
  const std::string begin = "bursar_tasks_ended_total{program=\"/usr/bin/guest\",process=\"1\",kind=";
  EXPECT_TRUE(has_line(text, begin + "\"(outside tasks)\"} 0"));
  EXPECT_TRUE(has_line(text, begin + "\"kind 0\"} 2"));
  EXPECT_TRUE(has_line(text, begin + "\"kind 1\"} 2"));
  EXPECT_TRUE(has_line(text, begin + "\"(other kinds)\"} 196"));
  EXPECT_EQ(text.find("kind 2\""), std::string::npos);
  EXPECT_TRUE(has_line(
      text, "bursar_allocations_per_task_count{program=\"/usr/bin/guest\",process=\"1\",kind=\"(other kinds)\"} 196"));
  EXPECT_TRUE(has_line(
      text, "bursar_allocations_per_task_sum{program=\"/usr/bin/guest\",process=\"1\",kind=\"(other kinds)\"} 980"));
}

TEST(ServeMetrics, TheOthersNeverFallWhenKindsOvertakeEachOther) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.kinds = {kind_with("a", 10, 1), kind_with("b", 5, 1)};
  host.add(snapshot);
  Watch watch(host.source(), {.kinds_max = 1, .ledgers_max = 256});
  watch.refresh(1000);
  snapshot.kinds = {kind_with("b", 50, 1), kind_with("a", 10, 1)};
  host.add(snapshot);
  watch.refresh(2000);
  const std::string text = tool::metrics_of(watch, Dialect::openmetrics, 2000);
  const std::string begin = "bursar_tasks_ended_total{program=\"/usr/bin/guest\",process=\"1\",kind=";
  EXPECT_TRUE(has_line(text, begin + "\"a\"} 10"));
  EXPECT_TRUE(has_line(text, begin + "\"(other kinds)\"} 50"));
}

TEST(ServeMetrics, NoSampleComesTwice) {
  MadeHost host;
  tool::Snapshot first = running_process(1);
  tool::Snapshot second = running_process(1);
  second.path = "/dev/shm/bursar-1.1";
  second.started_unix_ns += 1;
  second.flow.allocations = 200;
  second.kinds.push_back(kind_with("same", 1, 1));
  second.kinds.push_back(kind_with("same", 2, 1));
  host.add(first);
  host.add(second);
  const std::string text = metrics_of(host);
  EXPECT_TRUE(has_line(text, "bursar_allocations_total{program=\"/usr/bin/guest\",process=\"1\"} 200"));
  std::istringstream lines(text);
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    if (line[0] == '#') continue;
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
}

TEST(ServeMetrics, AnEndedProcessIsToldTenMinutesLonger) {
  MadeHost host;
  tool::Snapshot snapshot = running_process(1);
  snapshot.is_alive = false;
  host.add(snapshot);
  Watch watch(host.source(), {});
  watch.refresh(1000);
  const auto is_told = [&](uint64_t unix_ms) {
    return tool::metrics_of(watch, Dialect::openmetrics, unix_ms).find("bursar_process_running{") != std::string::npos;
  };
  EXPECT_TRUE(is_told(1000));
  EXPECT_TRUE(is_told(1000 + tool::told_after_end_ms));
  EXPECT_FALSE(is_told(1001 + tool::told_after_end_ms));
}

TEST(ServeMetrics, UnreadableLedgersAreCounted) {
  MadeHost host;
  host.add(running_process(1));
  host.faults["/tmp/bursar-2"] = "is cut short";
  host.of_others = 2;
  const std::string text = metrics_of(host);
  EXPECT_TRUE(has_line(text, "bursar_unreadable_ledgers 3"));
  EXPECT_TRUE(has_line(text, "bursar_ledgers 1"));
}

TEST(ServeMetrics, BoundsOfHistogramsAreExact) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{8}, uint64_t{4095}, uint64_t{4096}}) {
    const HistogramCounts histogram = tool::histogram_of(quantiles_with(value, 3), 0, 14);
    ASSERT_EQ(histogram.counts.size(), histogram.bounds.size() + 1);
    for (size_t i = 0; i < histogram.bounds.size(); ++i) {
      EXPECT_EQ(histogram.counts[i], value <= histogram.bounds[i] ? 3U : 0U)
          << value << " at most " << histogram.bounds[i];
    }
    EXPECT_EQ(histogram.counts.back(), 3U);
    EXPECT_EQ(histogram.sum, 3 * value);
  }
}

TEST(ServeMetrics, ValuesBelowAndBeyondAllBoundsCount) {
  const HistogramCounts low = tool::histogram_of(quantiles_with(5, 2), 10, 12);
  EXPECT_EQ(low.bounds, (std::vector<uint64_t>{1023, 2047, 4095}));
  EXPECT_EQ(low.counts, (std::vector<uint64_t>{2, 2, 2, 2}));
  const HistogramCounts high = tool::histogram_of(quantiles_with(1'000'000, 2), 10, 12);
  EXPECT_EQ(high.counts, (std::vector<uint64_t>{0, 0, 0, 2}));
  EXPECT_EQ(tool::histogram_of({}, 0, 1).counts, (std::vector<uint64_t>{0, 0, 0}));
}

TEST(ServeExposition, TheFormatIsWhatTheClientPrefers) {
  EXPECT_EQ(tool::dialect_for(""), Dialect::prometheus);
  EXPECT_EQ(tool::dialect_for("*/*"), Dialect::prometheus);
  EXPECT_EQ(tool::dialect_for("text/html,application/xhtml+xml,*/*;q=0.8"), Dialect::prometheus);
  EXPECT_EQ(tool::dialect_for("application/openmetrics-text"), Dialect::openmetrics);
  EXPECT_EQ(tool::dialect_for("Application/OpenMetrics-Text; version=1.0.0"), Dialect::openmetrics);
  EXPECT_EQ(tool::dialect_for("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                              "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            Dialect::openmetrics);
  EXPECT_EQ(tool::dialect_for("application/openmetrics-text;q=0.2,text/plain;q=0.5"), Dialect::prometheus);
  EXPECT_EQ(tool::dialect_for("application/openmetrics-text;q=0"), Dialect::prometheus);
}

}  // namespace
}  // namespace bursar::test
