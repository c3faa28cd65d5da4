// Where segments and large mappings come from. One of page_source_os.cpp and page_source_jemalloc.cpp is linked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar::page_source {

/// All of these are called with the depot's lock held, except after a fork took the lock's owner away
/// (`forget_after_fork` is called first). Sizes are multiples of a granule, addresses as they were given.

/// Address space aligned to `alignment` (a power of two, at least a granule). Its pages must be committed
/// before use. Null when the system refuses.
[[nodiscard]] void* reserve(size_t bytes, size_t alignment) noexcept;

/// Makes a part of a reservation usable; it reads zero unless `reads_zero()` says otherwise.
[[nodiscard]] bool commit(void* start, size_t bytes) noexcept;

/// True when committed memory and purged memory read zero.
[[nodiscard]] bool reads_zero() noexcept;

/// Gives the memory of a committed part back; it stays usable. True when it now reads zero.
bool purge(void* start, size_t bytes) noexcept;

/// Gives a whole reservation back. False when it stays (the caller keeps it for reuse).
bool release(void* start, size_t bytes) noexcept;

/// A committed mapping for one large block. Null when the system refuses.
[[nodiscard]] void* map(size_t bytes, size_t alignment) noexcept;

/// Gives a mapping another size where it is. False when that cannot be had.
[[nodiscard]] bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept;

/// Moves the pages of a mapping to `target`, reserved before with `new_bytes`, which becomes a mapping. False when pages
/// cannot be moved; the mapping is then as before, and the target is given up.
[[nodiscard]] bool move(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept;

bool unmap(void* start, size_t bytes) noexcept;

/// In a child whose parent held the depot's lock: whatever state is kept here may be torn and is not used again.
void forget_after_fork() noexcept;

}  // namespace bursar::page_source
