// The text that the translator writes, on the runtime API.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bench/translate/tokens.h"
#include "bursar/aligned_buffer.h"

namespace bursar::translate {

/// A text that is handed on piece by piece from a buffer, which is kept for the next file.
class RuntimeOutput {
 public:
  void begin(TextSink& sink, std::size_t /*source_bytes*/) {
    sink_ = &sink;
    to_ = buffer_.data();
    taken_bytes_ = 0;
  }
  /// How many bytes it had.
  std::size_t end() {
    hand_on();
    return taken_bytes_;
  }

  /// Inlined, so that a word that is known when this is compiled becomes a store or two.
  [[gnu::always_inline]] void append(std::string_view text) {
    if (text.size() > room()) [[unlikely]]
      return append_in_parts(text);
    if (__builtin_constant_p(text.size())) {
      std::memcpy(to_, text.data(), text.size());
    } else {
      copy(to_, text.data(), text.size());
    }
    to_ += text.size();
  }
  [[gnu::always_inline]] void append(char byte) {
    if (room() == 0) [[unlikely]]
      hand_on();
    *to_++ = byte;
  }
  /// Indentation is short: then a fixed number of bytes is written, of which `count` stay.
  [[gnu::always_inline]] void append(std::size_t count, char byte) {
    if (count > spare_bytes || count > room()) [[unlikely]]
      return append_one_by_one(count, byte);
    std::memset(to_, byte, spare_bytes);
    to_ += count;
  }

 private:
  static constexpr std::size_t spare_bytes = 32;  // behind a piece

  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(buffer_.data() + text_piece_bytes - to_); }

  /// Names are short: two words that overlap do for most, without a call.
  [[gnu::always_inline]] static void copy(char* to, const char* from, std::size_t bytes) {
    if (bytes > 16) {
      std::memcpy(to, from, bytes);
    } else if (bytes >= 8) {
      copy_twice<std::uint64_t>(to, from, bytes);
    } else if (bytes >= 4) {
      copy_twice<std::uint32_t>(to, from, bytes);
    } else {
      for (std::size_t index = 0; index < bytes; ++index) to[index] = from[index];
    }
  }
  template <typename Word>
  [[gnu::always_inline]] static void copy_twice(char* to, const char* from, std::size_t bytes) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + bytes - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + bytes - sizeof last, &last, sizeof last);
  }

  void hand_on() {
    const auto bytes = static_cast<std::size_t>(to_ - buffer_.data());
    if (bytes != 0) sink_->take({buffer_.data(), bytes});
    taken_bytes_ += bytes;
    to_ = buffer_.data();
  }
  [[gnu::noinline]] void append_in_parts(std::string_view text) {
    while (!text.empty()) {
      if (room() == 0) hand_on();
      const std::string_view part = text.substr(0, room());
      to_ = std::copy_n(part.data(), part.size(), to_);
      text.remove_prefix(part.size());
    }
  }
  [[gnu::noinline]] void append_one_by_one(std::size_t count, char byte) {
    for (; count != 0; --count) append(byte);
  }

  // I1  to_ is a place in the first text_piece_bytes of buffer_, or their end; what stands before it has not been handed on
  AlignedBuffer<char> buffer_ = AlignedBuffer<char>::for_overwrite(text_piece_bytes + spare_bytes);
  char* to_ = buffer_.data();
  TextSink* sink_ = nullptr;
  std::size_t taken_bytes_ = 0;
};

}  // namespace bursar::translate
