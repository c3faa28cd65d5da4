// Prints the tokens of Python files, for a comparison with python3 -m tokenize: kind, line, column, text in hexadecimal.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "bench/translate/python_tokenizer.h"
#include "bench/translate/scan.h"

namespace {

using bursar::translate::Lexeme;

constexpr const char* kinds[] = {"ENCODING", "NAME", "NUMBER", "STRING", "OP",         "COMMENT",
                                 "NEWLINE",  "NL",   "INDENT", "DEDENT", "ERRORTOKEN", "ENDMARKER"};

struct FoundToken {
  Lexeme lexeme;
  std::string_view text;
};

/// Keeps what the tokenizer finds.
struct Tokens {
  explicit Tokens(std::string_view text) : source(text) {}
  void add_encoding(std::string_view name) { found.push_back({{bursar::translate::TokenKind::encoding}, name}); }
  void add_name(const Lexeme& lexeme) { add(lexeme); }
  void add_trivia(const Lexeme& lexeme) { add(lexeme); }
  void add(const Lexeme& lexeme) { found.push_back({lexeme, source.substr(lexeme.start, lexeme.end - lexeme.start)}); }
  std::string_view source;
  std::vector<FoundToken> found;
};

void print(const FoundToken& token) {
  std::printf("%s %u %u ", kinds[static_cast<std::size_t>(token.lexeme.kind)], token.lexeme.line, token.lexeme.column);
  for (const char byte : token.text) std::printf("%02x", static_cast<unsigned char>(byte));
  std::putchar('\n');
}

template <typename Scan>
void dump(const char* path, std::string_view source) {
  Tokens tokens(bursar::translate::without_byte_order_mark(source));
  const auto fault = bursar::translate::PythonTokenizer<Scan, Tokens>(source, tokens).tokenize();
  std::printf("FILE %s %d\n", path, static_cast<int>(fault));
  for (const FoundToken& token : tokens.found) print(token);
}

}  // namespace

/// dump_tokens [--simd] FILE...
int main(int argument_count, char** arguments) {
  const bool is_simd = argument_count > 1 && std::string_view(arguments[1]) == "--simd";
  for (int index = is_simd ? 2 : 1; index < argument_count; ++index) {
    std::ifstream file(arguments[index], std::ios::binary);
    std::string source{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t bytes = source.size();
    source.append(bursar::translate::source_tail_bytes, '\0');
    const std::string_view text = std::string_view(source).substr(0, bytes);
    if (is_simd) {
      dump<bursar::translate::SimdScan>(arguments[index], text);
    } else {
      dump<bursar::translate::ScalarScan>(arguments[index], text);
    }
  }
  return 0;
}
