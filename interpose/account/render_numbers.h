// Numbers as people read them.
#pragma once

#include <cstdint>

#include "allocator/text.h"

namespace bursar::ledger {

/// One number with its unit; none needs more.
using Cell = Text<40>;

/// 1234567 as 1,234,567.
[[nodiscard]] Cell grouped(uint64_t value) noexcept;

/// 1234567 as 1.18 MiB: three digits, or four where 1000 to 1023 of a unit are no whole one of the next.
[[nodiscard]] Cell bytes_text(uint64_t bytes) noexcept;

/// 1234567 as 1.23 ms; from 100 s on in minutes and seconds.
[[nodiscard]] Cell duration_text(uint64_t ns) noexcept;

/// part / whole in per cent with one place; "-" of nothing. Pre: part <= whole.
[[nodiscard]] Cell percent_text(uint64_t part, uint64_t whole) noexcept;

/// Pre: ns > 0.
[[nodiscard]] uint64_t per_second(uint64_t count, uint64_t ns) noexcept;

}  // namespace bursar::ledger
