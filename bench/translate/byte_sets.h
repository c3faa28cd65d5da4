// The sets of bytes at which the translator's scans stop: for one byte, and for 16 at once.
#pragma once

#include <simde/x86/sse2.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "bursar/byte_scan.h"

namespace bursar::translate {

constexpr bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
/// Bytes above 0x7f are letters: which of them are in Unicode's sense is not asked.
constexpr bool is_letter(char byte) {
  const auto lower = static_cast<char>(byte | 0x20);
  return (lower >= 'a' && lower <= 'z') || byte == '_' || static_cast<unsigned char>(byte) >= 0x80;
}
constexpr bool is_quote(char byte) { return byte == '"' || byte == '\''; }
constexpr bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\f'; }

/// Each tells with is_source_end whether it has zero, so that it is met at the end of every source (tokens.h).
namespace byte_sets {

using byte_scan::Bytes16;

/// Whether each byte is one that a name can have behind its first.
struct NameTable {
  std::array<bool, 256> is_part{};
  consteval NameTable() {
    for (int byte = 0; byte < 256; ++byte)
      is_part[static_cast<std::size_t>(byte)] = is_letter(static_cast<char>(byte)) || is_digit(static_cast<char>(byte));
  }
};
inline constexpr NameTable name_table;

/// What is no part of a name.
struct NameEnd {
  static constexpr bool is_source_end = true;
  [[nodiscard]] bool contains(char byte) const noexcept {
    return !name_table.is_part[static_cast<unsigned char>(byte)];
  }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    using namespace byte_scan;  // NOLINT(google-build-using-namespace)
    const Bytes16 lower = either(bytes, all_bytes(0x20));
    const Bytes16 letters = either(between(lower, 'a', 'z'), equal(bytes, '_'));
    // Only the highest bit of each byte is looked at, and that is set in every byte above 0x7f.
    const Bytes16 parts = either(either(letters, between(bytes, '0', '9')), bytes);
    return simde_mm_xor_si128(parts, all_bytes(-1));
  }
};

struct NoBlank {
  static constexpr bool is_source_end = true;
  [[nodiscard]] bool contains(char byte) const noexcept { return !is_blank(byte); }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    using namespace byte_scan;  // NOLINT(google-build-using-namespace)
    const Bytes16 blanks = either(equal(bytes, ' '), either(equal(bytes, '\t'), equal(bytes, '\f')));
    return simde_mm_xor_si128(blanks, all_bytes(-1));
  }
};

struct NoSpace {
  static constexpr bool is_source_end = true;
  [[nodiscard]] bool contains(char byte) const noexcept { return byte != ' '; }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    return simde_mm_xor_si128(byte_scan::equal(bytes, ' '), byte_scan::all_bytes(-1));
  }
};

struct LineFeed {
  static constexpr bool is_source_end = false;
  [[nodiscard]] bool contains(char byte) const noexcept { return byte == '\n'; }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept { return byte_scan::equal(bytes, '\n'); }
};

struct LineEnd {
  static constexpr bool is_source_end = false;
  [[nodiscard]] bool contains(char byte) const noexcept { return byte == '\n' || byte == '\r'; }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    return byte_scan::either(byte_scan::equal(bytes, '\n'), byte_scan::equal(bytes, '\r'));
  }
};

/// Where a string that was opened by `quote` may end, or something in it needs a look.
struct StringStop {
  static constexpr bool is_source_end = false;
  char quote;
  [[nodiscard]] bool contains(char byte) const noexcept { return byte == quote || byte == '\\' || byte == '\n'; }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    using namespace byte_scan;  // NOLINT(google-build-using-namespace)
    return either(equal(bytes, quote), either(equal(bytes, '\\'), equal(bytes, '\n')));
  }
};

struct Backslash {
  static constexpr bool is_source_end = false;
  [[nodiscard]] bool contains(char byte) const noexcept { return byte == '\\'; }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept { return byte_scan::equal(bytes, '\\'); }
};

/// What cannot stand in a literal of C++ as it is.
struct NeedsEscape {
  static constexpr bool is_source_end = false;
  [[nodiscard]] bool contains(char byte) const noexcept {
    return static_cast<unsigned char>(byte) < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
  }
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    using namespace byte_scan;  // NOLINT(google-build-using-namespace)
    const Bytes16 marks = either(equal(bytes, '"'), equal(bytes, '\\'));
    return either(marks, either(between(bytes, '\0', '\x1f'), equal(bytes, '\x7f')));
  }
};

}  // namespace byte_sets
}  // namespace bursar::translate
