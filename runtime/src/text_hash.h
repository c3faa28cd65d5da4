// A seeded hash of short texts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bursar::detail {

/// Multiplies 64 by 64 bits and folds the product, 16 bytes of text a step, as wyhash does; but every constant is secret. (With wyhash's
/// public constants a text that equals one makes the product 0 whatever the seed is.) Not a cryptographic hash: it
/// withstands who can choose texts, not who can also watch how long each takes.
class TextHash {
 public:
  constexpr TextHash() = default;
  /// Everything follows from the seed.
  explicit TextHash(std::uint64_t seed) noexcept {
    for (std::uint64_t& secret : secrets_) secret = next_random(seed);
  }
  explicit TextHash(const std::array<std::uint64_t, 4>& secrets) noexcept : secrets_(secrets) {}

  [[nodiscard]] std::uint64_t operator()(std::string_view text) const noexcept {
    const char* data = text.data();
    const std::size_t bytes = text.size();
    std::uint64_t state = secrets_[0];
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (bytes <= 16) {
      read_short(data, bytes, low, high);
    } else {
      for (std::size_t at = 0; at + 16 < bytes; at += 16) {
        state = fold(load<std::uint64_t>(data + at) ^ secrets_[1], load<std::uint64_t>(data + at + 8) ^ state);
      }
      low = load<std::uint64_t>(data + bytes - 16);
      high = load<std::uint64_t>(data + bytes - 8);
    }
    return fold(secrets_[3] ^ bytes, fold(low ^ secrets_[2], high ^ state));
  }

  static std::uint64_t next_random(std::uint64_t& state) noexcept {
    // splitmix64: every seed gives a different first number.
    std::uint64_t value = (state += 0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }

 private:
  template <typename Word>
  static std::uint64_t load(const char* from) noexcept {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }

  static std::uint64_t fold(std::uint64_t left, std::uint64_t right) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{left} * right;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  /// Up to 16 bytes in two words, some of them twice; the length makes the difference. From 4 on without a branch on the length, which nothing
  /// would foretell: four loads of 4 bytes, the inner two beside the outer ones or, from 8 on, 4 bytes further in.
  static void read_short(const char* data, std::size_t bytes, std::uint64_t& low, std::uint64_t& high) noexcept {
    if (bytes >= 4) {
      const std::size_t inner = bytes >> 3 << 2;
      const char* const last = data + bytes - 4;
      low = std::uint64_t{load<std::uint32_t>(data)} << 32 | load<std::uint32_t>(data + inner);
      high = std::uint64_t{load<std::uint32_t>(last)} << 32 | load<std::uint32_t>(last - inner);
    } else if (bytes > 0) {
      low = std::uint64_t{load<std::uint8_t>(data)} << 16 | std::uint64_t{load<std::uint8_t>(data + bytes / 2)} << 8 |
            load<std::uint8_t>(data + bytes - 1);
    }
  }

  std::array<std::uint64_t, 4> secrets_{};
};

}  // namespace bursar::detail
