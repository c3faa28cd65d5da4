// A slab: blocks of one size class, owned by one thread's heap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/lock.h"
#include "allocator/run.h"
#include "allocator/size_class.h"
#include "allocator/units.h"

namespace bursar {

class ThreadHeap;

/// A free block. A block in use belongs to the program to its last byte.
struct Block {
  Block* next;
};

/// A chain of free blocks, first to last.
struct BlockChain {
  Block* first;
  Block* last;
  size_t count;
};

/// | block 0 | block 1 | ... | block carved-1 | never touched ... capacity | waste |
///
///   I1  length(local) == local_count <= carved <= capacity; carved - local_count blocks are with the program, in its
///       owner's bin, or on their way home
///   I2  all but `heap` belong to whoever holds the owner's lock; `heap` is set before the first block leaves
///   I3  a slab is on its owner's list of partial slabs exactly when local_count > 0 or carved < capacity
struct Slab : Run {
  Block* local;
  Slab* next;
  Slab* previous;
  std::atomic<ThreadHeap*> heap;
  uint16_t capacity;
  uint16_t carved;
  uint16_t local_count;

  [[nodiscard]] bool is_full() const noexcept { return local_count == 0 && carved == capacity; }
  [[nodiscard]] bool is_unused() const noexcept { return local_count == carved; }
  [[nodiscard]] size_t block_bytes() const noexcept { return block_bytes_of(size_class); }
};
static_assert(sizeof(Slab) <= run_record_bytes);

namespace slab {

/// A new slab of the class, entered in the page map, none of its blocks touched. `bin` is the owner's. Null when
/// the system refuses.
[[nodiscard]] Slab* acquire(SizeClass size_class, ThreadHeap* heap, const void* bin) noexcept;

/// The start of the block that holds the address; the address lies in the slab.
[[nodiscard]] const void* block_start(const Slab& slab, const void* pointer) noexcept;

/// True when a block starts there, or would.
[[nodiscard]] bool is_block_start(const Slab& slab, const void* pointer) noexcept;

/// True when the block was carved once. Pre: it starts there, and the lock of the slab's heap is held.
[[nodiscard]] bool was_carved(const Slab& slab, const void* block) noexcept;

/// True when the address starts a block of this slab that was carved once. Any address.
[[nodiscard]] bool was_handed_out(const Slab& slab, const void* pointer) noexcept;

/// How many blocks a slab of the class has.
[[nodiscard]] constexpr size_t capacity_of(SizeClass size_class) noexcept {
  return slab_granules_of(size_class) * granule_bytes / block_bytes_of(size_class);
}

/// Takes all recycled blocks, without touching them (`last` is null); where there are none at most `blocks_max` fresh ones in
/// address order, only as many as begin on the page the first one touches anyway. At least one. Pre: not full.
[[nodiscard]] BlockChain take(Slab& slab, size_t blocks_max) noexcept;

/// Puts one block back. Pre: it starts a block of this slab.
void put(Slab& slab, Block* block) noexcept;

/// Checks I1, and that every free block lies in the slab; for checked builds and tests.
void validate(const Slab& slab) noexcept;

}  // namespace slab
}  // namespace bursar
