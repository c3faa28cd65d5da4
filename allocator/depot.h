// The depot: all segments of the process; hands out runs and gives what lies free back to the system in time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/lock.h"
#include "allocator/run.h"
#include "allocator/segment.h"
#include "allocator/settings.h"

namespace bursar {

/// One lock guards it all: runs are wanted once in thousands of blocks.
///
///   shelves   segments by the length of their longest free run, so that a run is looked for where it just fits:
///             full segments stay full, empty ones empty out and can go
///   purge     segments with dirty free granules, the longest free first
///
///   I1  a segment stands on the shelf of its longest free run (shelf 0: full ones)
///   I2  a segment in the purge queue has dirty granules; one whose purge was refused or held back by a huge page is not
///   I3  the queue is ordered by dirty_since_ms
///   I4  waiting_granules_ is the number of dirty granules of the segments in the purge queue
class Depot {
 public:
  /// A run of granules, committed and entered in the page map, of a kind and with a zeroed record otherwise. Null
  /// when the system refuses. `zeroed` tells whether all its bytes read zero.
  /// Pre: granules in [1, segment_granules], alignment in granules.
  [[nodiscard]] Run* acquire(size_t granules, size_t alignment, RunKind kind, Zeroed& zeroed) noexcept;

  /// Takes a run back, out of the page map.
  void retire(Run* run) noexcept;
  void retire_locked(Run* run) noexcept;

  /// Extends a run upwards, if the granules behind it are free.
  [[nodiscard]] bool grow(Run* run, size_t granules) noexcept;

  /// Gives the upper granules of a run back.
  void shrink(Run* run, size_t granules) noexcept;

  /// Gives back what has been free for the purge delay. Cheap when nothing is due.
  void purge_due() noexcept;

  /// True when so much free memory waits for the clock that threads had better look at it often: then one that frees a lot
  /// and hardly calls any more must not keep it. Never where nothing is ever given back. Cost: two loads.
  [[nodiscard]] bool wants_attention() const noexcept {
    return waiting_granules_.load(std::memory_order_relaxed) >= attention_granules && settings.purge_ms >= 0;
  }

  /// Gives all free memory back now. True when there was any.
  bool purge_all() noexcept;

  [[nodiscard]] Lock& lock() noexcept { return lock_; }

  /// All segments that ever were, those of a forgotten depot too; the others follow by next_made. Those that are empty may have no
  /// memory. Pre: the lock is held.
  [[nodiscard]] Segment* first_made_locked() noexcept { return segments_made_; }

  /// In a child whose parent's other thread held the lock: what it guarded is given up, not used. Runs in use stay
  /// valid; free granules of the parent's segments are lost to the child.
  void forget_after_fork() noexcept;

  struct Figures {
    size_t segments_bytes;   // address space
    size_t committed_bytes;  // of those
    size_t free_bytes;       // of the committed
  };
  [[nodiscard]] Figures measure() noexcept;

  /// Checks I1 to I3 and every segment's invariants. Pre: no other thread is active.
  void validate() noexcept;

 private:
  static constexpr size_t shelf_count = segment_granules + 1;

  /// 32 MiB: less is not worth two instructions more for each malloc while it waits.
  static constexpr size_t attention_granules = 32 * MiB / granule_bytes;

  enum class Reach : unsigned char { all, committed };
  struct Place {
    Segment* segment;  // null: nowhere
    size_t first;
  };
  [[nodiscard]] Place find_place(size_t granules, size_t alignment, Reach reach) noexcept;
  [[nodiscard]] Run* take_run(Segment& segment, size_t first, size_t granules, RunKind kind, Zeroed& zeroed) noexcept;
  void take_granules(Segment& segment, size_t first, size_t count) noexcept;
  void return_granules(Segment& segment, size_t first, size_t count) noexcept;
  [[nodiscard]] Segment* add_segment() noexcept;
  [[nodiscard]] bool commit_up_to(Segment& segment, size_t granule) noexcept;
  void give_back(Segment& segment, size_t first, size_t count) noexcept;
  void put_on_shelf(Segment& segment) noexcept;
  void take_from_shelf(Segment& segment) noexcept;
  void enqueue_purge(Segment& segment) noexcept;
  void dequeue_purge(Segment& segment) noexcept;
  void purge_locked(uint64_t free_before_ms) noexcept;
  void purge_segment(Segment& segment) noexcept;
  void set_dirty(Segment& segment, GranuleBits dirty) noexcept;
  void count_waiting(int granules) noexcept;
  [[nodiscard]] bool release_segment(Segment& segment) noexcept;
  [[nodiscard]] HugePages wants_huge_pages() const noexcept;
  [[nodiscard]] size_t committed_bytes() const noexcept { return committed_granules_ * granule_bytes; }

  Lock lock_;
  Segment* shelves_[shelf_count]{};
  Segment* purge_first_ = nullptr;
  Segment* purge_last_ = nullptr;
  std::atomic<bool> has_purge_work_{false};
  std::atomic<size_t> waiting_granules_{0};  // written under the lock, read by anybody
  Segment* spare_records_ = nullptr;
  Segment* segments_made_ = nullptr;
  size_t segment_count_ = 0;
  size_t committed_granules_ = 0;
  uint32_t generation_ = 0;
  uint32_t returns_ = 0;
};

extern constinit Depot depot;

}  // namespace bursar
