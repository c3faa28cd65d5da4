// What a Python source is cut into.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bursar::translate {

enum class TokenKind : std::uint8_t {
  encoding,
  name,  // keywords too, soft ones among them: what they are is the parser's question
  number,
  string,  // f-strings as well, whole
  op,
  comment,
  newline,  // ends a statement
  nl,       // ends a line and no statement
  indent,
  dedent,
  error,  // a byte that begins no token, or an opened string that does not end
  endmarker,
};

enum class Operator : std::uint8_t {
  none,
  left_parenthesis,
  right_parenthesis,
  left_bracket,
  right_bracket,
  left_brace,
  right_brace,
  comma,
  colon,
  semicolon,
  dot,
  ellipsis,
  arrow,
  assign,
  walrus,
  tilde,
  // The binary ones, in the order of their assignments below.
  plus,
  minus,
  star,
  slash,
  double_slash,
  percent,
  at,
  double_star,
  ampersand,
  pipe,
  caret,
  shift_left,
  shift_right,
  plus_assign,
  minus_assign,
  star_assign,
  slash_assign,
  double_slash_assign,
  percent_assign,
  at_assign,
  double_star_assign,
  ampersand_assign,
  pipe_assign,
  caret_assign,
  shift_left_assign,
  shift_right_assign,
  less,
  greater,
  less_equal,
  greater_equal,
  equal,
  not_equal,
};

/// A token and its place: bytes of the source from `start` to before `end`; the line counts from 1, the column in bytes from 0.
struct Lexeme {
  TokenKind kind = TokenKind::endmarker;
  Operator op = Operator::none;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class TokenizerFault : std::uint8_t {
  none,
  unindent_to_no_level,
  unended_string,
  unended_statement,
  too_many_indents,  // more than indents_max levels, as in CPython
  source_too_large,  // places in it have 32 bits
};

inline constexpr std::size_t indents_max = 100;

/// How many bytes behind a source's end may be read, and are zero: a scan takes 16 bytes at a time, and the zeros stop it.
inline constexpr std::size_t source_tail_bytes = 64;

}  // namespace bursar::translate
