// All tracts: where large blocks lie side by side, and which of their free pages are kept for the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/tract.h"
#include "allocator/units.h"

namespace bursar {

/// All under the depot's lock, but for is_dirty().
///
/// First fit at low addresses, so that warm pages are used before fresh ones. What is kept dirty never makes the process
/// larger than its blocks have made it already: fresh granules are handed out only while those in use and those kept dirty
/// together are at most the most that ever were in use; beyond, as many dirty ones go back to the system.
///
///   I1  in_use_, dirty_ and the tracts' bits agree; in_use_ <= most_in_use_
///   I2  dirty_since_ms_ is when the first of the dirty granules became free, or earlier
class Tracts {
 public:
  /// Where a block is to lie: as low as possible, or with free granules behind it.
  enum class Placement : uint8_t { low, with_room };

  /// Granules of a tract; with `tract` null for nowhere. Those in [dirty_first, dirty_end) may hold old data, the others read zero.
  struct Range {
    Tract* tract;
    size_t first;
    size_t count;
    size_t dirty_first;
    size_t dirty_end;
  };

  [[nodiscard]] Range take_locked(size_t count, size_t alignment, Placement placement) noexcept;
  void give_locked(Tract& tract, size_t first, size_t count) noexcept;

  /// Takes the granules behind a block, if they are free.
  [[nodiscard]] bool extend_locked(Tract& tract, size_t first, size_t count, size_t new_count) noexcept;

  /// Gives all dirty granules back if the first became free before then, and with UINT64_MAX in any case. True when there were any.
  bool purge_locked(uint64_t dirty_before_ms) noexcept;

  /// Gives dirty granules of a block just taken back, so that they read zero. False when they do not.
  [[nodiscard]] static bool clear_locked(const Range& range) noexcept;

  [[nodiscard]] bool is_dirty() const noexcept { return dirty_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool is_due(uint64_t dirty_before_ms) const noexcept {
    return is_dirty() && dirty_since_ms_.load(std::memory_order_relaxed) < dirty_before_ms;
  }

  void forget_after_fork() noexcept;

  /// Checks I1 and every tract's invariants. Pre: no other thread is active.
  void validate() const noexcept;

 private:
  [[nodiscard]] Tract* add_tract() noexcept;
  [[nodiscard]] Tract* take_record() noexcept;
  [[nodiscard]] bool release_tract(Tract& tract) noexcept;
  [[nodiscard]] Range find_locked(size_t count, size_t alignment, size_t room) noexcept;
  [[nodiscard]] static bool commit_up_to(Tract& tract, size_t granule) noexcept;
  /// True when some of them were fresh.
  bool account_taken(Tract& tract, size_t first, size_t count) noexcept;
  void purge_excess() noexcept;
  [[nodiscard]] bool purge_row(Tract& tract, size_t first, size_t end) noexcept;
  void look_for_sparse() noexcept;
  void look_at_freed(const Tract& tract, size_t first, size_t count) noexcept;
  [[nodiscard]] bool is_mostly_written(const Tract& tract, size_t first, size_t count) noexcept;
  [[nodiscard]] bool wants_huge_pages(size_t count) const noexcept;
  static void advise_huge_pages(const Tract& tract, size_t first, size_t count) noexcept;
  void set_dirty(size_t granules) noexcept { dirty_.store(granules, std::memory_order_relaxed); }
  [[nodiscard]] size_t dirty_count() const noexcept { return dirty_.load(std::memory_order_relaxed); }

  Tract* tracts_ = nullptr;
  Tract* spare_records_ = nullptr;
  size_t in_use_ = 0;
  size_t most_in_use_ = 0;
  std::atomic<size_t> dirty_{0};             // written under the lock
  std::atomic<uint64_t> dirty_since_ms_{0};  // written under the lock
  uint32_t generation_ = 0;
  uint32_t large_returns_ = 0;
  uint32_t looks_skipped_ = 0;
  uint32_t looks_to_skip_ = 0;
  bool are_written_ = false;  // the large blocks freed last were
  uint32_t sample_ = 0;
};

}  // namespace bursar
