// The figures of the process for C++.
#pragma once

#include <bursar/bursar.h>

#include <cstdint>

namespace bursar {

/// One snapshot. Bytes are as handed out. Without bursar in the process all figures are 0; those of the heap also while no account is kept.
class MemoryMetrics {
 public:
  /// Allocates nothing; any thread. Cost: below a microsecond with up to some dozen threads.
  [[nodiscard]] static MemoryMetrics read() noexcept {
    MemoryMetrics metrics;
    if (bursar_metrics_read != nullptr) (void)bursar_metrics_read(&metrics.figures_, sizeof(metrics.figures_));
    return metrics;
  }

  /// True while the account is kept; the figures up to task_allocations() are 0 else.
  [[nodiscard]] bool is_counting() const noexcept { return figures_.is_counting != 0; }
  [[nodiscard]] uint64_t peak_bytes() const noexcept { return figures_.peak_bytes; }
  [[nodiscard]] uint64_t current_bytes() const noexcept { return figures_.current_bytes; }
  [[nodiscard]] uint64_t allocations() const noexcept { return figures_.allocations; }
  [[nodiscard]] uint64_t frees() const noexcept { return figures_.frees; }

  /// Tasks that have ended, and how many allocations they made on average.
  [[nodiscard]] uint64_t tasks() const noexcept { return figures_.tasks; }
  [[nodiscard]] uint64_t allocations_per_task() const noexcept { return figures_.allocations_per_task; }

  /// Of the task that the calling thread was in.
  [[nodiscard]] uint64_t task_current_bytes() const noexcept { return figures_.task_current_bytes; }
  [[nodiscard]] uint64_t task_peak_bytes() const noexcept { return figures_.task_peak_bytes; }
  [[nodiscard]] uint64_t task_allocations() const noexcept { return figures_.task_allocations; }

  [[nodiscard]] uint64_t interned_strings() const noexcept { return figures_.interned_strings; }
  [[nodiscard]] uint64_t interner_saved_bytes() const noexcept { return figures_.interner_saved_bytes; }
  [[nodiscard]] uint64_t arena_bytes() const noexcept { return figures_.arena_bytes; }
  [[nodiscard]] uint64_t arena_allocations() const noexcept { return figures_.arena_allocations; }
  [[nodiscard]] uint64_t pool_hits() const noexcept { return figures_.pool_hits; }
  [[nodiscard]] uint64_t pool_misses() const noexcept { return figures_.pool_misses; }
  [[nodiscard]] uint64_t cache_hits() const noexcept { return figures_.cache_hits; }
  [[nodiscard]] uint64_t cache_misses() const noexcept { return figures_.cache_misses; }

  /// From 0 to 1; 0 where nothing was asked for yet.
  [[nodiscard]] double pool_hit_rate() const noexcept { return rate(figures_.pool_hits, figures_.pool_misses); }
  [[nodiscard]] double cache_hit_rate() const noexcept { return rate(figures_.cache_hits, figures_.cache_misses); }

 private:
  static double rate(uint64_t hits, uint64_t misses) noexcept {
    const double all = static_cast<double>(hits) + static_cast<double>(misses);
    return all == 0 ? 0 : static_cast<double>(hits) / all;
  }

  bursar_metrics figures_{};
};

}  // namespace bursar
