// Standard error as the program found it. Lines that come later must not land in what has its number by then: a program that closes it may
// have its data there.
#pragma once

#include <cstddef>

namespace bursar::standard_error {

/// From now on standard error is what it is now. Before, lines go wherever it is.
void note() noexcept;

/// Keeps a copy, since many programs close theirs before they end (all of coreutils do). Pre: noted.
void keep_copy() noexcept;

/// In a forked child: lets go of the copy. A daemon must not keep its parent's pipe open.
void forget_copy() noexcept;

/// The descriptor of what was noted; negative when nothing has it any more.
[[nodiscard]] int descriptor() noexcept;

/// Writes there, or nothing.
void write(const char* text, size_t bytes) noexcept;

}  // namespace bursar::standard_error
