// The seed of a random test: printed, and taken back from BURSAR_TEST_SEED.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace bursar::testing {

inline std::uint64_t seed() {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("BURSAR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace bursar::testing
