// Characters that may be shown.
#include "interpose/account/render_output.h"

namespace bursar::ledger {

namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

/// Letters and symbols that take two columns (East Asian Width W and F), in few ranges: what is not assigned in between is taken in.
constexpr Range wide[] = {{0x1100, 0x115f},  {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},
                          {0xac00, 0xd7a3},  {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                          {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
                          {0x20000, 0x3fffd}};

/// What stands over or in the character before it.
constexpr Range combining[] = {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                               {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0x3099, 0x309a},
                               {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};

template <size_t count>
bool is_in(const Range (&ranges)[count], uint32_t character) noexcept {
  for (const Range& range : ranges) {
    if (character >= range.first && character <= range.last) return true;
  }
  return false;
}

/// Pre: well-formed, and so long.
uint32_t code_of(const char* string, size_t length) noexcept {
  const auto first = static_cast<unsigned char>(string[0]);
  uint32_t code = length == 1 ? first : first & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(string[i]) & 0x3fU);
  return code;
}

}  // namespace

Shown first_shown(const char* string) noexcept {
  const size_t length = utf8_length(string);
  if (length == 0) return {.length = 1, .columns = 1, .is_as_given = false};
  const uint32_t code = code_of(string, length);
  const bool steers = code < 0x20 || (code >= 0x7f && code < 0xa0);
  if (steers) return {.length = length, .columns = 1, .is_as_given = false};
  const size_t columns = is_in(combining, code) ? 0 : is_in(wide, code) ? 2 : 1;
  return {.length = length, .columns = columns, .is_as_given = true};
}

void add_shown(Output& output, const char* string, Shown shown) noexcept {
  output.add(shown.is_as_given ? string : "?", shown.is_as_given ? shown.length : 1, shown.columns);
}

void add_printable(Output& output, const char* string) noexcept {
  while (*string != '\0') {
    const Shown shown = first_shown(string);
    add_shown(output, string, shown);
    string += shown.length;
  }
}

size_t utf8_length(const char* string) noexcept {
  const auto at = [string](size_t i) { return static_cast<unsigned char>(string[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4) return 0;
  // A continuation byte is never 0, so this does not pass the end.
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool surrogate = first == 0xed && at(1) >= 0xa0;
  const bool beyond = first == 0xf4 && at(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace bursar::ledger
