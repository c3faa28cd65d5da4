// The end of a program that uses the runtime in a way that nothing can be made of.
#pragma once

namespace bursar {

/// Writes "bursar: TEXT" as one line to standard error and aborts.
[[noreturn]] void report_misuse(const char* text) noexcept;

}  // namespace bursar
