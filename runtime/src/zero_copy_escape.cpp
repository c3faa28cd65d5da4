// Escapes of C and JSON literals, written and read.
#include <array>

#include "bursar/zero_copy.h"

namespace bursar::zero_copy {

namespace {

constexpr unsigned char backslash = '\\';

/// The letter that stands for a byte behind a backslash, or 0 where the style has none.
constexpr char letter_of(unsigned char byte, EscapeStyle style) {
  switch (byte) {
    case '"': return '"';
    case backslash: return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\a': return style == EscapeStyle::c ? 'a' : '\0';
    case '\v': return style == EscapeStyle::c ? 'v' : '\0';
    default: return '\0';
  }
}

constexpr bool is_escaped(unsigned char byte, EscapeStyle style) {
  return byte < 0x20 || byte == '"' || byte == backslash || (byte == 0x7f && style == EscapeStyle::c);
}

struct EscapeTables {
  std::array<std::uint8_t, 256> bytes{};  ///< of what stands for the byte
  std::array<char, 256> letters{};
};

constexpr EscapeTables make_tables(EscapeStyle style) {
  EscapeTables tables;
  const std::uint8_t numbered_bytes = style == EscapeStyle::c ? 4 : 6;  // \ooo and \u00xx
  for (unsigned value = 0; value < 256; ++value) {
    const auto byte = static_cast<unsigned char>(value);
    tables.letters[value] = letter_of(byte, style);
    tables.bytes[value] = !is_escaped(byte, style) ? 1 : tables.letters[value] != '\0' ? 2 : numbered_bytes;
  }
  return tables;
}

template <EscapeStyle style>
constexpr EscapeTables tables_of = make_tables(style);

constexpr char hex_digits[] = "0123456789abcdef";

/// Writes what stands for a byte and returns its end.
template <EscapeStyle style>
char* write_escape(unsigned char byte, char* out) {
  *out++ = '\\';
  const char letter = tables_of<style>.letters[byte];
  if (letter != '\0') {
    *out++ = letter;
    return out;
  }
  if constexpr (style == EscapeStyle::c) {
    for (int shift = 6; shift >= 0; shift -= 3) *out++ = static_cast<char>('0' + (byte >> shift & 7));
    return out;
  }
  for (const char digit : {'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 0xf]}) *out++ = digit;
  return out;
}

char* write_text(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

/// What an escape at the start of a text says.
struct Decoded {
  std::size_t read_bytes = 0;  ///< 0: it is none
  std::uint8_t bytes = 0;      ///< written: at most as many as read
  std::array<char, 4> out{};
};

Decoded one_byte(std::uint32_t value, std::size_t read_bytes) {
  Decoded decoded{.read_bytes = read_bytes, .bytes = 1, .out = {}};
  decoded.out[0] = static_cast<char>(static_cast<unsigned char>(value));
  return decoded;
}

constexpr std::uint32_t code_points = 0x110000;
constexpr std::uint32_t high_surrogates = 0xd800;
constexpr std::uint32_t low_surrogates = 0xdc00;
constexpr std::uint32_t surrogates_end = 0xe000;

bool is_surrogate(std::uint32_t value) { return value >= high_surrogates && value < surrogates_end; }

Decoded utf8(std::uint32_t value, std::size_t read_bytes) {
  if (value >= code_points || is_surrogate(value)) return {};
  if (value < 0x80) return one_byte(value, read_bytes);
  Decoded decoded{.read_bytes = read_bytes, .bytes = 0, .out = {}};
  const unsigned tail_bytes = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
  const unsigned lead = 0xff00u >> (tail_bytes + 1) & 0xff;  // 0xc0, 0xe0, 0xf0: as many ones as bytes
  auto put = [&](std::uint32_t byte) {
    decoded.out[decoded.bytes++] = static_cast<char>(static_cast<unsigned char>(byte));
  };
  put(lead | value >> (6 * tail_bytes));
  for (unsigned left = tail_bytes; left-- > 0;) put(0x80 | (value >> (6 * left) & 0x3f));
  return decoded;
}

/// The value of a digit, or 16.
std::uint32_t digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint32_t>(digit - '0');
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<std::uint32_t>(lower - 'a' + 10) : 16;
}

struct Number {
  std::size_t digits = 0;
  std::uint32_t value = 0;  ///< stays above code_points once it is there
};

Number read_number(std::string_view text, std::uint32_t base, std::size_t digits_max) {
  Number number;
  while (number.digits < digits_max && number.digits < text.size()) {
    const std::uint32_t digit = digit_value(text[number.digits]);
    if (digit >= base) break;
    if (number.value < code_points) number.value = number.value * base + digit;
    ++number.digits;
  }
  return number;
}

/// \u or \U with its digits.
Decoded decode_code_point(std::string_view escape, std::size_t digits) {
  const Number number = read_number(escape.substr(2), 16, digits);
  return number.digits == digits ? utf8(number.value, 2 + digits) : Decoded{};
}

Decoded decode_json_code_point(std::string_view escape) {
  const Number high = read_number(escape.substr(2), 16, 4);
  if (high.digits != 4) return {};
  if (!is_surrogate(high.value)) return utf8(high.value, 6);
  if (high.value >= low_surrogates || escape.substr(6, 2) != "\\u") return {};
  const Number low = read_number(escape.substr(8), 16, 4);
  if (low.digits != 4 || low.value < low_surrogates || !is_surrogate(low.value)) return {};
  return utf8(0x10000 + ((high.value - high_surrogates) << 10 | (low.value - low_surrogates)), 12);
}

Decoded decode_letter(char letter) {
  switch (letter) {
    case 'b': return one_byte('\b', 2);
    case 'f': return one_byte('\f', 2);
    case 'n': return one_byte('\n', 2);
    case 'r': return one_byte('\r', 2);
    case 't': return one_byte('\t', 2);
    case '"':
    case '\\': return one_byte(static_cast<unsigned char>(letter), 2);
    default: return {};
  }
}

Decoded decode_c(std::string_view escape) {
  const char letter = escape[1];
  switch (letter) {
    case 'a': return one_byte('\a', 2);
    case 'v': return one_byte('\v', 2);
    case '\'':
    case '?': return one_byte(static_cast<unsigned char>(letter), 2);
    case 'u': return decode_code_point(escape, 4);
    case 'U': return decode_code_point(escape, 8);
    case 'x': {
      const Number number = read_number(escape.substr(2), 16, escape.size());
      return number.digits == 0 || number.value > 0xff ? Decoded{} : one_byte(number.value, 2 + number.digits);
    }
    default: break;
  }
  const Number number = read_number(escape.substr(1), 8, 3);
  if (number.digits == 0) return decode_letter(letter);
  return number.value > 0xff ? Decoded{} : one_byte(number.value, 1 + number.digits);
}

/// `escape` begins with a backslash.
Decoded decode(std::string_view escape, EscapeStyle style) {
  if (escape.size() < 2) return {};
  if (style == EscapeStyle::c) return decode_c(escape);
  if (escape[1] == 'u') return decode_json_code_point(escape);
  if (escape[1] == '/') return one_byte('/', 2);
  return decode_letter(escape[1]);
}

std::size_t find_backslash(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('\\', from);
  return at == std::string_view::npos ? text.size() : at;
}

/// Behind a backslash that begins no escape. The byte after it is looked at again, but for a second backslash, which would
/// else begin an escape of its own: that pair is an escape of both styles, so here there is none.
constexpr std::size_t behind_backslash(std::size_t at) { return at + 1; }

}  // namespace

template <EscapeStyle style>
std::size_t Escape<style>::measure(std::string_view text, std::size_t first) const noexcept {
  std::size_t bytes = text.size();
  for (std::size_t at = first; at < text.size();) {
    // At most 6 bytes stand for one, and no text has a sixth of the address space: this does not overflow.
    bytes += tables_of<style>.bytes[static_cast<unsigned char>(text[at])] - std::size_t{1};
    ++at;
    at += byte_scan::find_first(text.substr(at), NeedsEscape<style>{});
  }
  return bytes;
}

template <EscapeStyle style>
void Escape<style>::write(std::string_view text, std::size_t first, char* out) const noexcept {
  out = write_text(text.substr(0, first), out);
  for (std::size_t at = first; at < text.size();) {
    out = write_escape<style>(static_cast<unsigned char>(text[at]), out);
    ++at;
    const std::size_t plain_bytes = byte_scan::find_first(text.substr(at), NeedsEscape<style>{});
    out = write_text(text.substr(at, plain_bytes), out);
    at += plain_bytes;
  }
}

template <EscapeStyle style>
std::size_t Unescape<style>::find_escape(std::string_view text, std::size_t from) const noexcept {
  std::size_t at = find_backslash(text, from);
  while (at < text.size() && decode(text.substr(at), style).read_bytes == 0) {
    at = find_backslash(text, behind_backslash(at));
  }
  return at;
}

template <EscapeStyle style>
std::size_t Unescape<style>::measure(std::string_view text, std::size_t first) const noexcept {
  std::size_t bytes = text.size();
  for (std::size_t at = first; at < text.size(); at = find_escape(text, at)) {
    const Decoded decoded = decode(text.substr(at), style);
    bytes -= decoded.read_bytes - decoded.bytes;
    at += decoded.read_bytes;
  }
  return bytes;
}

template <EscapeStyle style>
void Unescape<style>::write(std::string_view text, std::size_t first, char* out) const noexcept {
  out = write_text(text.substr(0, first), out);
  for (std::size_t at = first; at < text.size();) {
    const Decoded decoded = decode(text.substr(at), style);
    out = write_text({decoded.out.data(), decoded.bytes}, out);
    at += decoded.read_bytes;
    const std::size_t next = find_escape(text, at);
    out = write_text(text.substr(at, next - at), out);
    at = next;
  }
}

template struct Escape<EscapeStyle::c>;
template struct Escape<EscapeStyle::json>;
template struct Unescape<EscapeStyle::c>;
template struct Unescape<EscapeStyle::json>;

std::size_t find_malformed_escape(std::string_view text, EscapeStyle style) noexcept {
  for (std::size_t at = find_backslash(text, 0); at < text.size();) {
    const Decoded decoded = decode(text.substr(at), style);
    if (decoded.read_bytes == 0) return at;
    at = find_backslash(text, at + decoded.read_bytes);
  }
  return std::string_view::npos;
}

}  // namespace bursar::zero_copy
