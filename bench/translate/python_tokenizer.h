// Python source as tokens: those of Debian 12's `python3 -m tokenize`, one for one, also what it does with faulty sources.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "bench/translate/byte_sets.h"
#include "bench/translate/python_lexemes.h"
#include "bench/translate/tokens.h"
#include "bursar/zero_copy.h"

namespace bursar::translate {

inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// The source without a byte order mark: what the places of its lexemes count from.
[[nodiscard]] inline std::string_view without_byte_order_mark(std::string_view source) {
  return source.starts_with(byte_order_mark) ? source.substr(byte_order_mark.size()) : source;
}

/// Tokenizes a whole file, once. `Scan` says how bytes are looked for (scan.h); the sink takes what is found:
///
///     sink.add_encoding(name)   first of all; the name need not be a part of the source
///     sink.add_name(lexeme)     a name or a keyword
///     sink.add_trivia(lexeme)   a comment, or the end of a line that ends no statement
///     sink.add(lexeme)          everything else
///
/// Pre: source_tail_bytes zeros stand behind the source. Throws what the sink throws.
template <typename Scan, typename Sink>
class PythonTokenizer {
 public:
  PythonTokenizer(std::string_view source, Sink& sink) noexcept
      : source_(without_byte_order_mark(source)),
        begin_(source_.data()),
        at_(begin_),
        end_(begin_ + source_.size()),
        line_start_(begin_),
        sink_(sink) {}

  /// On a fault the tokens before it are there.
  [[nodiscard]] TokenizerFault tokenize();

  /// Of a fault: where the string begins that does not end, else where the tokenizer stopped.
  [[nodiscard]] std::uint32_t fault_line() const {
    return fault_ == TokenizerFault::unended_string ? string_.line : line_number_;
  }

 private:
  [[nodiscard]] bool begin_statement();
  [[nodiscard]] bool change_indent(std::uint32_t column);
  void read_line_without_statement();
  void read_line();
  void read_other(const char* blank);
  void read_number();
  void add_operator(const char* at, lexeme::FoundOperator found);
  void read_line_end(const char* blank);
  void read_string(const char* blank, const char* start, const char* quote);
  [[nodiscard]] const char* step_in_string(const char* at);
  void end_string_in_error(const char* blank, const char* quote, const char* line_end);
  [[nodiscard]] std::size_t line_end_at(const char* at) const;
  void begin_line(const char* at) {
    line_start_ = at;
    ++line_number_;
  }
  void add(TokenKind kind, const char* start, const char* end, Operator op = Operator::none) {
    sink_.add(lexeme_of(kind, start, end, op));
  }
  [[nodiscard]] Lexeme lexeme_of(TokenKind kind, const char* start, const char* end,
                                 Operator op = Operator::none) const {
    return {kind, op, place_of(start), place_of(end), line_number_, static_cast<std::uint32_t>(start - line_start_)};
  }
  [[nodiscard]] std::uint32_t place_of(const char* at) const { return static_cast<std::uint32_t>(at - begin_); }
  void add_error(const char* at) {
    add(TokenKind::error, at, at + 1);
    at_ = at + 1;
  }
  void add_whole_string(TokenKind kind) {
    sink_.add({kind, Operator::none, string_.start, place_of(at_), string_.line, string_.column});
  }
  void end_file();

