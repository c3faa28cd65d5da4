// A text cut at a separator, or in lines, piece by piece as they are asked for.
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>
#include <string_view>

#include "bursar/byte_scan.h"

namespace bursar::zero_copy {

namespace detail {

/// A forward range of views over a text; `Cut` says where the first piece ends and the next begins. Pieces borrow from the text, and nothing is
/// allocated. Cost: one search a piece. (Not a std::ranges::view_interface: clang 14 cannot read libstdc++'s.)
///   cut(rest)  how many bytes the piece has and how many come before the next; for the last piece `is_last`
template <typename Cut>
class PieceRange : public std::ranges::view_base {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    constexpr Iterator() = default;
    constexpr Iterator(std::string_view text, Cut cut, bool has_piece) : rest_(text), cut_(cut), has_piece_(has_piece) {
      if (has_piece_) piece_ = cut_(rest_);
    }

    constexpr std::string_view operator*() const { return rest_.substr(0, piece_.bytes); }
    constexpr Iterator& operator++() {
      has_piece_ = !piece_.is_last;
      rest_.remove_prefix(piece_.is_last ? rest_.size() : piece_.bytes_to_next);
      if (has_piece_) piece_ = cut_(rest_);
      return *this;
    }
    constexpr Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend constexpr bool operator==(const Iterator& left, const Iterator& right) {
      return left.has_piece_ == right.has_piece_ && left.rest_.data() == right.rest_.data();
    }
    friend constexpr bool operator==(const Iterator& iterator, std::default_sentinel_t /*unused*/) {
      return !iterator.has_piece_;
    }

   private:
    // I1  with has_piece_, rest_ begins with the piece, and piece_ tells its end
    // I2  without it rest_ is empty and at the text's end
    std::string_view rest_;
    Cut cut_{};
    typename Cut::Piece piece_{};
    bool has_piece_ = false;
  };

  constexpr PieceRange() = default;
  constexpr PieceRange(std::string_view text, Cut cut, bool has_piece)
      : text_(text), cut_(cut), has_piece_(has_piece) {}

  constexpr Iterator begin() const { return Iterator(text_, cut_, has_piece_); }
  constexpr std::default_sentinel_t end() const { return std::default_sentinel; }
  constexpr bool empty() const { return !has_piece_; }

 private:
  std::string_view text_;
  Cut cut_{};
  bool has_piece_ = false;
};

struct PieceEnd {
  std::size_t bytes = 0;
  std::size_t bytes_to_next = 0;
  bool is_last = true;
};

struct AtByte {
  using Piece = PieceEnd;
  char separator = '\0';
  constexpr Piece operator()(std::string_view rest) const {
    const std::size_t at = rest.find(separator);
    if (at == rest.npos) return {rest.size(), rest.size(), true};
    return {at, at + 1, false};
  }
};

struct AtText {
  using Piece = PieceEnd;
  std::string_view separator;
  constexpr Piece operator()(std::string_view rest) const {
    const std::size_t at = separator.empty() ? rest.npos : rest.find(separator);
    if (at == rest.npos) return {rest.size(), rest.size(), true};
    return {at, at + separator.size(), false};
  }
};

struct IsLineEnd {
  [[nodiscard]] byte_scan::Bytes16 matches(byte_scan::Bytes16 bytes) const noexcept {
    return byte_scan::either(byte_scan::equal(bytes, '\n'), byte_scan::equal(bytes, '\r'));
  }
};

struct AtLineEnd {
  using Piece = PieceEnd;
  Piece operator()(std::string_view rest) const {
    const std::size_t at = byte_scan::find_first(rest, IsLineEnd{});
    if (at == rest.size()) return {rest.size(), rest.size(), true};
    const std::size_t next = at + (rest.substr(at, 2) == "\r\n" ? 2 : 1);
    return {at, next, next == rest.size()};
  }
};

}  // namespace detail

/// The pieces between separators, empty ones among them: "a,,b" is "a", "", "b", and "" is one empty piece. The text, and a
/// separator that is a text, must live longer than the range. An empty separator cuts nowhere.
[[nodiscard]] constexpr detail::PieceRange<detail::AtByte> split(std::string_view text, char separator) {
  return {text, detail::AtByte{separator}, true};
}
[[nodiscard]] constexpr detail::PieceRange<detail::AtText> split(std::string_view text, std::string_view separator) {
  return {text, detail::AtText{separator}, true};
}

/// The lines without their ends, which are LF, CR LF or CR; what follows the last end is a line where it is not empty.
[[nodiscard]] inline detail::PieceRange<detail::AtLineEnd> lines(std::string_view text) {
  return {text, detail::AtLineEnd{}, !text.empty()};
}

}  // namespace bursar::zero_copy

/// Iterators point into the text, not into the range.
template <typename Cut>
inline constexpr bool std::ranges::enable_borrowed_range<bursar::zero_copy::detail::PieceRange<Cut>> = true;
