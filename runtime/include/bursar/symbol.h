// A 4-byte name for a text that an interner keeps.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

#include "bursar/export.h"

namespace bursar {

/// What a symbol is made of: where its text stands in the interner. What a `switch` over symbols switches over.
enum class SymbolId : std::uint32_t {};

/// The name of a text: two symbols of one interner are equal exactly where their texts are. The order is that of the interning, not of the alphabet. A
/// symbol belongs to the interner that gave it; the keywords of keywords.h and the empty text belong to all. Trivial, 4 bytes.
class Symbol {
 public:
  /// The empty text.
  constexpr Symbol() noexcept = default;
  constexpr explicit Symbol(SymbolId id) noexcept : id_(id) {}

  [[nodiscard]] constexpr SymbolId id() const noexcept { return id_; }
  /// So that a symbol can be switched over: case "while"_keyword.
  constexpr operator SymbolId() const noexcept { return id_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return id_ == SymbolId{}; }

  /// The text in the global interner; valid for the rest of the process. For a symbol of another interner ask that one. Lock-free.
  [[nodiscard]] std::string_view view() const noexcept;

  friend constexpr bool operator==(Symbol, Symbol) noexcept = default;
  friend constexpr std::strong_ordering operator<=>(Symbol, Symbol) noexcept = default;

 private:
  SymbolId id_{};
};
static_assert(sizeof(Symbol) == 4);

namespace detail {

/// An id is a block's number and a place in it. At the place stands the text's length in a byte, then the text; a length that does not
/// fit in the byte follows in eight more.
///
///     | 5 w h i l e | 2 i f | 255 | 0 1 0 0 0 0 0 0 | ...
inline constexpr std::uint32_t symbol_place_bits = 16;
inline constexpr std::size_t symbol_block_bytes = std::size_t{1} << symbol_place_bits;
inline constexpr std::size_t symbol_blocks_max = std::size_t{1} << (32 - symbol_place_bits);
inline constexpr unsigned char long_text_mark = 255;
inline constexpr std::size_t long_text_head_bytes = 1 + sizeof(std::uint64_t);

/// Where the blocks are.
using BlockDirectory = std::atomic<const char*>;

[[nodiscard]] inline std::string_view text_at(const char* entry) noexcept {
  const auto mark = static_cast<unsigned char>(*entry);
  if (mark != long_text_mark) [[likely]]
    return {entry + 1, mark};
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, entry + 1, sizeof bytes);
  return {entry + long_text_head_bytes, bytes};
}

[[nodiscard]] inline const char* entry_of(const BlockDirectory* directory, SymbolId id) noexcept {
  const auto place = static_cast<std::uint32_t>(id);
  // Relaxed: whoever has the symbol has synchronized with the thread that made it, and that one had stored the block before.
  const char* block = directory[place >> symbol_place_bits].load(std::memory_order_relaxed);
  return block + (place & (symbol_block_bytes - 1));
}

/// The global interner's directory; before there is one, a directory with the keywords alone.
BURSAR_RUNTIME_EXPORT extern constinit std::atomic<const BlockDirectory*> global_directory;

}  // namespace detail

inline std::string_view Symbol::view() const noexcept {
  // Relaxed, as above.
  return detail::text_at(detail::entry_of(detail::global_directory.load(std::memory_order_relaxed), id_));
}

}  // namespace bursar

template <>
struct std::hash<bursar::Symbol> {
  std::size_t operator()(bursar::Symbol symbol) const noexcept { return static_cast<std::size_t>(symbol.id()); }
};
