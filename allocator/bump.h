// Thread-local bump arenas of tasks: small blocks cut one after the other from a chunk that dies as a whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/report.h"
#include "allocator/run.h"
#include "allocator/tags.h"
#include "allocator/units.h"

namespace bursar {

/// Stands right before each block, in what its alignment would waste half the time anyway. Written by the owner when it
/// cuts the block, then changed only by whoever frees it, or walks over all tags.
struct BumpHeader {
  std::atomic<uint32_t> bytes;  // usable
  BlockTag tag;                 // whose the block is; bump_freed once it is freed
};
static_assert(sizeof(BumpHeader) == 8);

inline constexpr uint32_t bump_freed = 0;

/// | header | block | header | block | ... | next ......... end |
///
/// The owner counts its own frees without atomics; others count in `freed_by_others`. When the owner leaves the chunk it
/// publishes how many blocks are still out; from then on every free counts there and the one that brings it to zero
/// gives the chunk back.
///
///   I1  while owned: blocks_out = cut by the owner - freed by the owner; balance <= 0 counts the others' frees
///   I2  once left: balance = blocks not yet freed; the free that makes it 0 retires the chunk, once
///   I3  while tags are kept, `next` falls only under the depot's lock: below it stands header after header, for whoever walks
struct BumpChunk : Run {
  std::atomic<uintptr_t> next;  // written by the owner
  uintptr_t end;
  std::atomic<int32_t> balance;
  int32_t blocks_out;
};
static_assert(sizeof(BumpChunk) <= run_record_bytes);

namespace bump {

/// Larger blocks are served as outside a task: a chunk shall hold many.
inline constexpr size_t block_bytes_max = 4 * KiB;

/// A block from the calling thread's chunk, or from a new chunk if that is full or missing. Null when there is no
/// memory. Pre: the thread serves a task arena, is inside; bytes <= block_bytes_max; the tag is not bump_freed.
[[nodiscard]] void* allocate(size_t bytes, uint32_t tag) noexcept;

/// From any thread, at any time. Pre: inside; the pointer was checked (check_block).
void deallocate(BumpChunk& chunk, void* pointer) noexcept;

/// True when the address, which lies in the chunk, can be that of a block in use.
[[nodiscard]] bool holds_block(const BumpChunk& chunk, const void* pointer) noexcept;

/// Ends the process when it cannot.
void check_block(const BumpChunk& chunk, const void* pointer, Caller caller) noexcept;

/// Pre: it can.
[[nodiscard]] size_t usable_bytes(const void* pointer) noexcept;

/// Whose the block is. Pre: as above.
[[nodiscard]] BlockTag* tag_of(const void* pointer) noexcept;

/// The first block of a chunk, and the one behind another; null behind the last. Pre: the depot's lock is held, tags are kept.
[[nodiscard]] void* first_block_locked(const BumpChunk& chunk) noexcept;
[[nodiscard]] void* next_block_locked(const BumpChunk& chunk, const void* block) noexcept;

/// Grows the newest block of the calling thread's chunk where it is. False when that cannot be.
[[nodiscard]] bool try_extend(BumpChunk& chunk, void* pointer, size_t bytes) noexcept;

/// The calling thread ends a task: it keeps a chunk that has no blocks left for the next task, and leaves any other.
/// Pre: inside.
void rest_chunk() noexcept;

/// The calling thread leaves its chunk, if it has one. Its blocks stay valid. Pre: inside.
void leave_chunk() noexcept;

}  // namespace bump
}  // namespace bursar
