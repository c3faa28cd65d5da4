// The environment, readable before libc has set it up.
#pragma once

#include <cstddef>

namespace bursar::environment {

/// Copies the value of a variable to `value`, NUL-terminated. False when it is not set, does not fit, or the process runs
/// with another user's rights (AT_SECURE), where the environment is not to be trusted. Allocates nothing.
[[nodiscard]] bool read(const char* name, char* value, size_t bytes) noexcept;

}  // namespace bursar::environment
