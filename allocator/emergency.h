// Blocks for a signal handler that interrupted its thread inside the heap.
#pragma once

#include <cstddef>

#include "allocator/run.h"

namespace bursar::emergency {

/// A block aligned to at least 16, reading zero. Takes no lock and touches no list of the heap, so it is safe wherever
/// the thread was interrupted. Never reused: freeing it does nothing. Null when there is no memory.
[[nodiscard]] void* allocate(size_t bytes, size_t alignment) noexcept;

/// True when the address, which lies in a run of kind emergency, is not among its records. More is not known.
[[nodiscard]] bool is_block(const Run* run, const void* pointer) noexcept;

/// Of a block; 0 when it is none.
[[nodiscard]] size_t usable_bytes(const void* pointer) noexcept;

}  // namespace bursar::emergency
