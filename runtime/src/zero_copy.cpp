// What replace, lower, upper, newlines and tabs write where something changes.
#include "bursar/zero_copy.h"

namespace bursar::zero_copy {

namespace {

char* write_text(std::string_view text, char* out) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_spaces(std::size_t count, char* out) {
  std::memset(out, ' ', count);
  return out + count;
}

/// Where a text stands in another from a place on, or its end. Pre: `wanted` is not empty.
std::size_t find_text(std::string_view text, std::size_t from, std::string_view wanted) {
  // memmem is linear whatever the texts are; string_view::find is not.
  const void* found = ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return found == nullptr ? text.size() : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

using byte_scan::Bytes16;
using byte_scan::bytes16;

constexpr char case_bit = 'a' - 'A';

template <char low, char high>
void change_case_of_16(char* at) {
  const Bytes16 bytes = byte_scan::load16(at);
  const Bytes16 is_letter = byte_scan::between(bytes, low, high);
  const Bytes16 bit = simde_mm_and_si128(is_letter, byte_scan::all_bytes(case_bit));
  simde_mm_storeu_si128(reinterpret_cast<Bytes16*>(at), simde_mm_xor_si128(bytes, bit));
}

/// What changes the column; between them are bytes that take one column each, but for the middles of UTF-8 sequences.
struct EndsColumns {
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    const Bytes16 line_end = byte_scan::either(byte_scan::equal(bytes, '\n'), byte_scan::equal(bytes, '\r'));
    return byte_scan::either(line_end, byte_scan::equal(bytes, '\t'));
  }
};

bool is_middle_of_utf8(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (const char byte : text) columns += is_middle_of_utf8(byte) ? 0 : 1;
  return columns;
}

/// Walks over a text: `plain` takes what stays, `tab` the number of spaces for a tab.
template <typename Plain, typename Tab>
void walk_tabs(std::string_view text, std::uint32_t tab_columns, Plain plain, Tab tab) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t plain_bytes = byte_scan::find_first(text, EndsColumns{});
    const std::string_view before = text.substr(0, plain_bytes);
    plain(before);
    column += columns_of(before);
    text.remove_prefix(plain_bytes);
    if (text.empty()) return;
    if (text.front() == '\t') {
      const std::size_t spaces = tab_columns == 0 ? 0 : tab_columns - column % tab_columns;
      tab(spaces);
      column += spaces;
    } else {
      plain(text.substr(0, 1));
      column = 0;
    }
    text.remove_prefix(1);
  }
}

}  // namespace

std::size_t Replace::find(std::string_view text) const noexcept {
  // What is replaced by itself does not change either.
  if (from.empty() || from.size() > text.size() || from == to) return text.size();
  return find_text(text, 0, from);
}

std::size_t Replace::measure(std::string_view text, std::size_t first) const noexcept {
  std::size_t count = 0;
  for (std::size_t at = first; at < text.size(); at = find_text(text, at + from.size(), from)) ++count;
  std::size_t added = 0;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, to.size(), &added) ||
      __builtin_add_overflow(text.size() - count * from.size(), added, &bytes)) {
    return SIZE_MAX;
  }
  return bytes;
}

void Replace::write(std::string_view text, std::size_t first, char* out) const noexcept {
  out = write_text(text.substr(0, first), out);
  for (std::size_t at = first; at < text.size();) {
    out = write_text(to, out);
    at += from.size();
    const std::size_t next = find_text(text, at, from);
    out = write_text(text.substr(at, next - at), out);
    at = next;
  }
}

template <char low, char high>
void ChangeCase<low, high>::write(std::string_view text, std::size_t /*first*/, char* out) const noexcept {
  std::memcpy(out, text.data(), text.size());
  std::size_t at = 0;
  for (; at + bytes16 <= text.size(); at += bytes16) change_case_of_16<low, high>(out + at);
  // A letter that has changed is of the other case and does not change again, so the last 16 bytes may overlap.
  if (at < text.size() && text.size() >= bytes16) change_case_of_16<low, high>(out + text.size() - bytes16);
  if (text.size() >= bytes16) return;
  char padded[bytes16] = {};
  std::memcpy(padded, text.data(), text.size());
  change_case_of_16<low, high>(padded);
  std::memcpy(out, padded, text.size());
}

template struct ChangeCase<'A', 'Z'>;
template struct ChangeCase<'a', 'z'>;

std::size_t NormalizeNewlines::measure(std::string_view text, std::size_t first) const noexcept {
  std::size_t bytes = text.size();
  for (std::size_t at = first; at < text.size(); at += 1 + find(text.substr(at + 1))) {
    if (text.substr(at, 2) == "\r\n") --bytes;
  }
  return bytes;
}

void NormalizeNewlines::write(std::string_view text, std::size_t first, char* out) const noexcept {
  out = write_text(text.substr(0, first), out);
  for (std::size_t at = first; at < text.size();) {
    *out++ = '\n';
    at += text.substr(at, 2) == "\r\n" ? 2 : 1;
    const std::size_t plain_bytes = find(text.substr(at));
    out = write_text(text.substr(at, plain_bytes), out);
    at += plain_bytes;
  }
}

std::size_t ExpandTabs::measure(std::string_view text, std::size_t /*first*/) const noexcept {
  std::size_t bytes = 0;
  bool has_overflown = false;
  auto add = [&](std::size_t more) { has_overflown |= __builtin_add_overflow(bytes, more, &bytes); };
  walk_tabs(
      text, tab_columns, [&](std::string_view plain) { add(plain.size()); }, add);
  return has_overflown ? SIZE_MAX : bytes;
}

void ExpandTabs::write(std::string_view text, std::size_t /*first*/, char* out) const noexcept {
  walk_tabs(
      text, tab_columns, [&](std::string_view plain) { out = write_text(plain, out); },
      [&](std::size_t spaces) { out = write_spaces(spaces, out); });
}

}  // namespace bursar::zero_copy
