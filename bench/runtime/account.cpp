// What does the account cost: a malloc and free inside a task, counted and not, and a snapshot of the figures?
//
// Run on bursar, with BURSAR=stats,out=/dev/null and without: the label says which it was. On another malloc the first row is that malloc's.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "bursar/metrics.h"
#include "bursar/task.h"

namespace {

void say_what_serves(benchmark::State& state) {
  const char* label = bursar_metrics_read == nullptr ? "not bursar" : "not counted";
  state.SetLabel(bursar::MemoryMetrics::read().is_counting() ? "counted" : label);
}

void pair_in_task(benchmark::State& state) {
  const bursar::Task task("bench");
  for (auto _ : state) {
    void* block = std::malloc(64);
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
  say_what_serves(state);
}
BENCHMARK(pair_in_task)->Name("account_pair_in_task");

void snapshot(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(bursar::MemoryMetrics::read().allocations());
  say_what_serves(state);
}
BENCHMARK(snapshot)->Name("account_snapshot");

}  // namespace

BENCHMARK_MAIN();
