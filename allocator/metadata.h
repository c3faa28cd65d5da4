// Memory for the heap's own records, apart from the blocks, so that no program's overflow reaches them first.
#pragma once

#include <cstddef>

namespace bursar::metadata {

/// What every record is aligned to: two cache lines, which processors fetch together.
inline constexpr size_t record_alignment = 128;

/// Zeroed memory that is never given back, aligned to record_alignment. Null when the system refuses.
/// Needs the depot's lock. Cost: a bump of a pointer; rarely a system call.
[[nodiscard]] void* allocate_locked(size_t bytes) noexcept;

/// In a child whose parent held the depot's lock: starts afresh, the rest of the old chunk is lost.
void forget_after_fork() noexcept;

/// Bytes in use for records.
[[nodiscard]] size_t used_bytes() noexcept;

}  // namespace bursar::metadata
