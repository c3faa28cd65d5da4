// Python source as tokens: those of Debian 12's `python3 -m tokenize`, one for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

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

/// A view into the source, and where it starts: the line counts from 1, the column in bytes from 0.
struct Token {
  TokenKind kind = TokenKind::endmarker;
  std::string_view text;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class TokenizerFault : std::uint8_t { none, unindent_to_no_level, unended_string, unended_statement };

/// Tokenizes a whole file. Pieces of one source, called once.
class PythonTokenizer {
 public:
  explicit PythonTokenizer(std::string_view source) noexcept;

  /// Appends all tokens. On a fault those before it are there. Throws what the vector throws.
  TokenizerFault tokenize(std::vector<Token>& tokens);

 private:
  [[nodiscard]] bool next_line();
  [[nodiscard]] TokenizerFault begin_statement();
  void read_token();
  void read_string(std::size_t blank, std::size_t start, std::size_t prefix_bytes);
  void continue_string();
  void end_in_error();
  void add_error(std::size_t at);
  void add(TokenKind kind, std::size_t start, std::size_t end);
  void end_file();
  [[nodiscard]] std::string_view line_from(std::size_t at) const { return line_.substr(at); }

  // I1  line_ is the line that begins at line_start_ of source_, its end included; at_ is a place in it
  // I2  within a string that has not ended, string_start_ is its place in the source, and quote_ what ends it
  std::string_view source_;
  std::string_view line_;
  std::size_t line_start_ = 0;
  std::size_t next_start_ = 0;
  std::size_t at_ = 0;
  std::uint32_t line_number_ = 0;
  std::uint32_t brackets_ = 0;
  bool is_continued_ = false;
  std::string_view encoding_;
  std::vector<std::uint32_t> indents_{0};
  std::string_view quote_;
  std::size_t string_start_ = 0;
  std::uint32_t string_line_ = 0;
  std::uint32_t string_column_ = 0;
  std::size_t string_blank_ = 0;  // where the blanks before it begin
  std::size_t string_prefix_bytes_ = 0;
  std::vector<Token>* tokens_ = nullptr;
};

}  // namespace bursar::translate
