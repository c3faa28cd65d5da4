// The translator's memory as the standard library has it: owned strings, unique_ptr, vectors, hash maps, on the process's malloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/translate/read_source.h"
#include "bench/translate/tokens.h"
#include "bursar/keywords.h"

namespace bursar::translate {

/// The keyword that a word is, else the empty symbol.
[[nodiscard]] inline Symbol keyword_of(std::string_view word) {
  static const std::unordered_map<std::string_view, Symbol> keywords = [] {
    std::unordered_map<std::string_view, Symbol> words;
    const auto add = [&words](std::string_view keyword) {
      words.emplace(keyword, Symbol(SymbolId{bursar::detail::keyword_block.place_of(keyword)}));
    };
    for (const std::string_view keyword : python_keywords) add(keyword);
    for (const std::string_view keyword : python_soft_keywords) add(keyword);
    return words;
  }();
  const auto found = keywords.find(word);
  return found == keywords.end() ? Symbol() : found->second;
}

/// The tokens of a file: views of its source.
class StandardTokens {
 public:
  explicit StandardTokens(std::string_view source) : source_(source) {
    // A token takes some four bytes of a source as a rule.
    constexpr std::size_t bytes_per_token = 4;
    tokens_.reserve(source.size() / bytes_per_token + 2);
  }

  void add_encoding(std::string_view name) { tokens_.push_back({name, {}, 0, TokenKind::encoding, Operator::none}); }
  void add_name(const Lexeme& lexeme) { add(lexeme, keyword_of(text_of(lexeme))); }
  void add(const Lexeme& lexeme) { add(lexeme, Symbol()); }

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] TokenKind kind(std::size_t index) const { return tokens_[index].kind; }
  [[nodiscard]] Operator op(std::size_t index) const { return tokens_[index].op; }
  [[nodiscard]] std::uint32_t line(std::size_t index) const { return tokens_[index].line; }

 private:
  struct Token {
    std::string_view text;
    Symbol keyword;
    std::uint32_t line;
    TokenKind kind;
    Operator op;
  };

  [[nodiscard]] std::string_view text_of(const Lexeme& lexeme) const {
    return source_.substr(lexeme.start, lexeme.end - lexeme.start);
  }
  void add(const Lexeme& lexeme, Symbol keyword) {
    tokens_.push_back({text_of(lexeme), keyword, lexeme.line, lexeme.kind, lexeme.op});
  }

  std::string_view source_;
  std::vector<Token> tokens_;
};

struct StandardMemory {
  using Tokens = StandardTokens;

  /// What files have in common: nothing.
  struct Shared {
    explicit Shared(std::size_t /*threads*/) {}
  };
  /// What a thread keeps from one file to the next: nothing.
  struct Workspace {
    explicit Workspace(Shared& /*shared*/) {}
  };

  /// The memory of one file.
  class File {
   public:
    explicit File(Workspace& /*workspace*/) {}

    [[nodiscard]] std::string_view read(const std::string& path) {
      return read_source(path, [this](std::size_t bytes) {
        source_.resize(bytes);
        return source_.data();
      });
    }
    [[nodiscard]] Tokens tokens(std::string_view source) { return Tokens(source); }

   private:
    std::string source_;
  };
};

}  // namespace bursar::translate
