// UTF-8 is read in a locale of its own: how text is cut does not hang on the user's language.
#include "tools/bursar/columns.h"

#include <fmt/format.h>

#include <clocale>
#include <cmath>
#include <cwchar>

#include "interpose/account/render_numbers.h"

namespace bursar::tool {
namespace {

/// Sets the locale of this thread for as long as it lives.
class InUtf8 {
 public:
  InUtf8() {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) before_ = uselocale(utf8);
  }
  ~InUtf8() {
    if (before_ != nullptr) uselocale(before_);
  }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  locale_t before_ = nullptr;
};

struct Character {
  size_t bytes;
  size_t columns;
  bool is_harmless;
};

/// What turns the direction of all that follows.
bool turns_text(wchar_t character) {
  return (character >= 0x200e && character <= 0x200f) || (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

/// Pre: text is not empty.
Character first_of(std::string_view text) {
  wchar_t character = 0;
  std::mbstate_t state{};
  const size_t bytes = std::mbrtowc(&character, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) return {1, 1, false};
  const int columns = wcwidth(character);
  if (columns < 0 || turns_text(character)) return {bytes, 1, false};
  return {bytes, static_cast<size_t>(columns), true};
}

/// As much of the text as fits.
struct Part {
  size_t bytes;
  size_t columns;
};

Part part_within(std::string_view text, size_t columns_max) {
  const InUtf8 locale;
  Part part{0, 0};
  while (part.bytes < text.size()) {
    const Character character = first_of(text.substr(part.bytes));
    if (part.columns + character.columns > columns_max) break;
    part.bytes += character.bytes;
    part.columns += character.columns;
  }
  return part;
}

template <typename Cell>
std::string string_of(const Cell& cell) {
  return {cell.data(), cell.length()};
}

}  // namespace

std::string displayable(std::string_view text) {
  const InUtf8 locale;
  std::string result;
  while (!text.empty()) {
    const Character character = first_of(text);
    if (character.is_harmless) {
      result.append(text.substr(0, character.bytes));
    } else {
      result += '?';
    }
    text.remove_prefix(character.bytes);
  }
  return result;
}

size_t columns_of(std::string_view text) { return part_within(text, SIZE_MAX / 2).columns; }

std::string shortened(std::string_view text, size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  return std::string(text.substr(0, part_within(text, columns - 1).bytes)) + '~';
}

std::string fitted(std::string_view text, size_t columns, Align align) {
  std::string result = shortened(text, columns);
  const size_t missing = columns - columns_of(result);
  result.insert(align == Align::left ? result.size() : 0, missing, ' ');
  return result;
}

std::string in_ascii(std::string_view text) {
  const InUtf8 locale;
  std::string result;
  while (!text.empty()) {
    const Character character = first_of(text);
    if (character.bytes == 1) {
      result += text.front();
    } else {
      result.append(character.columns, '?');
    }
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::string base_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

std::string rate_text(double per_second) {
  if (per_second >= 999.5e6) return fmt::format("{:.3g} G", per_second / 1e9);
  if (per_second >= 999'999.5) return fmt::format("{:.3g} M", per_second / 1e6);
  if (per_second >= 9.95 || per_second == 0) return count_text(static_cast<uint64_t>(std::llround(per_second)));
  return fmt::format("{:.2g}", per_second);
}

std::string count_text(uint64_t count) { return string_of(ledger::grouped(count)); }

std::string size_text(uint64_t bytes) { return string_of(ledger::bytes_text(bytes)); }

std::string time_text(uint64_t ns) { return string_of(ledger::duration_text(ns)); }

}  // namespace bursar::tool
