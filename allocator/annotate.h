// Hints for the compiler that change no meaning.
#pragma once

namespace bursar {

/// Makes g++ keep the value in the register it is returned in, where it would copy it there at the end. Pre: not null.
template <typename T>
[[gnu::always_inline]] inline void prefer_result_register(T*& value) noexcept {
  asm("" : "+r"(value));
  if (value == nullptr) __builtin_unreachable();
}

}  // namespace bursar
