// The system, as a test wants it: every call goes to the real one unless it is told to fail, and the clock can stand still.
#pragma once

#include <cstdint>

namespace bursar::fake_os {

/// The calls that may fail. Numbers from 0 without gaps.
enum class Call : uint8_t {
  reserve,
  reserve_readable,
  commit,
  purge,
  release,
  resize_in_place,
  move_pages,
  wipe_in_child,
};
inline constexpr unsigned call_count = 8;

[[nodiscard]] const char* name_of(Call call) noexcept;

enum class Failure : uint8_t { once, from_then_on };

/// From now on the `nth` call of that kind fails (the next one is the first), and all after it, or only this one.
void fail(Call call, uint64_t nth, Failure failure) noexcept;

/// Nothing fails any more.
void heal() noexcept;

/// How many calls of that kind there were, the failed ones too.
[[nodiscard]] uint64_t calls(Call call) noexcept;

/// How many calls were made to fail.
[[nodiscard]] uint64_t failures() noexcept;

/// How often huge pages, or small ones, were asked for.
[[nodiscard]] uint64_t huge_page_advices() noexcept;
[[nodiscard]] uint64_t small_page_advices() noexcept;

/// The clock shows this many milliseconds until it is set again.
void set_clock_ms(uint64_t now_ms) noexcept;
void advance_clock_ms(uint64_t elapsed_ms) noexcept;

/// What the next page maps take for the limit of the address space.
void set_address_space_bytes_max(uint64_t bytes) noexcept;

}  // namespace bursar::fake_os
