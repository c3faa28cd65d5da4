// Text for the columns of a terminal: no name steers it, none is cut inside a character, wide characters count twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bursar::tool {

enum class Align : unsigned char { left, right };

/// UTF-8 without what is not well-formed and what would steer a terminal: a `?` stands for each such character.
[[nodiscard]] std::string displayable(std::string_view text);

/// Pre: displayable.
[[nodiscard]] size_t columns_of(std::string_view text);

/// Exactly so many columns: padded with spaces, or cut, which a `~` at the end tells. Pre: displayable.
[[nodiscard]] std::string fitted(std::string_view text, size_t columns, Align align = Align::left);

/// At most so many columns. Pre: displayable.
[[nodiscard]] std::string shortened(std::string_view text, size_t columns);

/// For a terminal that knows only ASCII: a `?` stands for every other character. Pre: displayable.
[[nodiscard]] std::string in_ascii(std::string_view text);

/// Without its directories; of a path that ends in a slash, or of none, all of it.
[[nodiscard]] std::string base_name(const std::string& path);

/// 12345.6 as 12,346; 0.25 as 0.25; from a million on in millions: 1.23 M.
[[nodiscard]] std::string rate_text(double per_second);

/// 1234567 as 1,234,567.
[[nodiscard]] std::string count_text(uint64_t count);

/// 1234567 as 1.18 MiB.
[[nodiscard]] std::string size_text(uint64_t bytes);

/// 1234567 as 1.23 ms.
[[nodiscard]] std::string time_text(uint64_t ns);

}  // namespace bursar::tool
