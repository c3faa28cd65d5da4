// Random text for tests: the seed is printed, and taken back from BURSAR_TEST_SEED.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

namespace bursar::testing {

class RandomText {
 public:
  RandomText() : seed_(chosen_seed()), engine_(seed_) { std::cout << "# BURSAR_TEST_SEED=" << seed_ << '\n'; }

  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

  /// `bytes` bytes out of an alphabet, or out of all 256 where it is empty.
  [[nodiscard]] std::string text(std::size_t bytes, std::string_view alphabet = {}) {
    std::string result(bytes, '\0');
    for (char& byte : result) {
      byte = alphabet.empty() ? static_cast<char>(below(256)) : alphabet[below(alphabet.size())];
    }
    return result;
  }

 private:
  static std::uint64_t chosen_seed() {
    const char* given = std::getenv("BURSAR_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  }

  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace bursar::testing
