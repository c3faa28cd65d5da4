// Large blocks: page runs inside segments, places in tracts, and mappings of their own.
#include "allocator/large.h"

#include <atomic>
#include <bit>
#include <cstring>

#include "allocator/depot.h"
#include "allocator/mapping_cache.h"
#include "allocator/metadata.h"
#include "allocator/os.h"
#include "allocator/page_map.h"
#include "allocator/page_source.h"
#include "allocator/settings.h"
#include "allocator/size_class.h"
#include "allocator/tracts.h"

namespace bursar::large {
namespace {

/// A block that grew once gets an eighth more than asked, as address space: the next steps need no system call.
constexpr size_t growth_slack_divisor = 8;

/// From so many dirty granules on, a block that is to read zero gets fresh pages for them: tables that large are often used in part
/// only, and what is cleared is resident. (From 2 MiB on: 20 % more time, half more memory in bench/workloads/zeroed.c.)
constexpr size_t cleared_by_purge_min = 512 * KiB / granule_bytes;

/// A block that grows goes to a tract earlier, to where it can grow on.
constexpr size_t grown_in_tract_bytes_min = 128 * KiB;

constinit MappingCache cache;
constinit Tracts tracts;
constinit LargeRun* spare_records = nullptr;
constinit LargeRun* mappings_in_use = nullptr;

/// The large blocks freed last, told from foreign pointers when one of them is freed again. Under the depot's lock, but
/// read without: the reader is about to abort.
constexpr size_t freed_last_count = 16;
constinit uintptr_t freed_last[freed_last_count]{};
constinit size_t freed_last_next = 0;
constinit std::atomic<size_t> mappings_bytes{0};
constinit std::atomic<size_t> mappings{0};

void note_freed_locked(uintptr_t start) noexcept {
  freed_last[freed_last_next] = start;
  freed_last_next = (freed_last_next + 1) % freed_last_count;
}

LargeRun* take_record_locked() noexcept {
  LargeRun* record = spare_records;
  if (record == nullptr) return static_cast<LargeRun*>(metadata::allocate_locked(sizeof(LargeRun)));
  spare_records = record->next_spare;
  return record;
}

void put_record_locked(LargeRun* record) noexcept {
  record->kind = RunKind::unused;
  record->tag.store(0, std::memory_order_relaxed);
  record->next_spare = spare_records;
  spare_records = record;
}

/// What is added may be negative, modulo 2^64. Not read-modify-write operations: the lock keeps other writers out.
void count_locked(size_t more_bytes, size_t more_mappings) noexcept {
  mappings_bytes.store(mappings_bytes.load(std::memory_order_relaxed) + more_bytes, std::memory_order_relaxed);
  mappings.store(mappings.load(std::memory_order_relaxed) + more_mappings, std::memory_order_relaxed);
}

/// A mapping is entered in the page map with its first granule only: a word for each would make a block of a TiB cost a
/// hundred MiB.
void enter_locked(LargeRun* run) noexcept {
  page_map.set_run(run->start, 1, run);
  count_locked(run->bytes, 1);
  run->previous_mapping = nullptr;
  run->next_mapping = mappings_in_use;
  if (mappings_in_use != nullptr) mappings_in_use->previous_mapping = run;
  std::atomic_thread_fence(std::memory_order_release);  // for a child of this moment: see mend_mappings
  mappings_in_use = run;
}

void withdraw_locked(LargeRun* run) noexcept {
  page_map.set_run(run->start, 1, nullptr);
  count_locked(-run->bytes, size_t{0} - 1);
  if (run->next_mapping != nullptr) run->next_mapping->previous_mapping = run->previous_mapping;
  if (run->previous_mapping != nullptr) {
    run->previous_mapping->next_mapping = run->next_mapping;
  } else if (mappings_in_use == run) {  // not in a child that has forgotten the list, and finds its first one here
    mappings_in_use = run->next_mapping;
  }
}

/// In a child. Another thread may have been at the list, but it puts a block there, or takes one out, by a single store to a link forward: so
/// these lead from block to block, and those back are made anew.
void mend_mappings() noexcept {
  LargeRun* previous = nullptr;
  for (LargeRun* run = mappings_in_use; run != nullptr; run = run->next_mapping) {
    run->previous_mapping = previous;
    previous = run;
  }
}

Mapping take_mapping_locked(size_t bytes, size_t alignment, Zeroed& zeroed) noexcept {
  zeroed = Zeroed::no;
  Mapping mapping = cache.take_locked(bytes, alignment);
  if (mapping.start != 0) return mapping;
  void* start = page_source::map(bytes, alignment);
  if (start == nullptr && cache.purge_locked(UINT64_MAX)) start = page_source::map(bytes, alignment);
  if (start == nullptr) return {};
  zeroed = page_source::reads_zero() ? Zeroed::yes : Zeroed::no;
  if (page_map.cover(address_of(start), granule_bytes)) return {address_of(start), bytes};
  (void)page_source::unmap(start, bytes);
  return {};
}

void* allocate_mapping(size_t bytes, size_t alignment, Zeroed& zeroed) noexcept {
  if (alignment < granule_bytes) alignment = granule_bytes;
  bytes = round_up(bytes, granule_bytes);
  const LockGuard guard(depot.lock());
  LargeRun* run = take_record_locked();
  if (run == nullptr) return nullptr;
  const Mapping mapping = take_mapping_locked(bytes, alignment, zeroed);
  if (mapping.start == 0) {
    put_record_locked(run);
    return nullptr;
  }
  run->start = mapping.start;
  run->segment = nullptr;
  run->kind = RunKind::mapping;
  run->granules = 0;
  run->bytes = mapping.bytes;
  run->tract = nullptr;
  enter_locked(run);
  return pointer_to(mapping.start);
}

void* enter_range_locked(LargeRun* run, const Tracts::Range& range) noexcept {
  run->start = range.tract->address_at(range.first);
  run->segment = nullptr;
  run->kind = RunKind::mapping;
  run->granules = 0;
  run->bytes = range.count * granule_bytes;
  run->tract = range.tract;
  enter_locked(run);
  return pointer_to(run->start);
}

/// Blocks in tracts start at a multiple of an eighth to a quarter of their size: where few different places are starts, a new
/// block's first page is mostly warm. Huge pages want the upper bound.
size_t start_unit_of(size_t bytes) noexcept {
  const size_t unit = std::bit_floor(bytes) / 4;
  return unit < huge_page_bytes ? unit : huge_page_bytes;
}

/// A block in a tract, cleared if asked; null when there is none to be had.
void* allocate_range(size_t bytes, size_t alignment, Zeroed wanted, Growth growth) noexcept {
  const size_t count = round_up(bytes, granule_bytes) / granule_bytes;
  if (alignment < start_unit_of(bytes)) alignment = start_unit_of(bytes);
  const auto placement = growth == Growth::expected ? Tracts::Placement::with_room : Tracts::Placement::low;
  Tracts::Range range{};
  void* block = nullptr;
  {
    const LockGuard guard(depot.lock());
    LargeRun* run = take_record_locked();
    if (run == nullptr) return nullptr;
    range = tracts.take_locked(count, alignment, placement);
    if (range.tract == nullptr) {
      put_record_locked(run);
      return nullptr;
    }
    block = enter_range_locked(run, range);
    if (wanted == Zeroed::yes && range.dirty_end - range.dirty_first >= cleared_by_purge_min &&
        Tracts::clear_locked(range)) {
      range.dirty_end = range.dirty_first;
    }
  }
  if (wanted == Zeroed::no || range.dirty_first == range.dirty_end) return block;
  const size_t dirty_offset = (range.dirty_first - range.first) * granule_bytes;
  memset(pointer_to(address_of(block) + dirty_offset), 0, (range.dirty_end - range.dirty_first) * granule_bytes);
  return block;
}

void* resize_range(LargeRun* run, size_t bytes) noexcept {
  const LockGuard guard(depot.lock());
  Tract& tract = *run->tract;
  const size_t first = tract.granule_of(run->start);
  const size_t before = run->bytes / granule_bytes;
  const size_t after = round_up(bytes, granule_bytes) / granule_bytes;
  if (after > before && !tracts.extend_locked(tract, first, before, after)) return nullptr;
  if (after < before) tracts.give_locked(tract, first + after, before - after);
  count_locked((after - before) * granule_bytes, 0);
  run->bytes = after * granule_bytes;
  return pointer_to(run->start);
}

void* allocate_pages(size_t bytes, size_t alignment, Zeroed& zeroed) noexcept {
  const size_t granules = round_up(bytes, granule_bytes) / granule_bytes;
  const size_t granule_alignment = alignment <= granule_bytes ? 1 : alignment / granule_bytes;
  Run* run = depot.acquire(granules, granule_alignment, RunKind::pages, zeroed);
  if (run == nullptr) return nullptr;
  static_cast<LargeRun*>(run)->bytes = granules * granule_bytes;
  return pointer_to(run->start);
}

void* resize_pages(LargeRun* run, size_t bytes) noexcept {
  if (bytes > in_segment_bytes_max) return nullptr;
  const size_t granules = round_up(bytes, granule_bytes) / granule_bytes;
  if (granules < run->granules) depot.shrink(run, granules);
  if (granules > run->granules && !depot.grow(run, granules)) return nullptr;
  run->bytes = granules * granule_bytes;
  return pointer_to(run->start);
}

/// Where the mapping stands with its new size, in place or moved; null when neither can be had.
void* remap_locked(LargeRun* run, size_t bytes) noexcept {
  void* start = pointer_to(run->start);
  if (page_source::resize_in_place(start, run->bytes, bytes)) return start;
  void* target = page_source::reserve(bytes, granule_bytes);
  if (target == nullptr) return nullptr;
  if (!page_map.cover(address_of(target), granule_bytes)) {
    (void)page_source::release(target, bytes);
    return nullptr;
  }
  return page_source::move(start, run->bytes, target, bytes) ? target : nullptr;
}

void* resize_mapping(LargeRun* run, size_t bytes) noexcept {
  if (bytes <= in_segment_bytes_max) return nullptr;
  const size_t exact = round_up(bytes, granule_bytes);
  if (exact == run->bytes) return pointer_to(run->start);
  size_t granted = exact;
  if (bytes > run->bytes && exact < request_bytes_max / 2) {
    granted = round_up(exact + exact / growth_slack_divisor, granule_bytes);
  }
  const LockGuard guard(depot.lock());
  // Withdrawn before it moves: the moment its old range is free, another thread may map and enter a block there.
  withdraw_locked(run);
  void* start = remap_locked(run, granted);
  if (start == nullptr && granted != exact) {
    granted = exact;
    start = remap_locked(run, granted);
  }
  if (start != nullptr) {
    run->start = address_of(start);
    run->bytes = granted;
  }
  enter_locked(run);
  return start;
}

}  // namespace

void* allocate(size_t bytes, size_t alignment, Zeroed wanted, Growth growth) noexcept {
  if (bytes == 0) bytes = 1;
  const size_t tract_min = growth == Growth::expected ? grown_in_tract_bytes_min : in_tract_bytes_min;
  if (bytes > tract_min && bytes <= in_tract_bytes_max && alignment <= in_tract_bytes_max) {
    if (void* block = allocate_range(bytes, alignment, wanted, growth)) return block;
  }
  Zeroed zeroed{};
  const bool fits_segment = bytes <= in_segment_bytes_max && alignment <= in_segment_bytes_max;
  void* block = fits_segment ? allocate_pages(bytes, alignment, zeroed) : allocate_mapping(bytes, alignment, zeroed);
  if (block != nullptr && wanted == Zeroed::yes && zeroed == Zeroed::no) memset(block, 0, bytes);
  return block;
}

void deallocate(Run* run) noexcept {
  const LockGuard guard(depot.lock());
  note_freed_locked(run->start);
  if (run->kind == RunKind::pages) return depot.retire_locked(run);
  auto* large_run = static_cast<LargeRun*>(run);
  withdraw_locked(large_run);
  if (large_run->tract != nullptr) {
    Tract& tract = *large_run->tract;
    tracts.give_locked(tract, tract.granule_of(large_run->start), large_run->bytes / granule_bytes);
  } else {
    cache.put_locked({large_run->start, large_run->bytes});
  }
  put_record_locked(large_run);
}

void* resize(Run* run, size_t bytes) noexcept {
  auto* large_run = static_cast<LargeRun*>(run);
  if (run->kind == RunKind::pages) return resize_pages(large_run, bytes);
  return large_run->tract != nullptr ? resize_range(large_run, bytes) : resize_mapping(large_run, bytes);
}

void report_no_block(const void* pointer, Caller caller) noexcept {
  for (const uintptr_t start : freed_last) {
    if (start == address_of(pointer) && start != 0) report_double_free(pointer);
  }
  const Run* below = page_map.run_below(pointer);
  if (below != nullptr && below->kind == RunKind::mapping) {
    const uintptr_t offset = address_of(pointer) - below->start;
    if (offset < usable_bytes(below)) report_interior_pointer(pointer, pointer_to(below->start), caller);
  }
  report_foreign_pointer(pointer, caller);
}

void purge_due() noexcept {
  const bool is_cached = cache.kept_bytes() != 0;
  if (settings.purge_ms < 0 || (!is_cached && !tracts.is_dirty())) return;
  const uint64_t before_ms = purge_before_ms(os::now_ms(), settings.purge_ms);
  if ((!is_cached && !tracts.is_due(before_ms)) || !depot.lock().try_acquire()) return;
  (void)cache.purge_locked(before_ms);
  (void)tracts.purge_locked(before_ms);
  depot.lock().release();
}

bool purge_all() noexcept {
  const LockGuard guard(depot.lock());
  const bool any_dirty = tracts.purge_locked(UINT64_MAX);
  return cache.purge_locked(UINT64_MAX) || any_dirty;
}

LargeRun* first_mapping_locked() noexcept { return mappings_in_use; }

size_t mapped_bytes() noexcept { return mappings_bytes.load(std::memory_order_relaxed); }
size_t mapping_count() noexcept { return mappings.load(std::memory_order_relaxed); }

void validate() noexcept { tracts.validate(); }

void forget_after_fork() noexcept {
  cache.forget_after_fork();
  tracts.forget_after_fork();
  spare_records = nullptr;
  // Without tags nobody walks over it, and the pages of the records are not worth a copy.
  settings.keeps_tags ? mend_mappings() : void(mappings_in_use = nullptr);
}

}  // namespace bursar::large
