// Characters on their way to a sink: collected on the stack, with the column they have reached.
#pragma once

#include <cstddef>
#include <cstdint>

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

  Output& add(const char* string) noexcept {
    while (*string != '\0') add(*string++);
    return *this;
  }

  Output& add(uint64_t value) noexcept {
    Text<24> digits;
    digits.add_decimal(value);
    for (size_t i = 0; i < digits.length(); ++i) add(digits.data()[i]);
    return *this;
  }

  /// Spaces up to this column; none where it is passed already.
  Output& pad_to(size_t column) noexcept {
    while (column_ < column) add(' ');
    return *this;
  }

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

void render_text(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept;
void render_json(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept;
void render_openmetrics(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept;

}  // namespace bursar::ledger
