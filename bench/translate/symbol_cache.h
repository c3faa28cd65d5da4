// Symbols of the names met last, before an interner: most names of a source have just been there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bursar/interner.h"

namespace bursar::translate {

inline constexpr std::size_t cached_name_bytes_max = 12;

/// Which bits of eight and four bytes belong to a name of some length.
struct NameMasks {
  std::array<std::uint64_t, cached_name_bytes_max + 1> low{};
  std::array<std::uint32_t, cached_name_bytes_max + 1> high{};
  consteval NameMasks() {
    constexpr std::size_t byte_bits = 8;
    for (std::size_t bytes = 0; bytes <= cached_name_bytes_max; ++bytes) {
      low[bytes] = bytes >= sizeof(std::uint64_t) ? ~std::uint64_t{0} : (std::uint64_t{1} << bytes * byte_bits) - 1;
      if (bytes == cached_name_bytes_max) {
        high[bytes] = ~std::uint32_t{0};
      } else if (bytes > sizeof(std::uint64_t)) {
        high[bytes] = (std::uint32_t{1} << (bytes - sizeof(std::uint64_t)) * byte_bits) - 1;
      }
    }
  }
};
inline constexpr NameMasks name_masks;

/// For one thread. Names of up to 12 bytes are kept whole, so that a hit reads 16 bytes and neither the interner's table nor its texts: some
/// 3 ns, where the interner takes some 12.
class SymbolCache {
 public:
  explicit SymbolCache(Interner& interner) : interner_(interner) {}

  /// For when the interner has forgotten its names.
  void clear() { entries_.fill({}); }

  /// Pre: 12 bytes can be read from the name's start. A name has no zero in it, so that the zeros behind it tell its length. Throws InternError.
  [[nodiscard]] Symbol intern(std::string_view name) {
    if (name.size() > cached_name_bytes_max) [[unlikely]]
      return interner_.intern(name);
    const Key key = key_of(name);
    Entry& entry = entries_[slot_of(key)];
    if (entry.low == key.low && entry.high == key.high) [[likely]]
      return entry.symbol;
    const Symbol symbol = interner_.intern(name);
    entry = {key.low, key.high, symbol};
    return symbol;
  }

 private:
  struct Key {
    std::uint64_t low;
    std::uint32_t high;
  };
  struct Entry {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    Symbol symbol;
  };
  static constexpr std::size_t slot_bits = 11;  // 32 KiB
  static_assert(sizeof(Entry) == 16);

  [[nodiscard]] static Key key_of(std::string_view name) {
    Key key;
    std::memcpy(&key.low, name.data(), sizeof key.low);
    std::memcpy(&key.high, name.data() + sizeof key.low, sizeof key.high);
    return {key.low & name_masks.low[name.size()], key.high & name_masks.high[name.size()]};
  }

  [[nodiscard]] static std::size_t slot_of(const Key& key) {
    constexpr std::uint64_t low_spread = 0x9e3779b97f4a7c15;
    constexpr std::uint64_t high_spread = 0xc2b2ae3d27d4eb4f;
    return (key.low * low_spread ^ key.high * high_spread) >> (64 - slot_bits);
  }

  Interner& interner_;
  std::array<Entry, std::size_t{1} << slot_bits> entries_{};
};

}  // namespace bursar::translate
