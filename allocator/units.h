// Sizes the whole heap agrees on: what a granule and a segment are, and why.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bursar {

inline constexpr size_t KiB = 1024;
inline constexpr size_t MiB = 1024 * KiB;
inline constexpr size_t GiB = 1024 * MiB;

/// The unit in which segments are cut and addresses are looked up (decision 0007 has what other sizes cost). A multiple of pages of
/// 4 and 16 KiB, so that these never shape the heap; kernels for arm64 with pages of 64 KiB are refused at the start.
inline constexpr size_t granule_shift = 15;
inline constexpr size_t granule_bytes = size_t{1} << granule_shift;

/// Two huge pages of 2 MiB, so that one can go back to the system while the other stays.
inline constexpr size_t segment_bytes = 2 * MiB;
inline constexpr size_t segment_granules = segment_bytes / granule_bytes;
static_assert(segment_granules == 64, "one word has a bit for every granule of a segment");

inline constexpr size_t huge_page_bytes = 2 * MiB;
static_assert(segment_bytes % huge_page_bytes == 0);

/// What every block is aligned to, whatever its size (glibc promises 16 on 64-bit machines).
inline constexpr size_t block_alignment = 16;

/// Sizes above this are refused: pointer differences could not hold them (C17 7.22.3, glibc manual).
inline constexpr size_t request_bytes_max = PTRDIFF_MAX;

enum class Zeroed : uint8_t { no, yes };

constexpr bool is_power_of_two(size_t value) noexcept { return value != 0 && (value & (value - 1)) == 0; }

/// Rounds up to a multiple of `unit`, a power of two. The caller keeps `value + unit` below SIZE_MAX.
constexpr size_t round_up(size_t value, size_t unit) noexcept { return (value + unit - 1) & ~(unit - 1); }
constexpr size_t round_down(size_t value, size_t unit) noexcept { return value & ~(unit - 1); }

inline uintptr_t address_of(const volatile void* pointer) noexcept { return reinterpret_cast<uintptr_t>(pointer); }
inline void* pointer_to(uintptr_t address) noexcept { return reinterpret_cast<void*>(address); }

}  // namespace bursar
