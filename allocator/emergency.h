// Blocks for a signal handler that interrupted its thread inside the heap.
#pragma once

#include <cstddef>

namespace bursar::emergency {

/// A block aligned to at least 16, reading zero. Takes no lock and touches no list of the heap, so it is safe wherever
/// the thread was interrupted. Never reused: freeing it does nothing. Null when there is no memory.
[[nodiscard]] void* allocate(size_t bytes, size_t alignment) noexcept;

/// Pre: allocated here.
[[nodiscard]] size_t usable_bytes(const void* pointer) noexcept;

}  // namespace bursar::emergency
