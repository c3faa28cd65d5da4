// The keywords of Python and C++ as symbols that are known when the program is compiled, the same in every interner.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bursar/symbol.h"

namespace bursar {

/// Python 3's reserved words.
inline constexpr std::string_view python_keywords[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};
static_assert(std::size(python_keywords) == 35);

/// Those that are names where the grammar does not want them.
inline constexpr std::string_view python_soft_keywords[] = {"_", "case", "match", "type"};
static_assert(std::size(python_soft_keywords) == 4);

/// C++20's keywords and alternative tokens ([lex.key] tables 5 and 6).
inline constexpr std::string_view cpp_keywords[] = {
    "alignas",     "alignof",  "and",        "and_eq",    "asm",       "auto",         "bitand",
    "bitor",       "bool",     "break",      "case",      "catch",     "char",         "char16_t",
    "char32_t",    "char8_t",  "class",      "co_await",  "co_return", "co_yield",     "compl",
    "concept",     "const",    "const_cast", "consteval", "constexpr", "constinit",    "continue",
    "decltype",    "default",  "delete",     "do",        "double",    "dynamic_cast", "else",
    "enum",        "explicit", "export",     "extern",    "false",     "float",        "for",
    "friend",      "goto",     "if",         "inline",    "int",       "long",         "mutable",
    "namespace",   "new",      "noexcept",   "not",       "not_eq",    "nullptr",      "operator",
    "or",          "or_eq",    "private",    "protected", "public",    "register",     "reinterpret_cast",
    "requires",    "return",   "short",      "signed",    "sizeof",    "static",       "static_assert",
    "static_cast", "struct",   "switch",     "template",  "this",      "thread_local", "throw",
    "true",        "try",      "typedef",    "typeid",    "typename",  "union",        "unsigned",
    "using",       "virtual",  "void",       "volatile",  "wchar_t",   "while",        "xor",
    "xor_eq"};
static_assert(std::size(cpp_keywords) == 81 + 11);

namespace detail {

/// Block 0 of every interner: the empty text at place 0, then the keywords of Python, the soft ones, those of C++ alone.
struct KeywordBlock {
  static constexpr std::size_t words_max =
      std::size(python_keywords) + std::size(python_soft_keywords) + std::size(cpp_keywords);

  std::array<char, 1024> bytes{};
  std::array<std::uint16_t, words_max> places{};
  std::size_t words = 0;
  std::size_t bytes_used = 1;
  std::size_t soft_begin = 0;  ///< place of the first soft keyword, and so the end of the hard ones
  std::size_t soft_end = 0;

  consteval KeywordBlock() {
    for (const std::string_view word : python_keywords) add(word);
    soft_begin = bytes_used;
    for (const std::string_view word : python_soft_keywords) add(word);
    soft_end = bytes_used;
    for (const std::string_view word : cpp_keywords) {
      if (place_of(word) == 0) add(word);
    }
  }

  [[nodiscard]] constexpr std::string_view word(std::size_t index) const {
    const std::size_t place = places[index];
    return {&bytes[place + 1], static_cast<unsigned char>(bytes[place])};
  }

  /// 0: it is none.
  [[nodiscard]] constexpr std::uint32_t place_of(std::string_view wanted) const {
    for (std::size_t index = 0; index < words; ++index) {
      if (word(index) == wanted) return places[index];
    }
    return 0;
  }

 private:
  consteval void add(std::string_view word) {
    places[words++] = static_cast<std::uint16_t>(bytes_used);
    bytes[bytes_used++] = static_cast<char>(word.size());
    for (const char byte : word) bytes[bytes_used++] = byte;
  }
};
inline constexpr KeywordBlock keyword_block;
static_assert(keyword_block.bytes_used <= keyword_block.bytes.size());

/// A bit for each place of block 0 where a C++ keyword stands.
struct CppKeywordPlaces {
  std::array<std::uint64_t, 1024 / 64> bits{};
  consteval CppKeywordPlaces() {
    for (const std::string_view word : cpp_keywords) {
      const std::uint32_t place = keyword_block.place_of(word);
      bits[place / 64] |= std::uint64_t{1} << place % 64;
    }
  }
};
inline constexpr CppKeywordPlaces cpp_keyword_places;

[[nodiscard]] constexpr std::uint32_t place_of(Symbol symbol) { return static_cast<std::uint32_t>(symbol.id()); }

/// Called where a word is no keyword: being no constant expression, it ends the compilation.
void word_is_no_keyword();

}  // namespace detail

/// The symbol of a keyword; does not compile for other words.
[[nodiscard]] consteval Symbol keyword(std::string_view word) {
  const std::uint32_t place = detail::keyword_block.place_of(word);
  if (place == 0) detail::word_is_no_keyword();
  return Symbol(SymbolId{place});
}

inline namespace literals {
[[nodiscard]] consteval Symbol operator""_keyword(const char* word, std::size_t bytes) {
  return keyword({word, bytes});
}
}  // namespace literals

/// Whether a symbol of whatever interner is a keyword: a comparison or two, no text is looked at.
[[nodiscard]] constexpr bool is_python_keyword(Symbol symbol) noexcept {
  return !symbol.empty() && detail::place_of(symbol) < detail::keyword_block.soft_begin;
}
[[nodiscard]] constexpr bool is_python_soft_keyword(Symbol symbol) noexcept {
  return detail::place_of(symbol) >= detail::keyword_block.soft_begin &&
         detail::place_of(symbol) < detail::keyword_block.soft_end;
}
[[nodiscard]] constexpr bool is_cpp_keyword(Symbol symbol) noexcept {
  const std::uint32_t place = detail::place_of(symbol);
  return place < detail::keyword_block.bytes_used &&
         (detail::cpp_keyword_places.bits[place / 64] >> place % 64 & 1) != 0;
}

}  // namespace bursar
