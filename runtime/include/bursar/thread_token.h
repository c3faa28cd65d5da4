// A number for the calling thread.
#pragma once

#include <cstdint>

#include "bursar/export.h"

namespace bursar {

/// The next number that no thread has had. Thread safe.
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::uint64_t new_thread_token() noexcept;

namespace thread_detail {
// Constant initialization: access needs no test for whether it is there.
inline thread_local constinit std::uint64_t token = 0;
}  // namespace thread_detail

/// A number, from 1 on, that no other thread of the process has or had. Cost: a load, but for the thread's first call.
[[nodiscard]] inline std::uint64_t thread_token() noexcept {
  if (thread_detail::token == 0) [[unlikely]]
    thread_detail::token = new_thread_token();
  return thread_detail::token;
}

}  // namespace bursar
