// The figures of the runtime as reports name them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "interpose/account/ledger_format.h"

namespace bursar::ledger {

/// How a figure is told. All are counters: what was told so far.
struct RuntimeFigureName {
  const char* name;   // of JSON's key and, behind bursar_, of the metric
  const char* label;  // for people
  const char* unit;   // of the metric; null: none
  const char* help;
};

/// By RuntimeFigure.
inline constexpr std::array<RuntimeFigureName, runtime_figure_count> runtime_figure_names{{
    {"interned_strings", "interned strings", nullptr, "Texts that interners took in."},
    {"interner_saved_bytes", "interner saved", "bytes", "Bytes of texts that interners had already."},
    {"arena_bytes", "arena bytes", "bytes", "Bytes that arenas handed out."},
    {"arena_allocations", "arena allocations", nullptr, "Blocks that arenas handed out."},
    {"pool_hits", "pool hits", nullptr, "Objects and arenas that pools lent without a call of the heap."},
    {"pool_misses", "pool misses", nullptr, "Objects and arenas for which pools called the heap."},
    {"cache_hits", "cache hits", nullptr, "Look-ups that found what they asked for: of an interner, the text."},
    {"cache_misses", "cache misses", nullptr, "Look-ups that had to make it."},
}};

/// The figures of a ledger at one moment, or of several ledgers together.
class RuntimeTotals {
 public:
  /// Cost: eight loads.
  void add(const Header& header) noexcept {
    for (size_t i = 0; i < runtime_figure_count; ++i) sums_[i] += header.runtime[i].load(std::memory_order_relaxed);
  }

  /// 0 where more was taken away than was told, as in a child that gives back what its parent took.
  [[nodiscard]] uint64_t of(RuntimeFigure figure) const noexcept { return at(static_cast<size_t>(figure)); }
  [[nodiscard]] uint64_t at(size_t figure) const noexcept {
    return static_cast<int64_t>(sums_[figure]) < 0 ? 0 : sums_[figure];
  }

  [[nodiscard]] bool are_all_zero() const noexcept {
    for (size_t i = 0; i < runtime_figure_count; ++i) {
      if (at(i) != 0) return false;
    }
    return true;
  }

 private:
  std::array<uint64_t, runtime_figure_count> sums_{};
};

}  // namespace bursar::ledger
