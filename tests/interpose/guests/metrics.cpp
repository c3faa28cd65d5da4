// The figures of the process, exact where the case knows them.
#include "bursar/metrics.h"

#include <malloc.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "bursar/task.h"
#include "expect.h"

namespace {

void counted() {
  if (guest_is_again() != 0) return;
  setenv("BURSAR", "stats=json,out=/dev/null", 1);
  guest_again();
}

using bursar::MemoryMetrics;

}  // namespace

CASE_WITH(a_snapshot_is_exact, bursar_only) {
  counted();
  const MemoryMetrics before = MemoryMetrics::read();
  EXPECT(before.is_counting());
  void* blocks[1000];
  for (void*& block : blocks) block = std::malloc(100);
  const uint64_t bytes = 1000 * malloc_usable_size(blocks[0]);
  const MemoryMetrics between = MemoryMetrics::read();
  EXPECT(between.allocations() - before.allocations() == 1000);
  EXPECT(between.frees() == before.frees());
  EXPECT(between.current_bytes() - before.current_bytes() == bytes);
  EXPECT(between.peak_bytes() >= between.current_bytes());
  for (void* block : blocks) std::free(block);
  const MemoryMetrics after = MemoryMetrics::read();
  EXPECT(after.frees() - before.frees() == 1000);
  EXPECT(after.current_bytes() == before.current_bytes());
  EXPECT(after.peak_bytes() == between.peak_bytes());
}

CASE_WITH(a_peak_is_exact, bursar_only) {
  counted();
  const uint64_t before = MemoryMetrics::read().current_bytes();
  void* block = std::malloc(opaque(8 * MIB));
  const uint64_t bytes = malloc_usable_size(block);
  std::free(block);
  for (int i = 0; i < 100; ++i) std::free(std::malloc(opaque(64)));
  EXPECT(MemoryMetrics::read().peak_bytes() == before + bytes);
}

CASE_WITH(threads_are_summed_up, bursar_only) {
  counted();
  void* block = nullptr;
  const MemoryMetrics before = MemoryMetrics::read();
  std::thread([&] { block = std::malloc(opaque(MIB)); }).join();
  const uint64_t bytes = malloc_usable_size(block);
  EXPECT(MemoryMetrics::read().current_bytes() >= before.current_bytes() + bytes);
  std::free(block);
  EXPECT(MemoryMetrics::read().frees() > before.frees());
}

CASE_WITH(tasks_have_figures_of_their_own, bursar_only) {
  counted();
  EXPECT(MemoryMetrics::read().task_allocations() == 0);
  {
    bursar::Task task("one");
    void* block = std::malloc(opaque(3000));
    const uint64_t bytes = malloc_usable_size(block);
    std::free(std::malloc(opaque(100)));
    const uint64_t small = bursar_usable(opaque_pointer(block)) == bytes ? 112 : 0;
    const MemoryMetrics metrics = MemoryMetrics::read();
    EXPECT(metrics.task_allocations() == 2);
    EXPECT(metrics.task_current_bytes() == bytes);
    EXPECT(metrics.task_peak_bytes() == bytes + small);
    std::free(block);
    EXPECT(MemoryMetrics::read().task_current_bytes() == 0);
    EXPECT(MemoryMetrics::read().task_peak_bytes() == bytes + small);
  }
  {
    bursar::Task task("another");
    for (int i = 0; i < 4; ++i) std::free(std::malloc(opaque(100)));
  }
  const MemoryMetrics metrics = MemoryMetrics::read();
  EXPECT(metrics.tasks() == 2);
  EXPECT(metrics.allocations_per_task() == 3);
  EXPECT(metrics.task_allocations() == 0 && metrics.task_current_bytes() == 0);
}

CASE_WITH(without_an_account_the_heap_has_no_figures, bursar_only | uncounted) {
  void* block = std::malloc(opaque(1000));
  bursar_metrics metrics;
  std::memset(&metrics, 0xff, sizeof metrics);
  EXPECT(bursar_metrics_read(&metrics, sizeof metrics) == 0);
  const bursar_metrics zero{};
  EXPECT(std::memcmp(&metrics, &zero, sizeof zero) == 0);
  std::free(block);
}

CASE_WITH(a_snapshot_may_be_shorter_or_longer, bursar_only) {
  counted();
  struct {
    bursar_metrics metrics;
    uint64_t later;
  } longer;
  std::memset(&longer, 0xff, sizeof longer);
  EXPECT(bursar_metrics_read(&longer.metrics, sizeof longer) == 0);
  EXPECT(longer.later == 0 && longer.metrics.is_counting == 1);
  uint64_t shorter[2] = {7, 7};
  EXPECT(bursar_metrics_read(reinterpret_cast<bursar_metrics*>(shorter), 8) == 0);
  EXPECT(shorter[0] == 1 && shorter[1] == 7);
  EXPECT(bursar_metrics_read(nullptr, 8) == EINVAL);
}

CASE_WITH(others_count_what_the_heap_does_not_see, bursar_only | uncounted) {
  bursar_metrics_count(BURSAR_POOL_HITS, 30);
  bursar_metrics_count(BURSAR_POOL_MISSES, 10);
  bursar_metrics_count(BURSAR_INTERNED_STRINGS, 5);
  bursar_metrics_count(BURSAR_INTERNER_SAVED_BYTES, 500);
  bursar_metrics_count(BURSAR_ARENA_BYTES, 100);
  bursar_metrics_count(BURSAR_ARENA_BYTES, -40);
  bursar_metrics_count(BURSAR_ARENA_ALLOCATIONS, 3);
  bursar_metrics_count(BURSAR_CACHE_HITS, 1);
  bursar_metrics_count(BURSAR_CACHE_MISSES, 3);
  bursar_metrics_count(static_cast<bursar_counter>(100), 1);
  const MemoryMetrics metrics = MemoryMetrics::read();
  EXPECT(!metrics.is_counting());
  EXPECT(metrics.pool_hits() == 30 && metrics.pool_misses() == 10 && metrics.pool_hit_rate() == 0.75);
  EXPECT(metrics.interned_strings() == 5 && metrics.interner_saved_bytes() == 500);
  EXPECT(metrics.arena_bytes() == 60 && metrics.arena_allocations() == 3);
  EXPECT(metrics.cache_hit_rate() == 0.25);
}

CASE(without_bursar_all_figures_are_0) {
  if (bursar_metrics_read != nullptr) return;
  const MemoryMetrics metrics = MemoryMetrics::read();
  EXPECT(!metrics.is_counting() && metrics.allocations() == 0 && metrics.cache_hit_rate() == 0);
}

CASE_WITH(a_block_tells_its_size, bursar_only) {
  void* block = std::malloc(opaque(100));
  EXPECT(bursar_usable(block) == malloc_usable_size(block));
  EXPECT(bursar_usable(nullptr) == 0);
  int local = 0;
  EXPECT(bursar_usable(&local) == 0);
  std::free(block);
}
