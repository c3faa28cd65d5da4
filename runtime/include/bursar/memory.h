// Where the runtime's containers get their memory from, and what they throw when there is none.
#pragma once

#include <cstddef>
#include <new>

#include "bursar/export.h"

namespace bursar {

/// Columns, buffers and chunks begin on a border of so many bytes: a cache line, and the widest vector of x86-64 and arm64.
inline constexpr std::size_t memory_alignment = 64;
static_assert((memory_alignment & (memory_alignment - 1)) == 0);

/// A block of at least `bytes` bytes at a multiple of `alignment` (a power of two), or null. Whatever operator new the program has
/// serves it. Thread safe.
[[nodiscard]] BURSAR_RUNTIME_EXPORT void* try_allocate_memory(std::size_t bytes, std::size_t alignment) noexcept;

/// Gives a block of try_allocate_memory back, with the same sizes. Null is ignored.
BURSAR_RUNTIME_EXPORT void deallocate_memory(void* block, std::size_t bytes, std::size_t alignment) noexcept;

/// There is no memory: throws std::bad_alloc, in programs without exceptions it ends the program.
[[noreturn]] BURSAR_RUNTIME_EXPORT void throw_bad_alloc();

/// A count times a size is beyond the address space: throws std::bad_array_new_length.
[[noreturn]] BURSAR_RUNTIME_EXPORT void throw_bad_array_length();

}  // namespace bursar
