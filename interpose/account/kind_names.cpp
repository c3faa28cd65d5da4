// Names that programs give, made fit to be kept and shown.
#include "interpose/account/kind_names.h"

#include <cstdint>

namespace bursar::kind_names {
namespace {

struct Character {
  uint32_t code;
  size_t bytes;  // 0: not UTF-8
};

/// What the sequence of a lead byte may be: continuation bytes, and the lowest code that needs them.
struct Lead {
  size_t continuations;
  uint32_t bits;
  uint32_t lowest;
};

Lead lead_of(unsigned char byte) noexcept {
  if (byte >= 0xc2 && byte < 0xe0) return {1, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {2, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {3, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

/// Looks at one byte after the other, so that it stops at the NUL of a sequence that is broken off.
Character decode(const char* at) noexcept {
  const auto first = static_cast<unsigned char>(*at);
  if (first < 0x80) return {first, 1};
  const Lead lead = lead_of(first);
  if (lead.continuations == 0) return {0, 0};
  uint32_t code = lead.bits;
  for (size_t i = 1; i <= lead.continuations; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    if (byte >> 6 != 2) return {0, 0};
    code = code << 6 | (byte & 0x3fU);
  }
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (code < lead.lowest || code > 0x10ffff || is_surrogate) return {0, 0};
  return {code, lead.continuations + 1};
}

/// Control characters, and those that turn the direction of what follows on the line.
bool steers_terminal(uint32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  return (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

}  // namespace

void clean(const char* name, char* text, size_t text_bytes) noexcept {
  size_t length = 0;
  while (name != nullptr && *name != '\0') {
    const Character character = decode(name);
    const bool is_kept = character.bytes != 0 && !steers_terminal(character.code);
    const size_t bytes = is_kept ? character.bytes : 1;
    if (length + bytes >= text_bytes) break;
    for (size_t i = 0; i < bytes; ++i) text[length++] = is_kept ? name[i] : '?';
    name += character.bytes == 0 ? 1 : character.bytes;
  }
  text[length] = '\0';
}

void clean_starred(const char* name, char* text, size_t text_bytes) noexcept {
  clean(name, text, text_bytes);
  size_t length = 0;
  bool was_digit = false;
  for (const char* at = text; *at != '\0'; ++at) {
    const bool is_in_row = is_digit(*at) && was_digit;
    was_digit = is_digit(*at);
    if (!is_in_row) text[length++] = was_digit ? '*' : *at;
  }
  text[length] = '\0';
}

}  // namespace bursar::kind_names
