// Transformations of text that copy nothing where nothing changes: escape, unescape, replace, lower, upper, newlines, tabs; trim and split
// give views.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "bursar/byte_scan.h"
#include "bursar/cow_string.h"
#include "bursar/export.h"
#include "bursar/memory.h"

/// All functions take any bytes: NUL and invalid UTF-8 are carried on as they stand, and bytes above 0x7f are never changed. All are thread
/// safe. Results borrow from their argument where nothing changes: it must live longer than they do.
namespace bursar::zero_copy {

/// A transformation in three steps, so that text without a change never meets the second and the third:
///   find     where the first change is, or text.size() for none
///   measure  how many bytes the result has, from the first change on known to find(); below SIZE_MAX / 2, or SIZE_MAX
///   write    the result, exactly as long as measured
template <typename T>
concept Transformation = std::copy_constructible<T> &&
    requires(const T change, std::string_view text, std::size_t first, char* out) {
  { change.find(text) }
  noexcept->std::same_as<std::size_t>;
  { change.measure(text, first) }
  noexcept->std::same_as<std::size_t>;
  { change.write(text, first, out) }
  noexcept;
};

/// Whatever hands out memory that somebody else takes back: std::pmr::memory_resource, an arena.
template <typename T>
concept TextMemory = requires(T& memory, std::size_t bytes) {
  { memory.allocate(bytes, bytes) } -> std::convertible_to<void*>;
};

namespace detail {
using bursar::detail::count_copy;
using bursar::detail::count_unchanged;
}  // namespace detail

/// The transformed text, borrowed where nothing changes; nothing without memory.
template <Transformation Change>
[[nodiscard]] std::optional<CowString> try_transform(const Change& change, std::string_view text) noexcept {
  const std::size_t first = change.find(text);
  if (first == text.size()) [[likely]] {
    detail::count_unchanged();
    return CowString::borrow(text);
  }
  const std::size_t bytes = change.measure(text, first);
  CowString result = CowString::try_own_uninitialized(bytes);
  if (result.is_borrowed()) [[unlikely]]
    return std::nullopt;
  change.write(text, first, result.mutable_data());
  detail::count_copy(bytes);
  return result;
}

namespace detail {

/// Out of the way of the text that does not change.
template <Transformation Change>
[[gnu::noinline]] CowString transform_changed(const Change& change, std::string_view text, std::size_t first) {
  const std::size_t bytes = change.measure(text, first);
  CowString result = CowString::own_uninitialized(bytes);
  change.write(text, first, result.mutable_data());
  count_copy(bytes);
  return result;
}

template <Transformation Change, TextMemory Memory>
[[gnu::noinline]] std::string_view transform_changed_into(Memory& memory, const Change& change, std::string_view text,
                                                          std::size_t first) {
  const std::size_t bytes = change.measure(text, first);
  if (bytes > SIZE_MAX / 2) [[unlikely]]
    throw_bad_alloc();
  auto* out = static_cast<char*>(static_cast<void*>(memory.allocate(bytes, 1)));
  if (out == nullptr) [[unlikely]]
    throw_bad_alloc();
  change.write(text, first, out);
  count_copy(bytes);
  return {out, bytes};
}

}  // namespace detail

/// The same; throws std::bad_alloc without memory.
template <Transformation Change>
[[nodiscard]] inline CowString transform(const Change& change, std::string_view text) {
  const std::size_t first = change.find(text);
  if (first != text.size()) [[unlikely]]
    return detail::transform_changed(change, text, first);
  detail::count_unchanged();
  return CowString::borrow(text);
}

/// The same with what changes written to memory of somebody else's: an arena's texts need no owner. Throws what the memory throws.
template <Transformation Change, TextMemory Memory>
[[nodiscard]] inline std::string_view transform_into(Memory& memory, const Change& change, std::string_view text) {
  const std::size_t first = change.find(text);
  if (first != text.size()) [[unlikely]]
    return detail::transform_changed_into(memory, change, text, first);
  detail::count_unchanged();
  return text;
}

/// Memory that tells by null that there is none: an arena.
template <typename T>
concept TryTextMemory = requires(T& memory, std::size_t bytes) {
  { memory.try_allocate(bytes, bytes) } -> std::convertible_to<void*>;
};

/// The same without exceptions: nothing where the memory gives null, or the result would pass half the address space.
template <Transformation Change, TryTextMemory Memory>
[[nodiscard]] std::optional<std::string_view> try_transform_into(Memory& memory, const Change& change,
                                                                 std::string_view text) {
  const std::size_t first = change.find(text);
  if (first == text.size()) [[likely]] {
    detail::count_unchanged();
    return text;
  }
  const std::size_t bytes = change.measure(text, first);
  if (bytes > SIZE_MAX / 2) [[unlikely]]
    return std::nullopt;
  auto* out = static_cast<char*>(static_cast<void*>(memory.try_allocate(bytes, 1)));
  if (out == nullptr) [[unlikely]]
    return std::nullopt;
  change.write(text, first, out);
  detail::count_copy(bytes);
  return std::string_view(out, bytes);
}

/// Which escapes are written and understood.
///   c     \a \b \f \n \r \t \v \" \\, other control bytes and DEL as three octal digits (never more, so a digit may follow);
///         understood are also \' \?, one to three octal digits, \x with any number of digits up to 0xff, \uXXXX and \UXXXXXXXX as UTF-8
///   json  \b \f \n \r \t \" \\, other bytes below 0x20 as \u00XX; understood are also \/ and \uXXXX, with surrogate pairs, as UTF-8
enum class EscapeStyle : std::uint8_t { c, json };

/// What a literal of the style cannot hold as it stands.
template <EscapeStyle style>
struct NeedsEscape {
  [[nodiscard]] byte_scan::Bytes16 matches(byte_scan::Bytes16 bytes) const noexcept {
    using namespace byte_scan;  // NOLINT(google-build-using-namespace)
    const Bytes16 marks = either(equal(bytes, '"'), equal(bytes, '\\'));
    const Bytes16 plain = either(marks, between(bytes, '\0', '\x1f'));
    if constexpr (style == EscapeStyle::json) return plain;
    return either(plain, equal(bytes, '\x7f'));
  }
};

/// Text as it stands between the quotes of a literal.
template <EscapeStyle style>
struct Escape {
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept {
    return byte_scan::find_first(text, NeedsEscape<style>{});
  }
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t measure(std::string_view text, std::size_t first) const noexcept;
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};
extern template struct Escape<EscapeStyle::c>;
extern template struct Escape<EscapeStyle::json>;

/// The way back. An escape that the style does not have, a lone surrogate or a number that is too large stays as it stands, backslash
/// included: unescape(escape(x)) is x for all x, and find_malformed_escape tells of the rest.
template <EscapeStyle style>
struct Unescape {
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept {
    const void* backslash = text.empty() ? nullptr : std::memchr(text.data(), '\\', text.size());
    if (backslash == nullptr) return text.size();
    return find_escape(text, static_cast<std::size_t>(static_cast<const char*>(backslash) - text.data()));
  }
  /// The first good escape, looked for from a backslash on.
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t find_escape(std::string_view text, std::size_t from) const noexcept;
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t measure(std::string_view text, std::size_t first) const noexcept;
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};
extern template struct Unescape<EscapeStyle::c>;
extern template struct Unescape<EscapeStyle::json>;

/// Every `from`, left to right and without overlap, becomes `to`. An empty `from` is nowhere.
struct Replace {
  std::string_view from;
  std::string_view to;
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t find(std::string_view text) const noexcept;
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t measure(std::string_view text, std::size_t first) const noexcept;
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};

template <char low, char high>
struct InRange {
  [[nodiscard]] byte_scan::Bytes16 matches(byte_scan::Bytes16 bytes) const noexcept {
    return byte_scan::between(bytes, low, high);
  }
};

/// ASCII letters of one case become the other; all other bytes, letters of other scripts among them, stay.
template <char low, char high>
struct ChangeCase {
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept {
    return byte_scan::find_first(text, InRange<low, high>{});
  }
  [[nodiscard]] std::size_t measure(std::string_view text, std::size_t /*first*/) const noexcept { return text.size(); }
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};
using Lower = ChangeCase<'A', 'Z'>;
using Upper = ChangeCase<'a', 'z'>;
extern template struct ChangeCase<'A', 'Z'>;
extern template struct ChangeCase<'a', 'z'>;

/// CR LF and CR alone become LF.
struct NormalizeNewlines {
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept {
    return byte_scan::find_first(text, InRange<'\r', '\r'>{});
  }
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t measure(std::string_view text, std::size_t first) const noexcept;
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};

/// A tab becomes the spaces up to the next column that is a multiple of tab_columns, as Python's str.expandtabs: a line begins after CR or LF, a
/// UTF-8 sequence takes one column, and with 0 tabs vanish.
struct ExpandTabs {
  std::uint32_t tab_columns = 8;
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept {
    return byte_scan::find_first(text, InRange<'\t', '\t'>{});
  }
  [[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t measure(std::string_view text, std::size_t first) const noexcept;
  BURSAR_RUNTIME_EXPORT void write(std::string_view text, std::size_t first, char* out) const noexcept;
};

// The transformations by name. Each throws std::bad_alloc where something changes and there is no memory; try_transform and transform_into take
// the objects above.
template <EscapeStyle style = EscapeStyle::c>
[[nodiscard]] inline CowString escape(std::string_view text) {
  return transform(Escape<style>{}, text);
}
template <EscapeStyle style = EscapeStyle::c>
[[nodiscard]] inline CowString unescape(std::string_view text) {
  return transform(Unescape<style>{}, text);
}
[[nodiscard]] inline CowString replace(std::string_view text, std::string_view from, std::string_view to) {
  return transform(Replace{from, to}, text);
}
[[nodiscard]] inline CowString lower(std::string_view text) { return transform(Lower{}, text); }
[[nodiscard]] inline CowString upper(std::string_view text) { return transform(Upper{}, text); }
[[nodiscard]] inline CowString normalize_newlines(std::string_view text) {
  return transform(NormalizeNewlines{}, text);
}
[[nodiscard]] inline CowString expand_tabs(std::string_view text, std::uint32_t tab_columns = 8) {
  return transform(ExpandTabs{tab_columns}, text);
}

/// Where the first backslash stands that begins no escape of the style, or npos.
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t find_malformed_escape(std::string_view text,
                                                                      EscapeStyle style) noexcept;

/// Space, tab, LF, VT, FF and CR, as C's isspace in the C locale.
[[nodiscard]] constexpr bool is_space(char byte) noexcept { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// Without the white space at its start, at its end, at both: views, nothing is ever copied.
[[nodiscard]] constexpr std::string_view trim_start(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}
[[nodiscard]] constexpr std::string_view trim_end(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept { return trim_end(trim_start(text)); }

}  // namespace bursar::zero_copy
