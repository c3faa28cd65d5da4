// Line by line, as Python's own tokenize goes: what it does with faulty sources is done here too.
#include "bench/translate/python_tokenizer.h"

#include <algorithm>

#include "bench/translate/python_lexemes.h"
#include "bursar/zero_copy.h"

namespace bursar::translate {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::uint32_t tab_columns = 8;

bool is_line_end(char byte) { return byte == '\n' || byte == '\r'; }

}  // namespace

PythonTokenizer::PythonTokenizer(std::string_view source) noexcept
    : source_(source.starts_with(byte_order_mark) ? source.substr(byte_order_mark.size()) : source),
      encoding_(lexeme::encoding_of(source_)) {}

TokenizerFault PythonTokenizer::tokenize(std::vector<Token>& tokens) {
  tokens_ = &tokens;
  tokens.push_back({TokenKind::encoding, encoding_, 0, 0});
  while (next_line()) {
    if (!quote_.empty()) {
      continue_string();
    } else if (brackets_ == 0 && !is_continued_) {
      const TokenizerFault fault = begin_statement();
      if (fault != TokenizerFault::none) return fault;
    }
    is_continued_ = false;
    while (quote_.empty() && at_ < line_.size()) read_token();
  }
  if (!quote_.empty()) return TokenizerFault::unended_string;
  if (brackets_ != 0 || is_continued_) return TokenizerFault::unended_statement;
  end_file();
  return TokenizerFault::none;
}

bool PythonTokenizer::next_line() {
  line_start_ = next_start_;
  if (line_start_ >= source_.size()) return false;
  const std::size_t end = source_.find('\n', line_start_);
  next_start_ = end == source_.npos ? source_.size() : end + 1;
  line_ = source_.substr(line_start_, next_start_ - line_start_);
  at_ = 0;
  ++line_number_;
  return true;
}

/// Indentation, and lines without a statement.
TokenizerFault PythonTokenizer::begin_statement() {
  std::uint32_t column = 0;
  for (; at_ < line_.size(); ++at_) {
    if (line_[at_] == ' ') {
      ++column;
    } else if (line_[at_] == '\t') {
      column = (column / tab_columns + 1) * tab_columns;
    } else if (line_[at_] == '\f') {
      column = 0;
    } else {
      break;
    }
  }
  if (at_ == line_.size()) return TokenizerFault::none;
  if (line_[at_] == '#' || is_line_end(line_[at_])) {
    std::size_t end = line_.size();
    while (end > at_ && is_line_end(line_[end - 1])) --end;
    if (end > at_) add(TokenKind::comment, at_, end);
    add(TokenKind::nl, end, line_.size());
    at_ = line_.size();
    return TokenizerFault::none;
  }
  if (column > indents_.back()) {
    indents_.push_back(column);
    add(TokenKind::indent, 0, at_);
  }
  while (column < indents_.back()) {
    if (std::find(indents_.begin(), indents_.end(), column) == indents_.end())
      return TokenizerFault::unindent_to_no_level;
    indents_.pop_back();
    add(TokenKind::dedent, at_, at_);
  }
  return TokenizerFault::none;
}

void PythonTokenizer::read_token() {
  const std::size_t blank = at_;
  while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\f')) ++at_;
  const std::string_view rest = line_from(at_);
  if (rest.empty()) return;
  const std::size_t start = at_;
  if (const std::size_t bytes = lexeme::line_end(rest); bytes != 0) {
    add(brackets_ > 0 ? TokenKind::nl : TokenKind::newline, start, start + bytes);
    at_ += bytes;
  } else if (rest[0] == '#') {
    const std::size_t end = rest.find_first_of("\r\n");
    add(TokenKind::comment, start, end == rest.npos ? line_.size() : start + end);
    at_ = end == rest.npos ? line_.size() : start + end;
  } else if (rest[0] == '\\' && lexeme::line_end(rest.substr(1)) != 0) {
    is_continued_ = true;
    at_ = line_.size();
  } else if (const std::size_t digits = lexeme::number(rest); digits != 0) {
    add(TokenKind::number, start, start + digits);
    at_ += digits;
  } else if (const std::size_t prefix = lexeme::string_prefix(rest); prefix != lexeme::no_string) {
    read_string(blank, start, prefix);
  } else if (const std::size_t letters = lexeme::name(rest); letters != 0) {
    add(TokenKind::name, start, start + letters);
    at_ += letters;
  } else if (const std::size_t bytes_of_op = lexeme::op(rest); bytes_of_op != 0) {
    if (rest[0] == '(' || rest[0] == '[' || rest[0] == '{') ++brackets_;
    if ((rest[0] == ')' || rest[0] == ']' || rest[0] == '}') && brackets_ > 0) --brackets_;
    add(TokenKind::op, start, start + bytes_of_op);
    at_ += bytes_of_op;
  } else {
    add_error(blank);
  }
}

