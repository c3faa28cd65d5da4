// How far a token reaches that begins where a text does: 0 where none of its sort does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "bursar/text_split.h"

namespace bursar::translate::lexeme {

inline constexpr std::size_t no_string = ~std::size_t{0};

inline bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
/// Bytes above 0x7f are letters: which of them are in Unicode's sense is not asked.
inline bool is_letter(char byte) {
  const auto lower = static_cast<char>(byte | 0x20);
  return (lower >= 'a' && lower <= 'z') || byte == '_' || static_cast<unsigned char>(byte) >= 0x80;
}

inline std::size_t line_end(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  return text.starts_with("\r\n") ? 2 : 0;
}

inline std::size_t name(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return 0;
  std::size_t bytes = 1;
  while (bytes < text.size() && (is_letter(text[bytes]) || is_digit(text[bytes]))) ++bytes;
  return bytes;
}

/// Digits with single underscores between them.
template <typename IsDigit>
std::size_t digits(std::string_view text, IsDigit is_one) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    if (is_one(text[bytes])) {
      ++bytes;
    } else if (bytes > 0 && text[bytes] == '_' && bytes + 1 < text.size() && is_one(text[bytes + 1])) {
      bytes += 2;
    } else {
      break;
    }
  }
  return bytes;
}
inline std::size_t decimal_digits(std::string_view text) { return digits(text, is_digit); }

/// 0x, 0o, 0b and what follows.
inline std::size_t based_number(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return 0;
  const std::string_view behind = text.substr(text[2] == '_' ? 3 : 2);
  const std::size_t head = text.size() - behind.size();
  std::size_t bytes = 0;
  switch (text[1] | 0x20) {
    case 'x':
      bytes =
          digits(behind, [](char byte) { return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'); });
      break;
    case 'o': bytes = digits(behind, [](char byte) { return byte >= '0' && byte <= '7'; }); break;
    case 'b': bytes = digits(behind, [](char byte) { return byte == '0' || byte == '1'; }); break;
    default: return 0;
  }
  return bytes == 0 ? 0 : head + bytes;
}

inline std::size_t exponent(std::string_view text) {
  if (text.empty() || (text[0] | 0x20) != 'e') return 0;
  const std::size_t sign = text.size() > 1 && (text[1] == '+' || text[1] == '-') ? 1 : 0;
  const std::size_t bytes = decimal_digits(text.substr(1 + sign));
  return bytes == 0 ? 0 : 1 + sign + bytes;
}

inline std::size_t number(std::string_view text) {
  if (const std::size_t bytes = based_number(text); bytes != 0) return bytes;
  const std::size_t whole = decimal_digits(text);
  std::size_t bytes = whole;
  if (bytes < text.size() && text[bytes] == '.') {
    const std::size_t fraction = decimal_digits(text.substr(bytes + 1));
    if (whole == 0 && fraction == 0) return 0;
    bytes += 1 + fraction;
  }
  if (bytes == 0) return 0;
  bytes += exponent(text.substr(bytes));
  if (bytes < text.size() && (text[bytes] | 0x20) == 'j') return bytes + 1;
  // An integer that is not 0 does not begin with 0: the zeros are a number of their own.
  if (bytes == whole && text[0] == '0') return digits(text, [](char byte) { return byte == '0'; });
  return bytes;
}

/// The bytes before the quote (b, r, u, f, br, fr in any order and case), or no_string.
inline std::size_t string_prefix(std::string_view text) {
  std::size_t bytes = 0;
  char letters[2] = {};
  while (bytes < 2 && bytes < text.size() && is_letter(text[bytes])) {
    letters[bytes] = static_cast<char>(text[bytes] | 0x20);
    ++bytes;
  }
  if (bytes == text.size() || (text[bytes] != '"' && text[bytes] != '\'')) return no_string;
  if (bytes == 2 && letters[0] > letters[1]) std::swap(letters[0], letters[1]);
  static constexpr std::array<std::string_view, 7> prefixes{"", "b", "r", "u", "f", "br", "fr"};
  return std::find(prefixes.begin(), prefixes.end(), std::string_view(letters, bytes)) == prefixes.end() ? no_string
                                                                                                         : bytes;
}

inline std::size_t op(std::string_view text) {
  static constexpr std::array<std::string_view, 5> three{"**=", "//=", "<<=", ">>=", "..."};
  static constexpr std::array<std::string_view, 19> two{
      "!=", "%=", "&=", "**", "*=", "+=", "-=", "->", "//", "/=", ":=", "<<", "<=", "==", ">=", ">>", "@=", "^=", "|="};
  static constexpr std::string_view one = "%&()*+,-./:;<=>@[]^{|}~";
  if (std::find(three.begin(), three.end(), text.substr(0, 3)) != three.end()) return 3;
  if (std::find(two.begin(), two.end(), text.substr(0, 2)) != two.end()) return 2;
  return one.find(text[0]) == one.npos ? 0 : 1;
}

/// What a cookie in the first two lines says (PEP 263), or utf-8.
inline std::string_view encoding_of(std::string_view source) {
  std::size_t number = 0;
  for (const std::string_view line : zero_copy::lines(source)) {
    if (number++ == 2) break;
    const std::size_t text = std::min(line.find_first_not_of(" \t\f"), line.size());
    if (text == line.size()) continue;
    if (line[text] != '#') break;
    const std::size_t word = line.find("coding", text);
    if (word == line.npos || word + 6 >= line.size() || (line[word + 6] != ':' && line[word + 6] != '=')) continue;
    std::string_view value = line.substr(word + 7);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    std::size_t bytes = 0;
    while (bytes < value.size() &&
           (is_letter(value[bytes]) || is_digit(value[bytes]) || value[bytes] == '-' || value[bytes] == '.'))
      ++bytes;
    if (bytes != 0) return value.substr(0, bytes);
  }
  return "utf-8";
}

}  // namespace bursar::translate::lexeme
