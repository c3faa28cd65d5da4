// A tract's bits.
#include "allocator/tract.h"

#include "allocator/check.h"

namespace bursar::tract {

size_t find(Tract& tract, size_t count, size_t alignment, size_t room) noexcept {
  const size_t wanted = count + room;
  if (wanted > tract.longest_free_max) return tract_granules;
  const size_t unit = alignment <= granule_bytes ? 1 : alignment / granule_bytes;
  size_t longest = 0;
  size_t begin = tract.used.next_clear(tract.lowest_free, tract_granules);
  tract.lowest_free = begin;
  while (begin < tract_granules) {
    const size_t end = tract.used.next_set(begin, tract_granules);
    if (end - begin > longest) longest = end - begin;
    const size_t first = unit == 1 ? begin : tract.granule_of(round_up(tract.address_at(begin), alignment));
    if (first + wanted <= end) return first;
    begin = tract.used.next_clear(end, tract_granules);
  }
  tract.longest_free_max = longest;
  return tract_granules;
}

size_t take(Tract& tract, size_t first, size_t count) noexcept {
  tract.used.set(first, count);
  return tract.dirty.clear(first, count);
}

void give(Tract& tract, size_t first, size_t count) noexcept {
  (void)tract.used.clear(first, count);
  tract.dirty.set(first, count);
  if (first < tract.lowest_free) tract.lowest_free = first;
  const size_t begin = tract.used.last_set_end(first);
  const size_t end = tract.used.next_set(first + count, tract_granules);
  if (end - begin > tract.longest_free_max) tract.longest_free_max = end - begin;
}

void validate(const Tract& tract) noexcept {
  BURSAR_CHECK(tract.dirty.next_set(tract.committed, tract_granules) == tract_granules);  // I2
  BURSAR_CHECK(tract.used.next_set(tract.committed, tract_granules) == tract_granules);   // I3
  BURSAR_CHECK(tract.used.next_clear(0, tract_granules) >= tract.lowest_free);            // I4
  for (size_t begin = 0; begin < tract_granules;) {
    const size_t first = tract.used.next_clear(begin, tract_granules);
    const size_t end = tract.used.next_set(first, tract_granules);
    BURSAR_CHECK(end - first <= tract.longest_free_max);        // I4
    BURSAR_CHECK(tract.dirty.next_set(begin, first) == first);  // I2
    begin = end;
  }
}

}  // namespace bursar::tract
