// The two ways in which the translator looks for a byte: the scan policies.
#pragma once

#include <bit>
#include <cstddef>
#include <string_view>

#include "bench/translate/byte_sets.h"

namespace bursar::translate {

/// Byte by byte.
struct ScalarScan {
  /// The first byte of the set from `at` on, or `end`, the end of a source: source_tail_bytes zeros stand behind it.
  template <typename Set>
  [[nodiscard]] static const char* find(const char* at, const char* end, Set set) noexcept {
    // The zeros behind the end stop some sets: then no byte costs a look at the end.
    if constexpr (Set::is_source_end) {
      while (!set.contains(*at)) ++at;
    } else {
      while (at != end && !set.contains(*at)) ++at;
    }
    return at;
  }

  /// Where the first byte of the set stands in a text, or its size. Nothing behind the text is read.
  template <typename Set>
  [[nodiscard]] static std::size_t find_within(std::string_view text, Set set) noexcept {
    std::size_t at = 0;
    while (at != text.size() && !set.contains(text[at])) ++at;
    return at;
  }
};

/// 16 bytes at a time.
struct SimdScan {
  /// The same; reads up to 15 bytes behind the end.
  template <typename Set>
  [[nodiscard]] static const char* find(const char* at, const char* end, Set set) noexcept {
    while (true) {
      const unsigned mask = byte_scan::mask_of(set.matches(byte_scan::load16(at)));
      if (mask != 0) {
        at += std::countr_zero(mask);
        return at < end ? at : end;
      }
      at += byte_scan::bytes16;
      if (at >= end) return end;
    }
  }

  template <typename Set>
  [[nodiscard]] static std::size_t find_within(std::string_view text, Set set) noexcept {
    return byte_scan::find_first(text, set);
  }
};

}  // namespace bursar::translate