void PythonTokenizer::read_string(std::size_t blank, std::size_t start, std::size_t prefix_bytes) {
  const std::string_view quoted = line_from(start + prefix_bytes);
  const bool is_triple = quoted.size() >= 3 && quoted[1] == quoted[0] && quoted[2] == quoted[0];
  quote_ = quoted.substr(0, is_triple ? 3 : 1);
  string_start_ = line_start_ + start;
  string_line_ = line_number_;
  string_column_ = static_cast<std::uint32_t>(start);
  string_blank_ = blank;
  string_prefix_bytes_ = prefix_bytes;
  at_ = start + prefix_bytes + quote_.size();
  continue_string();
}

/// Up to the quote that ends the string; a single quote's string goes to the next line only behind a backslash.
void PythonTokenizer::continue_string() {
  while (at_ < line_.size()) {
    if (line_[at_] == '\\') {
      at_ += line_from(at_).starts_with("\\\r\n") ? 3 : 2;
    } else if (line_from(at_).starts_with(quote_)) {
      at_ += quote_.size();
      quote_ = {};
      const std::size_t bytes = line_start_ + at_ - string_start_;
      tokens_->push_back({TokenKind::string, source_.substr(string_start_, bytes), string_line_, string_column_});
      return;
    } else if (quote_.size() == 1 && line_[at_] == '\n') {
      end_in_error();
      return;
    } else {
      ++at_;
    }
  }
  at_ = line_.size();
  // The file's last line may lack an end.
  if (quote_.size() == 1 && !line_.ends_with('\n')) end_in_error();
}

/// A string that has not ended where its line does. On one line its prefix is a name, its quote an error, and the rest is read anew; one that
/// went on from another line is an error as a whole.
void PythonTokenizer::end_in_error() {
  quote_ = {};
  if (string_line_ != line_number_) {
    at_ = line_.size();
    const std::size_t bytes = line_start_ + at_ - string_start_;
    tokens_->push_back({TokenKind::error, source_.substr(string_start_, bytes), string_line_, string_column_});
  } else if (string_prefix_bytes_ != 0) {
    at_ = string_column_ + string_prefix_bytes_;
    add(TokenKind::name, string_column_, at_);
    add_error(at_);
  } else {
    add_error(string_blank_);
  }
}

/// The byte is no token, nor is a blank before one that is none.
void PythonTokenizer::add_error(std::size_t at) {
  add(TokenKind::error, at, at + 1);
  at_ = at + 1;
}

void PythonTokenizer::add(TokenKind kind, std::size_t start, std::size_t end) {
  tokens_->push_back({kind, line_.substr(start, end - start), line_number_, static_cast<std::uint32_t>(start)});
}

/// A last line without an end gets one, if it is not a comment; then all levels end.
void PythonTokenizer::end_file() {
  const bool has_open_line = !line_.empty() && !is_line_end(line_.back());
  if (has_open_line && !zero_copy::trim(line_).starts_with('#')) {
    tokens_->push_back({TokenKind::newline, {}, line_number_, static_cast<std::uint32_t>(line_.size())});
  }
  for (std::size_t level = indents_.size(); level > 1; --level) {
    tokens_->push_back({TokenKind::dedent, {}, line_number_ + 1, 0});
  }
  tokens_->push_back({TokenKind::endmarker, {}, line_number_ + 1, 0});
}

}  // namespace bursar::translate