  // I1  begin_ <= line_start_ <= at_ <= end_, and no line begins between line_start_ and at_
  // I2  indents_[0 .. indent_levels_) rises, beginning with 0
  std::string_view source_;
  const char* begin_;
  const char* at_;
  const char* end_;
  const char* line_start_;
  Sink& sink_;
  std::uint32_t line_number_ = 0;
  int brackets_ = 0;
  bool is_continued_ = false;
  TokenizerFault fault_ = TokenizerFault::none;
  Lexeme string_;  // the one that is being read: it may end on another line
  std::size_t indent_levels_ = 1;
  std::array<std::uint32_t, indents_max + 1> indents_{};
};

template <typename Scan, typename Sink>
TokenizerFault PythonTokenizer<Scan, Sink>::tokenize() {
  if (source_.size() > std::numeric_limits<std::uint32_t>::max() - source_tail_bytes)
    return TokenizerFault::source_too_large;
  sink_.add_encoding(lexeme::encoding_of(source_));
  while (at_ < end_) {
    begin_line(at_);
    const bool has_tokens = brackets_ != 0 || is_continued_ || begin_statement();
    is_continued_ = false;
    if (has_tokens) read_line();
    if (fault_ != TokenizerFault::none) return fault_;
  }
  if (brackets_ != 0 || is_continued_) return TokenizerFault::unended_statement;
  end_file();
  return TokenizerFault::none;
}

/// Indentation, and lines without a statement; whether a statement begins.
template <typename Scan, typename Sink>
bool PythonTokenizer<Scan, Sink>::begin_statement() {
  at_ = Scan::find(at_, end_, byte_sets::NoSpace{});
  auto column = static_cast<std::uint32_t>(at_ - line_start_);
  constexpr std::uint32_t tab_columns = 8;
  for (; is_blank(*at_); ++at_) {
    if (*at_ == '\t') {
      column = (column / tab_columns + 1) * tab_columns;
    } else {
      column = *at_ == '\f' ? 0 : column + 1;
    }
  }
  if (at_ == end_) return false;
  if (*at_ == '#' || *at_ == '\n' || *at_ == '\r') {
    read_line_without_statement();
    return false;
  }
  return column == indents_[indent_levels_ - 1] || change_indent(column);
}

template <typename Scan, typename Sink>
bool PythonTokenizer<Scan, Sink>::change_indent(std::uint32_t column) {
  if (column > indents_[indent_levels_ - 1]) {
    if (indent_levels_ == indents_.size()) {
      fault_ = TokenizerFault::too_many_indents;
      return false;
    }
    indents_[indent_levels_++] = column;
    add(TokenKind::indent, line_start_, at_);
  }
  while (column < indents_[indent_levels_ - 1]) {
    const auto* const levels_end = indents_.cbegin() + indent_levels_;
    if (std::find(indents_.cbegin(), levels_end, column) == levels_end) {
      fault_ = TokenizerFault::unindent_to_no_level;
      return false;
    }
    --indent_levels_;
    add(TokenKind::dedent, at_, at_);
  }
  return true;
}

template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_line_without_statement() {
  const char* const line_feed = Scan::find(at_, end_, byte_sets::LineFeed{});
  const char* const next = line_feed == end_ ? end_ : line_feed + 1;
  if (*at_ == '#') {
    const char* end = line_feed;
    while (end[-1] == '\r') --end;
    sink_.add_trivia(lexeme_of(TokenKind::comment, at_, end));
    at_ = end;
  }
  sink_.add_trivia(lexeme_of(TokenKind::nl, at_, next));
  at_ = next;
}

/// All tokens up to the line's end, that of a string's last line if there is one. Names and operators are read here, with the place in a
/// register: they are nine of ten.
template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_line() {
  const char* at = at_;
  // No token but one that ends a line ends with a line feed.
  do {
    const char* const blank = at;
    // One space or none stands before most tokens: no branch tells which.
    at += *at == ' ' ? 1 : 0;
    while (is_blank(*at)) ++at;
    if (is_letter(*at)) {
      const char* const end = Scan::find(at, end_, byte_sets::NameEnd{});
      if (is_quote(*end) && lexeme::is_string_prefix({at, static_cast<std::size_t>(end - at)})) [[unlikely]] {
        read_string(blank, at, end);
        at = at_;
      } else {
        sink_.add_name(lexeme_of(TokenKind::name, at, end));
        at = end;
      }
      continue;
    }
    const lexeme::FoundOperator found = lexeme::op(at);
    if (found.bytes != 0 && !(found.op == Operator::dot && is_digit(at[1]))) {
      add_operator(at, found);
      at += found.bytes;
    } else {
      at_ = at;
      read_other(blank);
      at = at_;
    }
  } while (at < end_ && at[-1] != '\n');
  at_ = at;
}

template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::add_operator(const char* at, lexeme::FoundOperator found) {
  add(TokenKind::op, at, at + found.bytes, found.op);
  // One that closes nothing counts for nothing. Without a branch: which operator comes next is hard to guess.
  brackets_ = std::max(brackets_ + lexeme::operator_table.bracket_step[static_cast<std::size_t>(found.op)], 0);
}

/// What is neither a name nor an operator.
template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_other(const char* blank) {
  const char byte = *at_;
  if (is_quote(byte)) {
    read_string(blank, at_, at_);
  } else if (byte == '\n' || byte == '\r' || byte == '\\') {
    read_line_end(blank);
  } else if (is_digit(byte) || byte == '.') {
    read_number();
  } else if (byte == '#') {
    const char* const end = Scan::find(at_, end_, byte_sets::LineEnd{});
    sink_.add_trivia(lexeme_of(TokenKind::comment, at_, end));
    at_ = end;
  } else if (at_ < end_) {
    add_error(blank);
  }
}

template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_number() {
  const std::size_t bytes = lexeme::number({at_, static_cast<std::size_t>(end_ - at_)});
  add(TokenKind::number, at_, at_ + bytes);
  at_ += bytes;
}

/// How many bytes the line end at a place has, or 0.
template <typename Scan, typename Sink>
std::size_t PythonTokenizer<Scan, Sink>::line_end_at(const char* at) const {
  if (*at == '\n') return 1;
  return at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_line_end(const char* blank) {
  const bool is_backslash = *at_ == '\\';
  const std::size_t bytes = line_end_at(is_backslash ? at_ + 1 : at_);
  if (bytes == 0) {
    add_error(blank);
  } else if (is_backslash) {
    is_continued_ = true;
    at_ += 1 + bytes;
  } else {
    if (brackets_ > 0) {
      sink_.add_trivia(lexeme_of(TokenKind::nl, at_, at_ + bytes));
    } else {
      add(TokenKind::newline, at_, at_ + bytes);
    }
    at_ += bytes;
  }
}

/// Up to the quote that ends the string; a single quote's string goes to the next line only behind a backslash.
template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::read_string(const char* blank, const char* start, const char* quote) {
  string_ = lexeme_of(TokenKind::string, start, start);
  const bool is_triple = quote[1] == *quote && quote[2] == *quote;
  at_ = quote + (is_triple ? 3 : 1);
  while (true) {
    at_ = Scan::find(at_, end_, byte_sets::StringStop{*quote});
    if (at_ == end_) break;
    if (*at_ == '\\') {
      at_ = step_in_string(at_);
    } else if (*at_ == *quote) {
      const bool is_end = !is_triple || (at_[1] == *quote && at_[2] == *quote);
      at_ += is_end && is_triple ? 3 : 1;
      if (is_end) {
        add_whole_string(TokenKind::string);
        return;
      }
    } else if (is_triple) {
      begin_line(++at_);
    } else {
      end_string_in_error(blank, quote, at_ + 1);
      return;
    }
  }
  // The file's last line may lack an end.
  if (is_triple || line_start_ == end_) {
    fault_ = TokenizerFault::unended_string;
  } else {
    end_string_in_error(blank, quote, end_);
  }
}

/// Over a backslash and what it escapes.
template <typename Scan, typename Sink>
const char* PythonTokenizer<Scan, Sink>::step_in_string(const char* at) {
  const char* const next = std::min(at + (at[1] == '\r' && at[2] == '\n' ? 3 : 2), end_);
  if (next[-1] == '\n') begin_line(next);
  return next;
}

/// A string that has not ended where its line does. On one line its prefix is a name, its quote an error, and the rest is read anew; one that
/// went on from another line is an error as a whole.
template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::end_string_in_error(const char* blank, const char* quote, const char* line_end) {
  const char* const start = begin_ + string_.start;
  if (string_.line != line_number_) {
    at_ = line_end;
    add_whole_string(TokenKind::error);
  } else if (quote != start) {
    sink_.add_name(lexeme_of(TokenKind::name, start, quote));
    add_error(quote);
  } else {
    add_error(blank);
  }
}

/// A last line without an end gets one, if it is not a comment; then all levels end.
template <typename Scan, typename Sink>
void PythonTokenizer<Scan, Sink>::end_file() {
  const bool has_open_line = !source_.empty() && end_[-1] != '\n' && end_[-1] != '\r';
  const std::string_view last_line(line_start_, static_cast<std::size_t>(end_ - line_start_));
  if (has_open_line && !zero_copy::trim(last_line).starts_with('#')) add(TokenKind::newline, end_, end_);
  for (; indent_levels_ > 1; --indent_levels_)
    sink_.add({TokenKind::dedent, Operator::none, place_of(end_), place_of(end_), line_number_ + 1, 0});
  sink_.add({TokenKind::endmarker, Operator::none, place_of(end_), place_of(end_), line_number_ + 1, 0});
}

}  // namespace bursar::translate
