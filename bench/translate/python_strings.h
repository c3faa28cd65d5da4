// What a Python string literal holds: its parts, and its escapes undone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/translate/byte_sets.h"
#include "bench/translate/syntax.h"

namespace bursar::translate {

struct StringParts {
  StringFlavor flavor = StringFlavor::text;
  bool is_raw = false;
  std::string_view body;  // between the quotes
};

/// Of a string token that the tokenizer found.
[[nodiscard]] inline StringParts parts_of_string(std::string_view token) {
  StringParts parts;
  std::size_t prefix = 0;
  for (; token[prefix] != '"' && token[prefix] != '\''; ++prefix) {
    switch (token[prefix] | 0x20) {
      case 'r': parts.is_raw = true; break;
      case 'b': parts.flavor = StringFlavor::bytes; break;
      case 'f': parts.flavor = StringFlavor::format; break;
      default: break;
    }
  }
  token.remove_prefix(prefix);
  const bool is_triple = token.size() >= 6 && token[1] == token[0] && token[2] == token[0];
  const std::size_t quotes = is_triple ? 3 : 1;
  parts.body = token.substr(quotes, token.size() - 2 * quotes);
  return parts;
}

/// Writes one string's value; the value is never longer than the text.
class Unescape {
 public:
  Unescape(std::string_view body, StringFlavor flavor, char* to) : body_(body), flavor_(flavor), to_(to), begin_(to) {}

  /// How many bytes were written. `find_backslash(text)` says where the next one is, or the text's size.
  template <typename Find>
  [[nodiscard]] std::size_t write(Find find_backslash) {
    while (!body_.empty()) {
      const std::size_t plain = find_backslash(body_);
      to_ = std::copy_n(body_.data(), plain, to_);
      body_.remove_prefix(plain);
      if (!body_.empty()) write_escape();
    }
    return static_cast<std::size_t>(to_ - begin_);
  }

 private:
  /// What Python does not know stays, backslash included; so do the names of characters.
  void write_escape() {
    const char escaped = body_.size() > 1 ? body_[1] : '\0';
    constexpr std::string_view letters = "abfnrtv\\'\"";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
    if (const std::size_t index = letters.find(escaped); escaped != '\0' && index != letters.npos) {
      put(meanings[index], 2);
    } else if (escaped == '\n') {
      body_.remove_prefix(2);
    } else if (escaped == '\r') {
      body_.remove_prefix(body_.substr(1).starts_with("\r\n") ? 3 : 2);
    } else if (escaped >= '0' && escaped <= '7') {
      constexpr std::size_t digits_max = 3;
      write_number(1, digits_max, 8, 1);
    } else if (escaped == 'x') {
      write_number(2, 2, 16, 2);
    } else if (flavor_ == StringFlavor::text && (escaped == 'u' || escaped == 'U')) {
      const std::size_t digits = escaped == 'u' ? 4 : 8;
      write_number(2, digits, 16, digits);
    } else {
      put('\\', 1);
    }
  }

  void put(char byte, std::size_t read) {
    *to_++ = byte;
    body_.remove_prefix(read);
  }

  void write_number(std::size_t from, std::size_t digits_max, std::uint32_t base, std::size_t digits_min) {
    std::uint32_t value = 0;
    std::size_t digits = 0;
    for (; digits < digits_max && from + digits < body_.size(); ++digits) {
      const std::uint32_t digit = digit_of(body_[from + digits]);
      if (digit >= base) break;
      value = value * base + digit;
    }
    constexpr std::uint32_t code_point_max = 0x10ffff;
    if (digits < digits_min || value > code_point_max) {
      put('\\', 1);
      return;
    }
    body_.remove_prefix(from + digits);
    if (flavor_ == StringFlavor::bytes) {
      *to_++ = static_cast<char>(value);
    } else {
      write_code_point(value);
    }
  }

  [[nodiscard]] static std::uint32_t digit_of(char byte) {
    const auto lower = static_cast<char>(byte | 0x20);
    if (byte >= '0' && byte <= '9') return static_cast<std::uint32_t>(byte - '0');
    if (lower >= 'a' && lower <= 'f') return static_cast<std::uint32_t>(lower - 'a' + 10);
    return 16;
  }

  /// As UTF-8; halves of surrogate pairs as if they were characters.
  void write_code_point(std::uint32_t value) {
    const auto put_byte = [this](std::uint32_t byte) { *to_++ = static_cast<char>(byte); };
    const auto put_rest = [&](std::uint32_t shift) { put_byte(0x80 | (value >> shift & 0x3f)); };
    if (value < 0x80) {
      put_byte(value);
    } else if (value < 0x800) {
      put_byte(0xc0 | value >> 6);
      put_rest(0);
    } else if (value < 0x10000) {
      put_byte(0xe0 | value >> 12);
      put_rest(6);
      put_rest(0);
    } else {
      put_byte(0xf0 | value >> 18);
      put_rest(12);
      put_rest(6);
      put_rest(0);
    }
  }

  std::string_view body_;
  StringFlavor flavor_;
  char* to_;
  char* begin_;
};

/// Writes the value of a literal of some flavor, as File::literal and File::value_of want it.
template <typename Scan>
[[nodiscard]] auto unescape_of(StringFlavor flavor) {
  return [flavor](std::string_view body, char* to) {
    return Unescape(body, flavor, to).write([](std::string_view text) {
      return Scan::find_within(text, byte_sets::Backslash{});
    });
  };
}

}  // namespace bursar::translate
