// A slab: blocks of one size class, owned by one thread's heap.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/lock.h"
#include "allocator/run.h"
#include "allocator/segment.h"
#include "allocator/size_class.h"
#include "allocator/tags.h"
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

/// Where a slab stands with its heap, and with it what a free must leave the fast path for.
enum class SlabStage : uint8_t {
  current,    // serves its class now; nothing that a free could do to it matters
  partial,    // waits in its class's queue to serve; the free that leaves no block out gives it back
  exhausted,  // every block is out, or all but a few; enough frees make it partial
};

/// | block 0 | block 1 | ... | block carved-1 | never touched ... capacity | waste |
///
/// A block is *out* while it is with the program, in the heap's bin, on its way home, or in `returned`; else it is in the queue of
/// freed ones or was never carved. The queue keeps the order of the frees, and with it the neighbourhood of blocks that are freed
/// in the order of their addresses. A free appends: it writes into the block freed before it, or into `freed` when there is none;
/// the last block's link is set when the queue is taken.
///
///   freed -> block -> block -> block <- freed_last          empty: freed_last is &freed
///
/// free counts `countdown` down and leaves when it falls below zero:
///
///   out == countdown + bias; bias says how many may be out when a free leaves: countdown < 0 when out < bias
///
///   I1  the queue's length == carved - out; 0 <= out <= carved <= capacity
///   I2  owner, the queue, countdown, carved: the owner's thread writes them, with the lock or without; when the heap has no living
///       owner, whoever holds its lock. The rest belongs to whoever holds the lock. `heap` is set before the first block leaves
///   I3  a slab is current in its class's bin, or on the list of its stage; bias is that of its stage
///   I4  length(returned) == returned_count <= out
struct Slab : Run {
  SlabStage stage;
  Block freed;  // its `next` is the first
  Block* freed_last;
  int32_t countdown;
  uint16_t capacity;
  uint16_t carved;
  std::atomic<ThreadHeap*> heap;

  // Up to here in the first cache line, which is all that frees touch.
  Slab* next;
  Slab* previous;
  BlockTag*
      tags;  // of its blocks, and one more for addresses behind the last; null unless tags are kept. Set under the depot's lock
  int32_t bias;
  int32_t worthwhile_up_to;  // of countdown; follows carved and bias
  uint16_t worthwhile;       // so many blocks must have come back before it is worth serving them
  bool was_swept;            // served less than that since it became current
  uint32_t returned_count;
  Block* returned;  // freed by others while the owner did not come
  Slab* returned_next;
  Slab* returned_previous;

  [[nodiscard]] int32_t out() const noexcept { return countdown + bias; }
  [[nodiscard]] int32_t freed_count() const noexcept { return carved - out(); }
  [[nodiscard]] bool has_worthwhile() const noexcept { return countdown <= worthwhile_up_to; }
  [[nodiscard]] bool has_freed() const noexcept { return freed_last != &freed; }
  [[nodiscard]] size_t block_bytes() const noexcept { return block_bytes_of(size_class); }
};
static_assert(sizeof(Slab) <= run_record_bytes);

namespace slab {

/// A new slab of the class, entered in the page map, none of its blocks touched, current. Null when the system refuses.
[[nodiscard]] Slab* acquire(SizeClass size_class, ThreadHeap* heap, uintptr_t owner) noexcept;

/// Gives a slab back to the depot, and its tags, which are all 0. Pre: no block is out, or all that are have come back.
void retire(Slab& slab) noexcept;

/// The slab of a block that comes back, whoever's it is; ends the process when there is none. That a block starts there is not
/// looked at.
[[nodiscard]] Slab& of(const Block* block) noexcept;

/// Ends the process when the block cannot be out: it is the last one freed already, or more come back than ever left. Seen late,
/// but for nothing.
void check_is_out(const Slab& slab, const Block* block) noexcept;

/// What finds a block from an address: ceil(2^31 / units), for the block size of the class in units of 16 bytes. Multiplying an offset in
/// units with it and dropping 31 bits divides exactly, since offset < 2^14 and the error of the reciprocal is below units <= 2^11.
struct Geometry {
  uint32_t reciprocal;
  uint32_t block_bytes;
};
constexpr auto make_geometries() noexcept {
  std::array<Geometry, size_class_count> geometries{};
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const uint32_t bytes = static_cast<uint32_t>(block_bytes_of(size_class));
    const uint32_t units = bytes / block_alignment;
    geometries[size_class] = {((uint32_t{1} << 31) - 1) / units + 1, bytes};
  }
  return geometries;
}
inline constexpr auto geometries = make_geometries();
static_assert(slab_granules_of(size_class_count - 1) * granule_bytes / block_alignment <= 1 << 14);
static_assert(medium_bytes_max / block_alignment <= 1 << 11);

