// Numbers of bytes as one types them.
#include "tools/bursar/byte_count.h"

#include <cctype>
#include <charconv>
#include <cstddef>

namespace bursar::tool {

std::optional<uint64_t> parse_byte_count(std::string_view text) {
  constexpr uint64_t bytes_max = uint64_t{1} << 46;
  constexpr std::string_view units = "KMGT";
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  unsigned shift = 0;
  if (rest != end) {
    const size_t unit = units.find(static_cast<char>(std::toupper(static_cast<unsigned char>(*rest))));
    if (unit == std::string_view::npos || rest + 1 != end) return std::nullopt;
    shift = static_cast<unsigned>(unit + 1) * 10;
  }
  if (number == 0 || number > bytes_max >> shift) return std::nullopt;
  return number << shift;
}

}  // namespace bursar::tool
