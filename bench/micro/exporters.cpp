// What does the text for Prometheus cost, per hundred of its series?
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "interpose/account/ledger_view.h"
#include "interpose/account/render.h"
#include "tools/bursar/serve_metrics.h"
#include "tools/bursar/serve_watch.h"
#include "tools/bursar/snapshot.h"

namespace {

using namespace bursar;

constexpr size_t thread_names = 4;
constexpr size_t size_classes = 40;

/// Lines that are no comment.
size_t series_of(const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size()) + 1) count += text[at] != '#';
  return count;
}

void tell(benchmark::State& state, const std::string& text) {
  const auto series = static_cast<double>(series_of(text));
  state.counters["series"] = series;
  state.counters["per_100_series"] =
      benchmark::Counter(series / 100, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

/// A ledger of a program with so many kinds of tasks.
struct MadeLedger {
  explicit MadeLedger(size_t kind_count) : kinds(kind_count) {
    std::strcpy(header->program, "/usr/bin/server");
    header->process_id = 4711;
    header->size_class_count = size_classes;
    for (uint32_t i = 1; i < size_classes; ++i) header->block_bytes[i] = 16 * i;
    for (auto& figure : header->runtime) figure = 1'000'000;
    for (ledger::SizeClassCounters& each : slots[0].size_classes) each.allocations = 1'000;
    for (size_t i = 0; i < thread_names; ++i) {
      std::strcpy(slots[i].thread_name, fmt::format("worker {}", std::string(i + 1, 'x')).c_str());
      slots[i].thread_id = slots[i].tag = 1;
    }
    for (size_t i = 0; i < kinds.size(); ++i) {
      std::strcpy(kinds[i].name, fmt::format("GET /path/{}", i).c_str());
      kinds[i].is_there = 1;
      kinds[i].tasks_begun = kinds[i].tasks_ended = 1'000;
      kinds[i].allocations_per_task.buckets[20] = 1'000;
      kinds[i].peak_live_bytes_per_task.buckets[100] = 1'000;
    }
  }

  [[nodiscard]] ledger::View view() const {
    return {header.get(), slots.data(), kinds.data(), nullptr, slots.size(), kinds.size(), 0};
  }

  std::unique_ptr<ledger::Header> header = std::make_unique<ledger::Header>();
  std::vector<ledger::Slot> slots = std::vector<ledger::Slot>(thread_names);
  std::vector<ledger::TaskKind> kinds;
};

/// `bursar export --to openmetrics`, and what a process writes at its exit.
void report_openmetrics(benchmark::State& state) {
  const MadeLedger made(static_cast<size_t>(state.range(0)));
  std::string text;
  const ledger::Sink sink{
      [](void* to, const char* part, size_t bytes) { static_cast<std::string*>(to)->append(part, bytes); }, &text};
  for (auto _ : state) {
    text.clear();
    ledger::render_report(made.view(), {}, ledger::Format::openmetrics, sink);
    benchmark::DoNotOptimize(text.data());
  }
  tell(state, text);
}
BENCHMARK(report_openmetrics)->Arg(1)->Arg(50)->Unit(benchmark::kMicrosecond);

tool::Snapshot made_snapshot(uint32_t process_id, size_t kind_count) {
  tool::Snapshot snapshot;
  snapshot.path = fmt::format("/dev/shm/bursar-{}", process_id);
  snapshot.program = "/usr/bin/server";
  snapshot.process_id = process_id;
  snapshot.is_alive = true;
  ledger::Header header{};
  for (auto& figure : header.runtime) figure = 1'000'000;
  snapshot.runtime.add(header);
  for (size_t i = 0; i < size_classes; ++i)
    snapshot.size_classes.push_back({.block_bytes = 16 * i, .requested_bytes = 1, .flow = {}});
  for (size_t i = 0; i < thread_names; ++i)
    snapshot.thread_kinds.push_back({.name = fmt::format("worker {}", i), .flow = {}});
  for (size_t i = 0; i < kind_count; ++i) {
    tool::TaskKindRow row;
    row.name = fmt::format("GET /path/{}", i);
    row.tasks_ended = 1'000;
    row.allocations_per_task.below_powers = row.peak_live_bytes_per_task.below_powers =
        std::vector<uint64_t>(21, 1'000);
    snapshot.kinds.push_back(row);
  }
  return snapshot;
}

/// A scrape of `bursar serve`, without the reading of ledgers: of so many processes, with so many kinds of tasks each.
void serve_metrics(benchmark::State& state) {
  const auto processes = static_cast<uint32_t>(state.range(0));
  const auto kinds = static_cast<size_t>(state.range(1));
  tool::LedgerSource source{.list =
                                [&] {
                                  tool::LedgerList list;
                                  for (uint32_t i = 1; i <= processes; ++i) list.paths.emplace_back(std::to_string(i));
                                  return list;
                                },
                            .read =
                                [&](const std::filesystem::path& path) {
                                  return made_snapshot(static_cast<uint32_t>(std::stoul(path.native())), kinds);
                                },
                            .stamp = [](const std::filesystem::path&) { return std::string(); }};
  tool::Watch watch(std::move(source), {.kinds_max = 50, .ledgers_max = 256});
  watch.refresh(1'000);
  std::string text;
  for (auto _ : state) {
    text = tool::metrics_of(watch, tool::Dialect::openmetrics, 1'000);
    benchmark::DoNotOptimize(text.data());
  }
  tell(state, text);
}
BENCHMARK(serve_metrics)->Args({1, 1})->Args({1, 50})->Args({20, 10})->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
