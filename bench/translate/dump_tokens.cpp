// Prints the tokens of Python files, for a comparison with python3 -m tokenize: kind, line, column, text in hexadecimal.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "bench/translate/python_tokenizer.h"

namespace {

constexpr const char* kinds[] = {"ENCODING", "NAME", "NUMBER", "STRING", "OP",         "COMMENT",
                                 "NEWLINE",  "NL",   "INDENT", "DEDENT", "ERRORTOKEN", "ENDMARKER"};

void print(const bursar::translate::Token& token) {
  std::printf("%s %u %u ", kinds[static_cast<std::size_t>(token.kind)], token.line, token.column);
  for (const char byte : token.text) std::printf("%02x", static_cast<unsigned char>(byte));
  std::putchar('\n');
}

}  // namespace

int main(int argument_count, char** arguments) {
  for (int index = 1; index < argument_count; ++index) {
    std::ifstream file(arguments[index], std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<bursar::translate::Token> tokens;
    const auto fault = bursar::translate::PythonTokenizer(source).tokenize(tokens);
    std::printf("FILE %s %d\n", arguments[index], static_cast<int>(fault));
    for (const auto& token : tokens) print(token);
  }
  return 0;
}
