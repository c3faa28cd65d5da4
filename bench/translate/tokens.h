// What a Python source is cut into, and how the text made of it is handed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bursar/symbol.h"

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

/// What a token is: for a name the keyword it is, or a symbol that is none.
struct TokenHead {
  TokenKind kind = TokenKind::endmarker;
  Operator op = Operator::none;
  Symbol keyword;
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

/// A text that is written goes to whoever takes it in pieces of so many bytes, the last one excepted: what fits in the processor's
/// second-level cache beside the tree.
inline constexpr std::size_t text_piece_bytes = std::size_t{64} * 1024;

/// Takes a text in pieces, in order.
class TextSink {
 public:
  virtual void take(std::string_view piece) = 0;

 protected:
  ~TextSink() = default;
};

}  // namespace bursar::translate
