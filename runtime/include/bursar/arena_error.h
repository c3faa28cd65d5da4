// What an arena throws when it cannot serve.
#pragma once

#include <array>
#include <cstddef>
#include <new>

#include "bursar/export.h"

namespace bursar {

/// Why an arena did not serve.
enum class ArenaFault : unsigned char {
  no_memory,       ///< the heap, or the upstream resource, had none
  limit_exceeded,  ///< the arena would hold more than ArenaOptions::limit_bytes
  bad_alignment,   ///< the alignment is no power of two
  too_large,       ///< a size, or a count times a size, is beyond the address space
};

/// Thrown by Arena's functions whose names do not begin with try_. It holds its text itself: copying it takes no memory.
class BURSAR_RUNTIME_EXPORT ArenaError : public std::bad_alloc {
 public:
  ArenaError(ArenaFault fault, const char* name, std::size_t limit_bytes, std::size_t held_bytes,
             std::size_t wanted_bytes) noexcept;
  ArenaError(const ArenaError&) noexcept = default;
  ArenaError& operator=(const ArenaError&) noexcept = default;
  ~ArenaError() override;

  /// The fault, the arena's name and the three figures below, in one line.
  [[nodiscard]] const char* what() const noexcept override { return text_.data(); }

  [[nodiscard]] ArenaFault fault() const noexcept { return fault_; }
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }
  [[nodiscard]] std::size_t wanted_bytes() const noexcept { return wanted_bytes_; }

 private:
  static constexpr std::size_t text_bytes_max = 160;  // four numbers of 20 digits, the words and 32 bytes of a name

  ArenaFault fault_;
  std::size_t limit_bytes_;
  std::size_t held_bytes_;
  std::size_t wanted_bytes_;
  std::array<char, text_bytes_max> text_;
};

}  // namespace bursar
