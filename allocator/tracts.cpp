// All tracts: where large blocks lie side by side.
#include "allocator/tracts.h"

#include "allocator/check.h"
#include "allocator/metadata.h"
#include "allocator/os.h"
#include "allocator/page_map.h"
#include "allocator/page_source.h"
#include "allocator/settings.h"

namespace bursar {
namespace {

/// A block that grows gets a place with so many times its size free behind it, where there is one: a vector that grows by halves
/// is copied once in five steps then.
constexpr size_t room_factor = 7;

/// So much may be kept dirty whatever was in use: two blocks of the smallest size.
constexpr size_t kept_granules_min = 2 * MiB / granule_bytes;

/// Programs allocate large tables and use a part, or large buffers and fill them. The former want the few pages back that each block
/// has touched, or all of the tract becomes resident in the end; the latter want huge pages. Contents of freed memory tell them
/// apart. Once in so many frees of blocks from this size on, rows of free granules that hold little are purged. (128: 4 % more
/// time in bench/workloads/large_blocks.c, variant ends, and 0.8 MiB less; 512: 6 % less, and 5 MiB more.)
constexpr size_t sparse_granules_min = 1 * MiB / granule_bytes;
constexpr uint32_t returns_per_look = 192;

/// Shorter rows are left alone: a block of that size is not worth the call.
constexpr size_t sparse_row_granules_min = 4;

/// Blocks from this size on get huge pages for what lies wholly inside them, if blocks freed before were written as a whole.
constexpr size_t huge_pages_from_granules = 4 * MiB / granule_bytes;

/// While freed blocks turn out to be mostly empty, fewer and fewer of them are looked at.
constexpr uint32_t looks_skipped_max = 63;

/// Pages looked at; so many empty ones at the beginning end the look, and so many written ones make the block a written one.
constexpr unsigned samples = 8;
constexpr unsigned empty_samples_max = 3;
constexpr unsigned written_samples_min = 4;
constexpr size_t sampled_page_bytes = 4 * KiB;
constexpr size_t words_per_sample = 16;

/// Whether something but zero stands in places of a free page. Where the page was never written, this costs a fault that takes no
/// memory. The system could tell, but sandboxes kill for asking (mincore).
bool holds_data(uintptr_t page) noexcept {
  for (size_t offset = 0; offset < sampled_page_bytes; offset += sampled_page_bytes / words_per_sample) {
    if (*static_cast<const volatile uint64_t*>(pointer_to(page + offset)) != 0) return true;
  }
  return false;
}

}  // namespace

Tracts::Range Tracts::take_locked(size_t count, size_t alignment, Placement placement) noexcept {
  Range range{};
  if (placement == Placement::with_room) range = find_locked(count, alignment, count * room_factor);
  if (range.tract == nullptr) range = find_locked(count, alignment, 0);
  if (range.tract == nullptr) {
    Tract* tract = add_tract();
    if (tract == nullptr) return {};
    range = find_locked(count, alignment, 0);
    if (range.tract == nullptr) return {};
  }
  const size_t end = range.first + count;
  if (!commit_up_to(*range.tract, end)) return {};
  range.dirty_first = range.tract->dirty.next_set(range.first, end);
  range.dirty_end = range.dirty_first == end ? end : range.tract->dirty.last_set_end(end);
  if (account_taken(*range.tract, range.first, count) && wants_huge_pages(count)) {
    advise_huge_pages(*range.tract, range.first, count);
  }
  return range;
}

Tracts::Range Tracts::find_locked(size_t count, size_t alignment, size_t room) noexcept {
  for (Tract* tract = tracts_; tract != nullptr; tract = tract->next) {
    const size_t first = tract::find(*tract, count, alignment, room);
    if (first != tract_granules) return {tract, first, count, 0, 0};
  }
  return {};
}

bool Tracts::account_taken(Tract& tract, size_t first, size_t count) noexcept {
  const size_t warm = tract::take(tract, first, count);
  set_dirty(dirty_count() - warm);
  in_use_ += count;
  if (in_use_ > most_in_use_) most_in_use_ = in_use_;
  if (warm == count) return false;
  purge_excess();
  return true;
}

void Tracts::give_locked(Tract& tract, size_t first, size_t count) noexcept {
  if (tract.generation != generation_) {
    // Lost in a fork: the granules stay mapped, unused, without memory.
    (void)page_source::purge(pointer_to(tract.address_at(first)), count * granule_bytes);
    return;
  }
  if (count >= huge_pages_from_granules) look_at_freed(tract, first, count);
  if (dirty_count() == 0) dirty_since_ms_.store(os::now_ms(), std::memory_order_relaxed);
  tract::give(tract, first, count);
  in_use_ -= count;
  set_dirty(dirty_count() + count);
  if (settings.purge_ms == 0) {
    (void)purge_row(tract, first, first + count);
    return;
  }
  if (count >= sparse_granules_min && ++large_returns_ % returns_per_look == 0) look_for_sparse();
}

bool Tracts::extend_locked(Tract& tract, size_t first, size_t count, size_t new_count) noexcept {
  if (tract.generation != generation_ || !tract::is_free(tract, first + count, new_count - count)) return false;
  if (!commit_up_to(tract, first + new_count)) return false;
  if (account_taken(tract, first + count, new_count - count) && wants_huge_pages(new_count)) {
    advise_huge_pages(tract, first, new_count);
  }
  return true;
}

bool Tracts::commit_up_to(Tract& tract, size_t granule) noexcept {
  if (granule <= tract.committed) return true;
  void* start = pointer_to(tract.address_at(tract.committed));
  if (!page_source::commit(start, (granule - tract.committed) * granule_bytes)) return false;
  tract.committed = granule;
  return true;
}

Tract* Tracts::add_tract() noexcept {
  // Under a limit of address space blocks get mappings of just their size.
  if (os::address_space_bytes_max() != SIZE_MAX) return nullptr;
  Tract* tract = take_record();
  if (tract == nullptr) return nullptr;
  void* start = page_source::reserve(tract_bytes, huge_page_bytes);
  if (start == nullptr || !page_map.cover(address_of(start), tract_bytes)) {
    if (start != nullptr) (void)page_source::release(start, tract_bytes);
    tract->next = spare_records_;
    spare_records_ = tract;
    return nullptr;
  }
  tract->start = address_of(start);
  tract->committed = 0;
  tract->lowest_free = 0;
  tract->longest_free_max = tract_granules;
  tract->generation = generation_;
  tract->next = nullptr;
  Tract** last = &tracts_;
  while (*last != nullptr) last = &(*last)->next;
  *last = tract;
  return tract;
}

Tract* Tracts::take_record() noexcept {
  Tract* record = spare_records_;
  if (record == nullptr) return static_cast<Tract*>(metadata::allocate_locked(sizeof(Tract)));
  spare_records_ = record->next;
  return record;
}

bool Tracts::release_tract(Tract& tract) noexcept {
  if (!page_source::release(pointer_to(tract.start), tract_bytes)) return false;
  set_dirty(dirty_count() - tract.dirty.clear(0, tract.committed));
  Tract** place = &tracts_;
  while (*place != &tract) place = &(*place)->next;
  *place = tract.next;
  tract.next = spare_records_;
  spare_records_ = &tract;
  return true;
}

bool Tracts::purge_row(Tract& tract, size_t first, size_t end) noexcept {
  if (!page_source::purge(pointer_to(tract.address_at(first)), (end - first) * granule_bytes)) return false;
  set_dirty(dirty_count() - tract.dirty.clear(first, end - first));
  return true;
}

void Tracts::purge_excess() noexcept {
  const size_t most = most_in_use_ + kept_granules_min;
  for (Tract* tract = tracts_; tract != nullptr; tract = tract->next) {
    size_t end = tract->committed;
    while (in_use_ + dirty_count() > most) {
      end = tract->dirty.last_set_end(end);
      if (end == 0) break;
      const size_t excess = in_use_ + dirty_count() - most;
      size_t begin = tract->dirty.row_begin(end);
      if (end - begin > excess) begin = end - excess;
      if (!purge_row(*tract, begin, end)) return;  // locked in memory, or forbidden: so is the rest
      end = begin;
    }
  }
}

void Tracts::look_for_sparse() noexcept {
  const bool is_told = !are_written_ && looks_to_skip_ == looks_skipped_max;
  for (Tract* tract = tracts_; tract != nullptr; tract = tract->next) {
    size_t end = 0;
    while (true) {
      const size_t begin = tract->dirty.next_set(end, tract->committed);
      if (begin == tract->committed) break;
      end = tract->dirty.next_clear(begin, tract->committed);
      if (end - begin < sparse_row_granules_min) continue;
      if (is_told || !is_mostly_written(*tract, begin, end - begin)) (void)purge_row(*tract, begin, end);
    }
  }
}

bool Tracts::is_mostly_written(const Tract& tract, size_t first, size_t count) noexcept {
  const size_t step = count * granule_bytes / samples;
  unsigned written = 0;
  for (unsigned i = 0; i < samples && (written != 0 || i < empty_samples_max); ++i) {
    sample_ = sample_ * 1664525 + 1013904223;  // any sequence without a period that blocks could have
    const uintptr_t place = tract.address_at(first) + i * step + (sample_ >> 12) % step;
    if (holds_data(round_down(place, sampled_page_bytes))) ++written;
  }
  return written >= written_samples_min;
}

void Tracts::look_at_freed(const Tract& tract, size_t first, size_t count) noexcept {
  if (looks_skipped_ < looks_to_skip_) {
    ++looks_skipped_;
    return;
  }
  looks_skipped_ = 0;
  const bool is_written = is_mostly_written(tract, first, count);
  if (are_written_ && !is_written) {
    for (const Tract* each = tracts_; each != nullptr; each = each->next) {
      os::advise_small_pages(pointer_to(each->start), each->committed * granule_bytes);
    }
  }
  are_written_ = is_written;
  looks_to_skip_ = is_written ? 0 : looks_to_skip_ * 2 + 1;
  if (looks_to_skip_ > looks_skipped_max) looks_to_skip_ = looks_skipped_max;
}

bool Tracts::wants_huge_pages(size_t count) const noexcept {
  if (count < huge_pages_from_granules) return false;
  if (settings.huge_pages != HugePagesSetting::automatic) return settings.huge_pages == HugePagesSetting::on;
  return are_written_;
}

void Tracts::advise_huge_pages(const Tract& tract, size_t first, size_t count) noexcept {
  const uintptr_t begin = round_up(tract.address_at(first), huge_page_bytes);
  const uintptr_t end = round_down(tract.address_at(first + count), huge_page_bytes);
  if (begin < end) os::advise_huge_pages(pointer_to(begin), end - begin);
}

bool Tracts::purge_locked(uint64_t dirty_before_ms) noexcept {
  if (dirty_before_ms != UINT64_MAX && !is_due(dirty_before_ms)) return false;
  bool any = false;
  for (Tract* tract = tracts_; tract != nullptr;) {
    Tract* next = tract->next;
    if (tract->used.next_set(0, tract->committed) == tract->committed && release_tract(*tract)) {
      any = true;
      tract = next;
      continue;
    }
    for (size_t begin = 0, end = 0; begin < tract->committed; begin = end) {
      begin = tract->dirty.next_set(end, tract->committed);
      end = tract->dirty.next_clear(begin, tract->committed);
      if (begin != end && purge_row(*tract, begin, end)) any = true;
    }
    tract = next;
  }
  // What was refused waits as long again.
  dirty_since_ms_.store(os::now_ms(), std::memory_order_relaxed);
  return any;
}

bool Tracts::clear_locked(const Range& range) noexcept {
  const size_t count = range.dirty_end - range.dirty_first;
  void* start = pointer_to(range.tract->address_at(range.dirty_first));
  return page_source::reads_zero() && page_source::purge(start, count * granule_bytes);
}

void Tracts::forget_after_fork() noexcept {
  tracts_ = nullptr;
  spare_records_ = nullptr;
  in_use_ = 0;
  most_in_use_ = 0;
  set_dirty(0);
  ++generation_;
}

void Tracts::validate() const noexcept {
  size_t in_use = 0;
  size_t dirty = 0;
  for (const Tract* tract = tracts_; tract != nullptr; tract = tract->next) {
    tract::validate(*tract);
    for (size_t granule = 0; granule < tract->committed; ++granule) {
      in_use += tract->used.test(granule) ? 1 : 0;
      dirty += tract->dirty.test(granule) ? 1 : 0;
    }
  }
  BURSAR_CHECK(in_use == in_use_ && dirty == dirty_count() && in_use_ <= most_in_use_);  // I1
}

}  // namespace bursar
