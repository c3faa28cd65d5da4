// A text with its length, as it stands in a block (symbol.h draws it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bursar/symbol.h"

namespace bursar::detail {

[[nodiscard]] inline bool is_long(std::string_view text) noexcept { return text.size() >= long_text_mark; }

[[nodiscard]] inline std::size_t entry_bytes(std::string_view text) noexcept {
  return (is_long(text) ? long_text_head_bytes : 1) + text.size();
}

inline void write_entry(char* entry, std::string_view text) noexcept {
  if (is_long(text)) {
    const std::uint64_t bytes = text.size();
    *entry = static_cast<char>(long_text_mark);
    std::memcpy(entry + 1, &bytes, sizeof bytes);
  } else {
    *entry = static_cast<char>(text.size());
  }
  std::memcpy(entry + entry_bytes(text) - text.size(), text.data(), text.size());
}

}  // namespace bursar::detail
