#include "bursar/thread_token.h"

#include <atomic>

namespace bursar {

std::uint64_t new_thread_token() noexcept {
  static std::atomic<std::uint64_t> tokens{0};
  return tokens.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace bursar
