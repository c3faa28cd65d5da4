// Text made on the stack, for places where nothing may allocate.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bursar {

/// A line of at most `capacity - 1` characters; what does not fit is cut. Not for sharing between threads.
template <size_t capacity>
class Text {
 public:
  Text& add(const char* string) noexcept {
    while (*string != '\0' && length_ + 1 < capacity) characters_[length_++] = *string++;
    return *this;
  }

  Text& add(const char* string, size_t length) noexcept {
    for (size_t i = 0; i < length && length_ + 1 < capacity; ++i) characters_[length_++] = string[i];
    return *this;
  }

  Text& add_decimal(uint64_t value) noexcept { return add_digits(value, 10); }

  Text& add_address(const void* pointer) noexcept {
    return add("0x").add_digits(reinterpret_cast<uintptr_t>(pointer), 16);
  }

  [[nodiscard]] const char* data() const noexcept { return characters_; }
  [[nodiscard]] size_t length() const noexcept { return length_; }

  /// The same characters, ended by a NUL.
  [[nodiscard]] const char* c_str() noexcept {
    characters_[length_] = '\0';
    return characters_;
  }

 private:
  Text& add_digits(uint64_t value, unsigned base) noexcept {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (count != 0 && length_ + 1 < capacity) characters_[length_++] = digits[--count];
    return *this;
  }

  size_t length_ = 0;
  char characters_[capacity];
};

}  // namespace bursar
