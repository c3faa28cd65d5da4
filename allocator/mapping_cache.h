// Mappings of large blocks that were freed a moment ago, kept for the next one under the purge clock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

struct Mapping {
  uintptr_t start;
  size_t bytes;
};

/// All under the depot's lock. Faulting a MiB in costs a quarter to half a millisecond, which is what a program pays that
/// allocates and frees the same large block in turn.
///
///   I1  entries with start 0 are free; kept_bytes_ is the sum of the others' bytes
class MappingCache {
 public:
  /// A mapping of at least `bytes` at a multiple of `alignment`, and at most a quarter larger; start 0 if there is none.
  [[nodiscard]] Mapping take_locked(size_t bytes, size_t alignment) noexcept;

  /// Keeps the mapping, or unmaps it (and older ones) when it would be too much.
  void put_locked(Mapping mapping) noexcept;

  /// Unmaps what was kept since before `kept_before_ms`. True when there was any.
  bool purge_locked(uint64_t kept_before_ms) noexcept;

  [[nodiscard]] size_t kept_bytes() const noexcept { return kept_bytes_.load(std::memory_order_relaxed); }

  void forget_after_fork() noexcept;

 private:
  struct Entry {
    Mapping mapping;
    uint64_t since_ms;
  };

  /// 16 mappings of together 64 MiB: a working set of large buffers, and a bound on what a program may be
  /// charged for having freed.
  static constexpr size_t entries_max = 16;
  static constexpr size_t kept_bytes_max = 64 * MiB;

  void drop(Entry& entry) noexcept;
  /// The entry kept longest; null when there is none.
  [[nodiscard]] Entry* oldest() noexcept;

  Entry entries_[entries_max]{};
  std::atomic<size_t> kept_bytes_{0};  // written under the lock, read by anybody
};

}  // namespace bursar
