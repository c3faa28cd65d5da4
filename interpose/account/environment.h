// What the kernel gave the process to begin with, readable before libc has set it up.
#pragma once

#include <cstddef>

namespace bursar::environment {

enum class Found : unsigned char { no, yes, too_long };

/// Copies the value of a variable to `value`, NUL-terminated. `no` also when the process runs with another user's rights
/// (AT_SECURE), where the environment is not to be trusted. Allocates nothing.
[[nodiscard]] Found read(const char* name, char* value, size_t bytes) noexcept;

/// The path by which the program was executed, NUL-terminated, cut to fit: that of the link where it is one (redis-server, not
/// redis-check-rdb), of the script where an interpreter runs one. Where it was a relative one, the path of the executable; empty when that
/// cannot be told.
void read_program(char* path, size_t bytes) noexcept;

}  // namespace bursar::environment
