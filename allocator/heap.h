// The heap as the interposition sees it: any size, any alignment, any pointer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/report.h"
#include "allocator/size_class.h"
#include "allocator/tags.h"
#include "allocator/units.h"

namespace bursar {
struct Bin;
}

namespace bursar::heap {

/// What a pointer turned out to be. `is_ours` is false for whatever no block of this heap can be.
struct BlockInfo {
  size_t usable_bytes;
  SizeClass size_class;  // 0 for large, bump and emergency blocks
  BlockTag* tag;         // null where it has none: emergency blocks, and those of slabs unless tags are kept
  bool is_ours;
  bool is_odd;  // bump or emergency: its size tells nothing of its class
};

/// A block in use, as a walk finds it.
struct TaggedBlock {
  BlockTag& tag;  // was not 0 a moment ago; the block may be freed, and allocated anew, at any moment
  size_t usable_bytes;
  SizeClass size_class;  // as in BlockInfo
};

/// Visits all blocks that have a tag. Others may allocate and free meanwhile: who changes a tag compares and swaps. What is in use from
/// the beginning of the walk to its end is visited once. The visitor must not allocate. Pre: tags are kept; the caller did not interrupt the heap.
/// Cost: a read of every tag, under the depot's lock: some milliseconds for a GiB of heap.
using TagVisitor = void (*)(void* context, const TaggedBlock& block);
void for_each_tag(TagVisitor visit, void* context) noexcept;

/// The class that serves `bytes` at a multiple of `alignment`, a power of two; 0 for what large blocks serve.
[[nodiscard]] SizeClass class_for(size_t bytes, size_t alignment) noexcept;

/// The first and cheapest way when the fast path found its bin empty: blocks that came back to its slab. Null when there are too
/// few, and whenever the fast path is closed. Any size, any thread. Cost: some fifty instructions.
[[nodiscard]] void* try_recycle_small(size_t bytes) noexcept;

/// The same for a bin of the calling thread's heap, whether or not the fast path is open. Pre: the bin is empty, the caller owns the heap, is inside.
[[nodiscard]] void* recycle_inside(Bin& bin) noexcept;

/// A block of at least `bytes` (0 is served as 1) at a multiple of `alignment`. Null when there is no memory. Thread safe, also in
/// signal handlers that interrupted a slow path (not the fast one: as in glibc). Pre: alignment is a power of two; the thread was attached or ended.
/// Cost: some ten instructions beyond the fast path when the bin has a block; a refill else.
[[nodiscard]] void* allocate(size_t bytes, size_t alignment, Zeroed zeroed) noexcept;

/// The same for a block that realloc asks for, which is likely to grow: it gets a place where it can.
[[nodiscard]] void* allocate_grown(size_t bytes) noexcept;

/// A small block of the calling thread's bump arena; as allocate() where the arena does not serve the size.
[[nodiscard]] void* allocate_in_arena(size_t bytes, size_t alignment, Zeroed zeroed, uint32_t tag) noexcept;

/// The short way of a block of another thread's heap: true when it is on its way. Any pointer.
[[nodiscard]] bool try_send(void* pointer) noexcept;

/// Takes any pointer: null does nothing, whatever is no block ends the process with a line that says so.
void deallocate(void* pointer, Caller caller) noexcept;

/// Looks a pointer up without trusting it. Never faults, whatever the pointer.
[[nodiscard]] BlockInfo look_up(const void* pointer) noexcept;

/// What the block holds; ends the process for what is no block. Pre: not null.
[[nodiscard]] size_t usable_bytes(const void* pointer, Caller caller) noexcept;

struct Resized {
  void* block;           // null when it could not be had without copying; the old block is then as before
  size_t usable_before;  // what the old block held
};

/// The same block with another size. Ends the process for what is no block. Pre: not null.
[[nodiscard]] Resized resize(void* pointer, size_t bytes) noexcept;

/// Gives all free memory that can be found back to the system. True when there was any.
bool purge_all() noexcept;

/// What the heap takes from the system and how much of it lies free, for mallinfo and its like.
struct Figures {
  size_t system_bytes;  // committed, in segments and mappings
  size_t free_bytes;    // of those; free blocks in slabs and bins are not counted
  size_t mapped_bytes;  // in mappings of large blocks
  size_t mapping_count;
};
[[nodiscard]] Figures measure() noexcept;

}  // namespace bursar::heap
