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

/// The same; throws what operator new throws where it has none: std::bad_alloc, and BudgetExceeded, which is one and says more, where bursar is
/// the malloc and the task is over its budget.
[[nodiscard]] BURSAR_RUNTIME_EXPORT void* allocate_memory(std::size_t bytes, std::size_t alignment);

/// What a container does without memory: its plain functions throw, its try_ forms give null.
enum class OnNoMemory : unsigned char { throw_error, give_null };

/// One of the two above.
template <OnNoMemory on_no_memory>
[[nodiscard]] inline void* allocate_memory_or(std::size_t bytes,
                                              std::size_t alignment) noexcept(on_no_memory == OnNoMemory::give_null) {
  if constexpr (on_no_memory == OnNoMemory::give_null) return try_allocate_memory(bytes, alignment);
  return allocate_memory(bytes, alignment);
}

/// Gives a block of one of these back, with the same sizes. Null is ignored.
BURSAR_RUNTIME_EXPORT void deallocate_memory(void* block, std::size_t bytes, std::size_t alignment) noexcept;

/// There is no memory: throws std::bad_alloc, in programs without exceptions it ends the program.
[[noreturn]] BURSAR_RUNTIME_EXPORT void throw_bad_alloc();

/// A count times a size is beyond the address space: throws std::bad_array_new_length.
[[noreturn]] BURSAR_RUNTIME_EXPORT void throw_bad_array_length();

/// An index or a count names what is not there: ends the program with one line, which begins with the name of the function.
[[noreturn]] BURSAR_RUNTIME_EXPORT void report_out_of_range(const char* function) noexcept;

}  // namespace bursar
