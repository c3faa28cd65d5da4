// Memory for the heap's own records, apart from the blocks, so that no program's overflow reaches them first.
#pragma once

#include <cstddef>

namespace bursar::metadata {

inline constexpr size_t record_alignment = 64;

/// Zeroed memory that is never given back. Null when the system refuses. Needs the depot's lock. Cost: a bump of a pointer;
/// rarely a system call. Pre: alignment is a power of two, at least record_alignment and at most a page.
[[nodiscard]] void* allocate_locked(size_t bytes, size_t alignment = record_alignment) noexcept;

/// In a child whose parent held the depot's lock: starts afresh, the rest of the old chunk is lost.
void forget_after_fork() noexcept;

/// Bytes in use for records.
[[nodiscard]] size_t used_bytes() noexcept;

}  // namespace bursar::metadata
