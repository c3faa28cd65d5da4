// Which sizes share a class, and where the bin of a class lies in a thread's heap.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

/// Classes: 16, 32, ... 1024 in steps of 16, then eight to a doubling up to 32 KiB. Class 0 is never used, so
/// that the class of a small size is its rounded size over 16 and costs no table.
///
///   class     1    2  ...   64 |   65    66  ...    72 |   73 ...   104
///   bytes    16   32  ... 1024 | 1152  1280  ...  2048 | 2304 ... 32768
///
/// Internal waste is at most 15 bytes below 1 KiB and a ninth above.
using SizeClass = uint32_t;

inline constexpr size_t size_class_step = 16;
inline constexpr size_t small_bytes_max = 1 * KiB;
inline constexpr size_t medium_bytes_max = 32 * KiB;
inline constexpr SizeClass small_class_max = small_bytes_max / size_class_step;
inline constexpr size_t classes_per_doubling = 8;
inline constexpr SizeClass size_class_count = small_class_max + 1 + classes_per_doubling * 5;
static_assert((small_bytes_max << 5) == medium_bytes_max, "five doublings");

/// Pre: bytes in [1, small_bytes_max].
constexpr SizeClass small_class_of(size_t bytes) noexcept {
  return static_cast<SizeClass>((bytes + size_class_step - 1) / size_class_step);
}

/// Pre: bytes in (small_bytes_max, medium_bytes_max].
constexpr SizeClass medium_class_of(size_t bytes) noexcept {
  const auto width = static_cast<size_t>(std::bit_width(bytes - 1));
  const size_t eighth = (bytes - 1) >> (width - 4);  // 8 to 15
  constexpr size_t width_min = std::bit_width(small_bytes_max);
  return static_cast<SizeClass>(small_class_max + 1 + (width - width_min) * classes_per_doubling + (eighth - 8));
}

/// Pre: bytes <= medium_bytes_max. Zero bytes are served as one.
constexpr SizeClass size_class_of(size_t bytes) noexcept {
  if (bytes > small_bytes_max) return medium_class_of(bytes);
  return bytes == 0 ? 1 : small_class_of(bytes);
}

/// The bytes every block of a class has.
constexpr size_t block_bytes_of(SizeClass size_class) noexcept {
  if (size_class <= small_class_max) return size_class * size_class_step;
  const size_t above = size_class - small_class_max - 1;
  const size_t eighth = above % classes_per_doubling;
  return (eighth + 9) << (above / classes_per_doubling + std::bit_width(small_bytes_max) - 4);
}

static_assert(block_bytes_of(size_class_count - 1) == medium_bytes_max);
static_assert(block_bytes_of(small_class_max + 1) == 1152);
static_assert(medium_class_of(1025) == small_class_max + 1 && medium_class_of(1152) == small_class_max + 1);
static_assert(medium_class_of(1153) == small_class_max + 2 && medium_class_of(2048) == small_class_max + 8);
static_assert(medium_class_of(2049) == small_class_max + 9);
static_assert(medium_class_of(medium_bytes_max) == size_class_count - 1);

/// Granules of a slab: one, and more only so that at least eight blocks fit.
constexpr size_t slab_granules_of(SizeClass size_class) noexcept {
  const size_t wanted = round_up(8 * block_bytes_of(size_class), granule_bytes) / granule_bytes;
  return std::bit_ceil(wanted);
}
static_assert(slab_granules_of(1) == 1 &&
              slab_granules_of(size_class_count - 1) * granule_bytes == 8 * medium_bytes_max);

}  // namespace bursar