/// The number of the block that holds the address, which lies in the slab; capacity for what lies behind the last.
[[nodiscard]] inline size_t index_at(uintptr_t offset, const Geometry& geometry) noexcept {
  return uint64_t{offset / block_alignment} * geometry.reciprocal >> 31;
}

/// The same for an address that starts a block or would; false for one within. Each unit behind a block's start adds the reciprocal to
/// the product, at least 2^20; the reciprocal's error adds less than 2^14 in all.
[[nodiscard, gnu::always_inline]] inline bool try_index_at(uintptr_t offset, uint32_t reciprocal,
                                                           size_t& index) noexcept {
  constexpr uint64_t remainder_bits = (uint64_t{1} << 31) - (uint64_t{1} << 20);
  const uint64_t product = uint64_t{offset / block_alignment} * reciprocal;
  index = product >> 31;
  return (product & remainder_bits) == 0;
}
[[nodiscard]] inline size_t index_of(const Slab& slab, const void* pointer) noexcept {
  return index_at(address_of(pointer) - slab.start, geometries[slab.size_class]);
}

/// The tag of the block that starts there, or would; null unless tags are kept. Of what lies behind the last block it is 0.
[[nodiscard]] inline BlockTag* tag_of(const Slab& slab, const void* pointer) noexcept {
  return slab.tags == nullptr ? nullptr : slab.tags + index_of(slab, pointer);
}

/// The start of the block that holds the address; the address lies in the slab.
[[nodiscard]] const void* block_start(const Slab& slab, const void* pointer) noexcept;

/// True when a block starts there, or would.
[[nodiscard]] bool is_block_start(const Slab& slab, const void* pointer) noexcept;

/// True when a block starts there that was carved once. Pre: the address lies in the slab.
[[nodiscard]] bool was_carved(const Slab& slab, const void* pointer) noexcept;

/// How many blocks a slab of the class has.
[[nodiscard]] constexpr size_t capacity_of(SizeClass size_class) noexcept {
  return slab_granules_of(size_class) * granule_bytes / block_bytes_of(size_class);
}

/// How many blocks of an exhausted slab must be free before it is worth serving from again: leaving the fast path costs as
/// much as twenty blocks, and at most a thirty-second of the slabs' memory waits so.
[[nodiscard]] constexpr int32_t worthwhile_of(size_t capacity) noexcept {
  return capacity < 64 ? 1 : static_cast<int32_t>(capacity / 32);
}

/// Takes all freed blocks, touching the last alone. Pre: there are some. Signal handlers may free into the slab meanwhile.
[[nodiscard]] Block* take_freed(Slab& slab) noexcept;

/// In a child whose parent's other thread may have been taking the queue, without a lock that told of it: puts the queue back.
/// Pre: nobody else uses the slab; the stages and lists of its heap are whole.
void mend_after_fork(Slab& slab) noexcept;

/// Takes fresh blocks in address order, as many as begin on the page the first one touches anyway. Pre: carved < capacity.
[[nodiscard]] Block* carve(Slab& slab) noexcept;

/// Puts a block back; true when the free left the fast path's bounds, so that its stage may have to change. Pre: it starts a block of
/// this slab that is out; the caller may write to the queue (I2).
[[nodiscard]] inline bool put(Slab& slab, Block* block) noexcept {
  slab.freed_last->next = block;
  slab.freed_last = block;
  return --slab.countdown < 0;
}

/// The same inside the heap, where a signal handler's free must not come between: the slab is nobody's meanwhile, so that it takes
/// the lock-free way. Pre: the heap's lock is held, so that a child forked meanwhile gives the slab up.
[[nodiscard]] bool put_inside(Slab& slab, Block* block) noexcept;

/// Sets the stage and its bias; out stays as it is.
void set_stage(Slab& slab, SlabStage stage) noexcept;

/// Looks at the first and the last freed block, whose addresses free took on trust; ends the process for one inside a block. Pre:
/// there are some.
void check_freed_ends(const Slab& slab) noexcept;

/// Checks I1, I4, and that every free block lies in the slab; for checked builds and tests.
void validate(const Slab& slab) noexcept;

}  // namespace slab
}  // namespace bursar
