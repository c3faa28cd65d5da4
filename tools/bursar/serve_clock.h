// The time, as samples and the page have it.
#pragma once

#include <chrono>
#include <cstdint>

namespace bursar::tool {

/// In Unix time as it was when the server started, and steady from then on: a clock that is set back would bring the
/// samples out of order.
inline uint64_t unix_ms_now() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  static const auto start = std::chrono::system_clock::now().time_since_epoch();
  static const auto steady_start = std::chrono::steady_clock::now();
  return static_cast<uint64_t>(
      duration_cast<milliseconds>(start + (std::chrono::steady_clock::now() - steady_start)).count());
}

}  // namespace bursar::tool
