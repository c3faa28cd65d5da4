// The environment, readable before libc has set it up.
#pragma once

#include <cstddef>

namespace bursar::environment {

enum class Found : unsigned char { no, yes, too_long };

/// Copies the value of a variable to `value`, NUL-terminated. `no` also when the process runs with another user's rights
/// (AT_SECURE), where the environment is not to be trusted. Allocates nothing.
[[nodiscard]] Found read(const char* name, char* value, size_t bytes) noexcept;

}  // namespace bursar::environment
