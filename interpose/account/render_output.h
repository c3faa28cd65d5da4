// Characters on their way to a sink: collected on the stack, with the column they have reached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "allocator/text.h"
#include "interpose/account/render.h"

namespace bursar::ledger {

/// Writes what was added at the latest when it goes.
class Output {
 public:
  explicit Output(const Sink& sink) noexcept : sink_(sink) {}
  ~Output() { flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Output& add(char character) noexcept {
    if (length_ == sizeof characters_) flush();
    characters_[length_++] = character;
    column_ = character == '\n' ? 0 : column_ + 1;
    return *this;
  }

  /// One character, that takes so many columns.
  Output& add(const char* bytes, size_t length, size_t columns) noexcept {
    const size_t column = column_ + columns;
    append(bytes, length);
    column_ = column;
    return *this;
  }

  /// At once: a report with many tasks has a MiB of such pieces.
  Output& append(const char* bytes, size_t length) noexcept {
    const void* line_end = memrchr(bytes, '\n', length);
    const size_t after_line_end =
        line_end == nullptr ? length : static_cast<size_t>(bytes + length - static_cast<const char*>(line_end)) - 1;
    column_ = (line_end == nullptr ? column_ : 0) + after_line_end;
    while (length != 0) {
      if (length_ == sizeof characters_) flush();
      const size_t room = sizeof characters_ - length_;
      const size_t now = length < room ? length : room;
      memcpy(characters_ + length_, bytes, now);
      length_ += now;
      bytes += now;
      length -= now;
    }
    return *this;
  }

  Output& add(const char* string) noexcept { return append(string, strlen(string)); }

  Output& add(uint64_t value) noexcept {
    Text<24> digits;
    digits.add_decimal(value);
    return append(digits.data(), digits.length());
  }

  /// Spaces up to this column; none where it is passed already.
  Output& pad_to(size_t column) noexcept {
    while (column_ < column) add(' ');
    return *this;
  }

  /// Of the terminal, as long as what is not ASCII comes as characters.
  [[nodiscard]] size_t column() const noexcept { return column_; }

  void flush() noexcept {
    if (length_ != 0) sink_.write(sink_.context, characters_, length_);
    length_ = 0;
  }

 private:
  const Sink& sink_;
  size_t length_ = 0;
  size_t column_ = 0;
  char characters_[512];
};

/// Reads UTF-8 that may be anything: the length of the well-formed character at `string`, 0 where there is none.
/// `string` ends with a NUL.
size_t utf8_length(const char* string) noexcept;

/// A character as it is shown: `?` stands for what is not well-formed, and for what would steer the terminal.
struct Shown {
  size_t length;   // of the character that it stands for
  size_t columns;  // 0 for what combines with the one before, 2 for the wide ones of East Asia
  bool is_as_given;
};

/// Of the first character. Pre: the string ends with a NUL, and is not empty.
[[nodiscard]] Shown first_shown(const char* string) noexcept;

void add_shown(Output& output, const char* string, Shown shown) noexcept;

/// A ledger or a program may name anything; nothing of it steers the terminal.
void add_printable(Output& output, const char* string) noexcept;

void render_text(const View& view, const ExitFacts& facts, Output& output) noexcept;
void render_json(const View& view, const ExitFacts& facts, Output& output) noexcept;
void render_openmetrics(const View& view, const ExitFacts& facts, Output& output) noexcept;

}  // namespace bursar::ledger
