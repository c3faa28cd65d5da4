// Whether AddressSanitizer watches this test: then arenas and pools hand out every block apart, and hide the rest.
#pragma once

extern "C" [[gnu::weak]] int __asan_address_is_poisoned(const volatile void* place);

namespace bursar::testing {

[[nodiscard]] inline bool is_watched() noexcept { return __asan_address_is_poisoned != nullptr; }

/// Whether AddressSanitizer would tell an access to it.
[[nodiscard]] inline bool is_hidden(const void* place) noexcept {
  return is_watched() && __asan_address_is_poisoned(place) != 0;
}

}  // namespace bursar::testing
