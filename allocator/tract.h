// A tract: a large piece of address space for large blocks, known by two bits for each granule.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

/// A row of bits by number.
template <size_t bit_count>
class BitRow {
 public:
  [[nodiscard]] bool test(size_t bit) const noexcept { return (words_[bit / 64] >> bit % 64 & 1) != 0; }

  void set(size_t first, size_t count) noexcept {
    for_each_word(first, count, [this](size_t word, uint64_t mask) { words_[word] |= mask; });
  }

  /// How many of them were set.
  size_t clear(size_t first, size_t count) noexcept {
    size_t cleared = 0;
    for_each_word(first, count, [this, &cleared](size_t word, uint64_t mask) {
      const uint64_t hit = words_[word] & mask;
      if (hit == 0) return;
      cleared += static_cast<size_t>(__builtin_popcountll(hit));
      words_[word] &= ~mask;
    });
    return cleared;
  }

  /// The lowest bit from `first` on that is set, or `end`.
  [[nodiscard]] size_t next_set(size_t first, size_t end) const noexcept { return next(first, end, 0); }
  [[nodiscard]] size_t next_clear(size_t first, size_t end) const noexcept { return next(first, end, ~uint64_t{0}); }

  /// The end of the highest row of set bits below `end`, 0 when there is none; and where the row of set bits that ends at
  /// `end` begins.
  [[nodiscard]] size_t last_set_end(size_t end) const noexcept { return last(end, 0); }
  [[nodiscard]] size_t row_begin(size_t end) const noexcept { return last(end, ~uint64_t{0}); }

 private:
  template <class Visit>
  static void for_each_word(size_t first, size_t count, Visit visit) noexcept {
    while (count != 0) {
      const size_t offset = first % 64;
      const size_t here = count < 64 - offset ? count : 64 - offset;
      const uint64_t ones = here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1;
      visit(first / 64, ones << offset);
      first += here;
      count -= here;
    }
  }

  [[nodiscard]] size_t next(size_t first, size_t end, uint64_t flip) const noexcept {
    if (first >= end) return end;
    size_t word = first / 64;
    uint64_t bits = (words_[word] ^ flip) & (~uint64_t{0} << first % 64);
    while (bits == 0) {
      if (++word * 64 >= end) return end;
      bits = words_[word] ^ flip;
    }
    const size_t found = word * 64 + static_cast<size_t>(__builtin_ctzll(bits));
    return found < end ? found : end;
  }

  [[nodiscard]] size_t last(size_t end, uint64_t flip) const noexcept {
    if (end == 0) return 0;
    size_t word = (end - 1) / 64;
    uint64_t bits = (words_[word] ^ flip) & (~uint64_t{0} >> (63 - (end - 1) % 64));
    while (bits == 0) {
      if (word-- == 0) return 0;
      bits = words_[word] ^ flip;
    }
    return word * 64 + 64 - static_cast<size_t>(__builtin_clzll(bits));
  }

  uint64_t words_[bit_count / 64];
};

/// Address space alone costs nothing; this much holds the large blocks of most programs, so that they are each other's
/// neighbours and one's free pages serve the next.
inline constexpr size_t tract_bytes = 1 * GiB;
inline constexpr size_t tract_granules = tract_bytes / granule_bytes;

/// Only Tracts changes one, with the depot's lock held.
///
///   I1  used has the granules of blocks
///   I2  dirty has free granules below `committed` that may be resident or hold old data; used and dirty have none in common
///   I3  granules at and above `committed` were never touched; those below are readable and writable
///   I4  no granule below lowest_free is free; no row of free granules is longer than longest_free_max
struct Tract {
  uintptr_t start;
  size_t committed;
  size_t lowest_free;
  size_t longest_free_max;
  uint32_t generation;  // of the Tracts that keep it
  Tract* next;
  BitRow<tract_granules> used;
  BitRow<tract_granules> dirty;

  [[nodiscard]] size_t granule_of(uintptr_t address) const noexcept { return (address - start) >> granule_shift; }
  [[nodiscard]] uintptr_t address_at(size_t granule) const noexcept { return start + granule * granule_bytes; }
};

namespace tract {

/// The lowest `count` free granules in a row that begin at a multiple of `alignment` bytes, with `room` more free behind them;
/// tract_granules when there are none.
[[nodiscard]] size_t find(Tract& tract, size_t count, size_t alignment, size_t room) noexcept;

/// Marks granules as used; how many of them were dirty.
size_t take(Tract& tract, size_t first, size_t count) noexcept;

/// Marks granules as free and dirty.
void give(Tract& tract, size_t first, size_t count) noexcept;

[[nodiscard]] inline bool is_free(const Tract& tract, size_t first, size_t count) noexcept {
  return first + count <= tract_granules && tract.used.next_set(first, first + count) == first + count;
}

/// Checks I1 to I4; for checked builds and tests.
void validate(const Tract& tract) noexcept;

}  // namespace tract
}  // namespace bursar
