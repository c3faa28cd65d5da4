// The depot: hands out runs and gives what lies free back to the system in time.
#include "allocator/depot.h"

#include <bit>

#include "allocator/check.h"
#include "allocator/metadata.h"
#include "allocator/os.h"
#include "allocator/page_map.h"
#include "allocator/page_source.h"
#include "allocator/settings.h"
#include "allocator/tags.h"

namespace bursar {
namespace {

/// Made usable at once while segments have small pages: little enough for processes that lock their memory, much
/// enough that the call (3 us) is lost beside the page faults (2 to 4 us for each 4 KiB).
constexpr size_t commit_step_granules = 16;
static_assert(commit_step_granules * granule_bytes == 512 * KiB);

/// From this much committed memory on, new segments are advised to have huge pages: one more segment that is
/// resident as a whole adds at most a twelfth then. Decision 0007 has what 8 and 16 MiB cost.
constexpr size_t huge_pages_from_bytes = 24 * MiB;

/// The purge clock is looked at once in this many runs given back.
constexpr uint32_t returns_per_clock_look = 64;

static_assert(alignof(Segment) <= metadata::record_alignment);

constexpr size_t huge_page_granules = huge_page_bytes / granule_bytes;

}  // namespace

constinit Depot depot;

Run* Depot::acquire(size_t granules, size_t alignment, RunKind kind, Zeroed& zeroed) noexcept {
  const LockGuard guard(lock_);
  Place place = find_place(granules, alignment, Reach::all);
  if (place.segment == nullptr) place = {add_segment(), 0};
  if (place.segment == nullptr || !commit_up_to(*place.segment, place.first + granules)) {
    // Close to a limit on memory: what is committed already may do.
    place = find_place(granules, alignment, Reach::committed);
    if (place.segment == nullptr) return nullptr;
  }
  return take_run(*place.segment, place.first, granules, kind, zeroed);
}

Run* Depot::take_run(Segment& segment, size_t first, size_t granules, RunKind kind, Zeroed& zeroed) noexcept {
  zeroed = (segment.dirty & granule_bits(first, granules)) == 0 && page_source::reads_zero() ? Zeroed::yes : Zeroed::no;
  take_granules(segment, first, granules);
  Run* run = segment.record_of(first);
  __builtin_memset(static_cast<void*>(run), 0, run_record_bytes);
  run->start = segment.start + first * granule_bytes;
  run->segment = &segment;
  run->kind = kind;
  run->granules = static_cast<uint8_t>(granules);
  page_map.set_run(run->start, granules, run);
  return run;
}

void Depot::take_granules(Segment& segment, size_t first, size_t count) noexcept {
  const GranuleBits bits = granule_bits(first, count);
  take_from_shelf(segment);
  segment.free_granules &= ~bits;
  set_dirty(segment, segment.dirty & ~bits);
  if (segment.dirty == 0 && segment.awaits_purge) dequeue_purge(segment);
  put_on_shelf(segment);
}

void Depot::retire(Run* run) noexcept {
  const LockGuard guard(lock_);
  retire_locked(run);
}

void Depot::retire_locked(Run* run) noexcept {
  Segment& segment = *run->segment;
  const size_t granules = run->granules;
  page_map.set_run(run->start, granules, nullptr);
  run->kind = RunKind::unused;
  return_granules(segment, segment.granule_of(run->start), granules);
}

bool Depot::grow(Run* run, size_t granules) noexcept {
  const LockGuard guard(lock_);
  Segment& segment = *run->segment;
  const size_t first = segment.granule_of(run->start);
  if (segment.generation != generation_ || first + granules > segment_granules) return false;
  const GranuleBits bits = granule_bits(first + run->granules, granules - run->granules);
  if ((segment.free_granules & bits) != bits) return false;
  if (!commit_up_to(segment, first + granules)) return false;
  take_granules(segment, first + run->granules, granules - run->granules);
  page_map.set_run(run->start + run->granules * granule_bytes, granules - run->granules, run);
  run->granules = static_cast<uint8_t>(granules);
  return true;
}

void Depot::shrink(Run* run, size_t granules) noexcept {
  const LockGuard guard(lock_);
  Segment& segment = *run->segment;
  const size_t freed = run->granules - granules;
  page_map.set_run(run->start + granules * granule_bytes, freed, nullptr);
  run->granules = static_cast<uint8_t>(granules);
  return_granules(segment, segment.granule_of(run->start) + granules, freed);
}

void Depot::return_granules(Segment& segment, size_t first, size_t count) noexcept {
  if (segment.generation == generation_) return give_back(segment, first, count);
  // A depot that was forgotten in a fork does not know its segments any more: the run stays mapped, unused, without memory.
  (void)page_source::purge(pointer_to(segment.start + first * granule_bytes), count * granule_bytes);
}

void Depot::give_back(Segment& segment, size_t first, size_t count) noexcept {
  take_from_shelf(segment);
  segment.free_granules |= granule_bits(first, count);
  set_dirty(segment, segment.dirty | granule_bits(first, count));
  put_on_shelf(segment);
  // The clock runs from the first run freed since the last purge: if each one wound it up again, a busy segment
  // would never give anything back.
  const bool begins_waiting = !segment.awaits_purge;
  if (begins_waiting || ++returns_ % returns_per_clock_look == 0 || settings.purge_ms == 0) {
    const uint64_t now_ms = os::now_ms();
    if (begins_waiting) {
      segment.dirty_since_ms = now_ms;
      enqueue_purge(segment);
    }
    if (settings.purge_ms >= 0) purge_locked(purge_before_ms(now_ms, settings.purge_ms));
  }
  if constexpr (checked_build) bursar::validate(segment);
}

void Depot::set_dirty(Segment& segment, GranuleBits dirty) noexcept {
  if (segment.awaits_purge) count_waiting(std::popcount(dirty) - std::popcount(segment.dirty));
  segment.dirty = dirty;
}

void Depot::count_waiting(int granules) noexcept {
  const size_t waiting = waiting_granules_.load(std::memory_order_relaxed);
  waiting_granules_.store(waiting + static_cast<size_t>(granules), std::memory_order_relaxed);
}

Depot::Place Depot::find_place(size_t granules, size_t alignment, Reach reach) noexcept {
  for (size_t shelf = granules; shelf < shelf_count; ++shelf) {
    for (Segment* segment = shelves_[shelf]; segment != nullptr; segment = segment->next) {
      const size_t end = reach == Reach::all ? segment_granules : segment->committed;
      const size_t first = find_run(segment->free_granules & granule_bits(0, end), granules, alignment);
      if (first < segment_granules) return {segment, first};
    }
  }
  return {nullptr, 0};
}

Segment* Depot::add_segment() noexcept {
  Segment* segment = spare_records_;
  if (segment != nullptr) {
    spare_records_ = segment->next;
  } else {
    segment = static_cast<Segment*>(metadata::allocate_locked(sizeof(Segment)));
    if (segment == nullptr) return nullptr;
    segment->next_made = segments_made_;
    segments_made_ = segment;
  }
  void* start = page_source::reserve(segment_bytes, segment_bytes);
  if (start == nullptr || !page_map.cover(address_of(start), segment_bytes)) {
    if (start != nullptr) (void)page_source::release(start, segment_bytes);
    segment->next = spare_records_;
    spare_records_ = segment;
    return nullptr;
  }
  segment->start = address_of(start);
  segment->free_granules = ~GranuleBits{0};
  segment->dirty = 0;
  segment->committed = 0;
  segment->generation = generation_;
  segment->huge_pages = wants_huge_pages();
  segment->awaits_purge = false;
  ++segment_count_;
  put_on_shelf(*segment);
  return segment;
}

HugePages Depot::wants_huge_pages() const noexcept {
  switch (settings.huge_pages) {
    case HugePagesSetting::on: return HugePages::yes;
    case HugePagesSetting::off: return HugePages::no;
    case HugePagesSetting::automatic: break;
  }
  return committed_bytes() >= huge_pages_from_bytes ? HugePages::yes : HugePages::no;
}

bool Depot::commit_up_to(Segment& segment, size_t granule) noexcept {
  if (granule <= segment.committed) return true;
  size_t target = segment.committed + commit_step_granules;
  if (target < granule) target = granule;
  if (target > segment_granules || segment.huge_pages == HugePages::yes) target = segment_granules;
  void* start = pointer_to(segment.start + segment.committed * granule_bytes);
  size_t bytes = (target - segment.committed) * granule_bytes;
  if (!page_source::commit(start, bytes)) {
    // Close to a limit the exact need may still fit.
    target = granule;
    bytes = (target - segment.committed) * granule_bytes;
    if (!page_source::commit(start, bytes)) return false;
  }
  if (segment.huge_pages == HugePages::yes && segment.committed == 0) os::advise_huge_pages(start, bytes);
  committed_granules_ += target - segment.committed;
  segment.committed = static_cast<uint32_t>(target);
  return true;
}

void Depot::put_on_shelf(Segment& segment) noexcept {
  const size_t shelf = longest_run(segment.free_granules);
  segment.shelf = static_cast<uint8_t>(shelf);
  segment.previous = nullptr;
  segment.next = shelves_[shelf];
  if (segment.next != nullptr) segment.next->previous = &segment;
  shelves_[shelf] = &segment;
}

void Depot::take_from_shelf(Segment& segment) noexcept {
  if (segment.next != nullptr) segment.next->previous = segment.previous;
  if (segment.previous != nullptr) {
    segment.previous->next = segment.next;
  } else {
    shelves_[segment.shelf] = segment.next;
  }
}

void Depot::enqueue_purge(Segment& segment) noexcept {
  segment.awaits_purge = true;
  count_waiting(std::popcount(segment.dirty));
  segment.purge_next = nullptr;
  segment.purge_previous = purge_last_;
  (purge_last_ != nullptr ? purge_last_->purge_next : purge_first_) = &segment;
  purge_last_ = &segment;
  has_purge_work_.store(true, std::memory_order_relaxed);
}

void Depot::dequeue_purge(Segment& segment) noexcept {
  count_waiting(-std::popcount(segment.dirty));
  segment.awaits_purge = false;
  (segment.purge_next != nullptr ? segment.purge_next->purge_previous : purge_last_) = segment.purge_previous;
  (segment.purge_previous != nullptr ? segment.purge_previous->purge_next : purge_first_) = segment.purge_next;
  has_purge_work_.store(purge_first_ != nullptr, std::memory_order_relaxed);
}

void Depot::purge_due() noexcept {
  // Read without the lock: a stale answer only moves the purge to the next call.
  if (settings.purge_ms < 0 || !has_purge_work_.load(std::memory_order_relaxed)) return;
  if (!lock_.try_acquire()) return;
  purge_locked(purge_before_ms(os::now_ms(), settings.purge_ms));
  lock_.release();
}

bool Depot::purge_all() noexcept {
  const LockGuard guard(lock_);
  const bool any = purge_first_ != nullptr;
  purge_locked(UINT64_MAX);
  return any;
}

void Depot::purge_locked(uint64_t free_before_ms) noexcept {
  // A segment whose free granules cannot be given back yet leaves the queue and returns when more is freed.
  while (purge_first_ != nullptr && purge_first_->dirty_since_ms < free_before_ms) {
    Segment& segment = *purge_first_;
    dequeue_purge(segment);
    if (segment.is_empty() && release_segment(segment)) continue;
    purge_segment(segment);
  }
}

void Depot::purge_segment(Segment& segment) noexcept {
  // Of a segment with huge pages only whole ones go: breaking one costs the speed it was made for.
  const size_t unit = segment.huge_pages == HugePages::yes ? huge_page_granules : 1;
  for (size_t first = 0; first < segment_granules;) {
    size_t end = first;
    while (end < segment_granules) {
      const GranuleBits bits = granule_bits(end, unit);
      if ((segment.free_granules & bits) != bits || (segment.dirty & bits) == 0) break;
      end += unit;
    }
    if (end == first) {
      first += unit;
      continue;
    }
    void* start = pointer_to(segment.start + first * granule_bytes);
    if (page_source::purge(start, (end - first) * granule_bytes)) {
      set_dirty(segment, segment.dirty & ~granule_bits(first, end - first));
    }
    first = end;
  }
}

bool Depot::release_segment(Segment& segment) noexcept {
  if (!page_source::release(pointer_to(segment.start), segment_bytes)) return false;
  take_from_shelf(segment);
  set_dirty(segment, 0);
  committed_granules_ -= segment.committed;
  --segment_count_;
  segment.next = spare_records_;
  spare_records_ = &segment;
  return true;
}

Depot::Figures Depot::measure() noexcept {
  const LockGuard guard(lock_);
  size_t free_granules = 0;
  for (Segment* shelf : shelves_) {
    for (const Segment* segment = shelf; segment != nullptr; segment = segment->next) {
      const GranuleBits committed = granule_bits(0, segment->committed);
      free_granules += static_cast<size_t>(std::popcount(segment->free_granules & committed));
    }
  }
  return {segment_count_ * segment_bytes, committed_bytes(), free_granules * granule_bytes};
}

void Depot::forget_after_fork() noexcept {
  for (Segment*& shelf : shelves_) shelf = nullptr;
  purge_first_ = nullptr;
  purge_last_ = nullptr;
  has_purge_work_.store(false, std::memory_order_relaxed);
  spare_records_ = nullptr;
  segment_count_ = 0;
  committed_granules_ = 0;
  waiting_granules_.store(0, std::memory_order_relaxed);
  ++generation_;
  lock_.reset();
  metadata::forget_after_fork();
  tags::forget_after_fork();
  page_source::forget_after_fork();
}

void Depot::validate() noexcept {
  for (size_t shelf = 0; shelf < shelf_count; ++shelf) {
    for (Segment* segment = shelves_[shelf]; segment != nullptr; segment = segment->next) {
      bursar::validate(*segment);
      BURSAR_CHECK(segment->shelf == shelf && longest_run(segment->free_granules) == shelf);  // I1
    }
  }
  size_t waiting = 0;
  for (Segment* segment = purge_first_; segment != nullptr; segment = segment->purge_next) {
    BURSAR_CHECK(segment->awaits_purge && segment->dirty != 0);  // I2
    waiting += static_cast<size_t>(std::popcount(segment->dirty));
    BURSAR_CHECK(segment->purge_next == nullptr || segment->dirty_since_ms <= segment->purge_next->dirty_since_ms);
  }
  BURSAR_CHECK(waiting == waiting_granules_.load(std::memory_order_relaxed));  // I4
}

}  // namespace bursar
