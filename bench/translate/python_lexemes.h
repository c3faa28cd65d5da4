// How far a number or an operator reaches that begins where a text does: 0 where none does. And what a source says of its encoding.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/translate/byte_sets.h"
#include "bench/translate/tokens.h"
#include "bursar/text_split.h"

namespace bursar::translate::lexeme {

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

/// Whether letters before a quote belong to the string: b, r, u, f, br, fr in any order and case.
inline bool is_string_prefix(std::string_view letters) {
  const auto lower = [letters](std::size_t index) { return static_cast<char>(letters[index] | 0x20); };
  if (letters.size() == 1) return lower(0) == 'b' || lower(0) == 'r' || lower(0) == 'u' || lower(0) == 'f';
  if (letters.size() != 2) return letters.empty();
  if (lower(0) == 'r') return lower(1) == 'b' || lower(1) == 'f';
  return lower(1) == 'r' && (lower(0) == 'b' || lower(0) == 'f');
}

/// An operator and its length; none where none begins.
struct FoundOperator {
  Operator op = Operator::none;
  std::uint32_t bytes = 0;
};

/// `op`, or what becomes of it by an equals sign behind it.
inline FoundOperator with_assign(char next, Operator op, Operator assign, std::uint32_t bytes = 1) {
  return next == '=' ? FoundOperator{assign, bytes + 1} : FoundOperator{op, bytes};
}

inline FoundOperator comparison_or_shift(const char* text, Operator less, Operator less_equal, Operator shift,
                                         Operator shift_assign) {
  if (text[1] == text[0]) return with_assign(text[2], shift, shift_assign, 2);
  return with_assign(text[1], less, less_equal);
}

/// One that may be the start of a longer one: the text decides.
inline FoundOperator long_op(const char* text) {
  using enum Operator;
  switch (text[0]) {
    case '(': return {left_parenthesis, 1};
    case ')': return {right_parenthesis, 1};
    case '[': return {left_bracket, 1};
    case ']': return {right_bracket, 1};
    case '{': return {left_brace, 1};
    case '}': return {right_brace, 1};
    case ',': return {comma, 1};
    case ';': return {semicolon, 1};
    case '~': return {tilde, 1};
    case ':': return with_assign(text[1], colon, walrus);
    case '.': return text[1] == '.' && text[2] == '.' ? FoundOperator{ellipsis, 3} : FoundOperator{dot, 1};
    case '=': return with_assign(text[1], assign, equal);
    case '!': return text[1] == '=' ? FoundOperator{not_equal, 2} : FoundOperator{};
    case '+': return with_assign(text[1], plus, plus_assign);
    case '-': return text[1] == '>' ? FoundOperator{arrow, 2} : with_assign(text[1], minus, minus_assign);
    case '*':
      return text[1] == '*' ? with_assign(text[2], double_star, double_star_assign, 2)
                            : with_assign(text[1], star, star_assign);
    case '/':
      return text[1] == '/' ? with_assign(text[2], double_slash, double_slash_assign, 2)
                            : with_assign(text[1], slash, slash_assign);
    case '%': return with_assign(text[1], percent, percent_assign);
    case '@': return with_assign(text[1], at, at_assign);
    case '&': return with_assign(text[1], ampersand, ampersand_assign);
    case '|': return with_assign(text[1], pipe, pipe_assign);
    case '^': return with_assign(text[1], caret, caret_assign);
    case '<': return comparison_or_shift(text, less, less_equal, shift_left, shift_left_assign);
    case '>': return comparison_or_shift(text, greater, greater_equal, shift_right, shift_right_assign);
    default: return {};
  }
}

/// What single bytes are, and which bytes can be the second of an operator.
struct OperatorTable {
  std::array<Operator, 256> of_byte{};
  std::array<bool, 256> is_second{};
  std::array<std::int8_t, static_cast<std::size_t>(Operator::not_equal) + 1> bracket_step{};  // 1 opens, -1 closes
  consteval OperatorTable() {
    using enum Operator;
    constexpr std::string_view bytes = "()[]{},;~:.=+-*/%@&|^<>";
    constexpr Operator ops[] = {left_parenthesis,
                                right_parenthesis,
                                left_bracket,
                                right_bracket,
                                left_brace,
                                right_brace,
                                comma,
                                semicolon,
                                tilde,
                                colon,
                                dot,
                                assign,
                                plus,
                                minus,
                                star,
                                slash,
                                percent,
                                at,
                                ampersand,
                                pipe,
                                caret,
                                less,
                                greater};
    static_assert(std::size(ops) == bytes.size());
    for (std::size_t index = 0; index < bytes.size(); ++index)
      of_byte[static_cast<unsigned char>(bytes[index])] = ops[index];
    for (const char byte : std::string_view("=.>*/<")) is_second[static_cast<unsigned char>(byte)] = true;
    for (const Operator op : {left_parenthesis, left_bracket, left_brace})
      bracket_step[static_cast<std::size_t>(op)] = 1;
    for (const Operator op : {right_parenthesis, right_bracket, right_brace})
      bracket_step[static_cast<std::size_t>(op)] = -1;
  }
};
inline constexpr OperatorTable operator_table;

/// The operator at a place with two readable bytes behind it: most have one byte, and nothing behind them that could be a part of it.
inline FoundOperator op(const char* text) {
  if (operator_table.is_second[static_cast<unsigned char>(text[1])]) return long_op(text);
  const Operator found = operator_table.of_byte[static_cast<unsigned char>(text[0])];
  return {found, found == Operator::none ? 0U : 1U};
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
