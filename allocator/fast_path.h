// The fast halves of malloc and free: all that most calls ever run.
#pragma once

#include <cstddef>

#include "allocator/page_map.h"
#include "allocator/thread.h"
#include "allocator/thread_heap.h"
#include "allocator/units.h"

namespace bursar {

/// The ways out of try_deallocate_fast, which has no frame: they are jumped to.
void leave_without_room(Bin* bin) noexcept;
void leave_double_free(void* pointer) noexcept;

/// The fast half of malloc: null for "leave". Pre: bytes <= small_bytes_max.
[[nodiscard, gnu::always_inline]] inline void* allocate_fast(size_t bytes) noexcept {
  return thread.active->try_pop_small(bytes);
}

/// All of free but its ways out: one unsigned comparison tells a block of this thread's heap from everything else,
/// which is left to the caller when this returns false. Any pointer, also null.
[[nodiscard, gnu::always_inline]] inline bool try_deallocate_fast(void* pointer) noexcept {
  uintptr_t bin_address;
  if (!page_map.find_bin(pointer, bin_address)) [[unlikely]]
    return false;
  ThreadHeap* heap = thread.active;
  const size_t offset = heap->offset_of(bin_address);
  if (offset >= ThreadHeap::bins_bytes) [[unlikely]]
    return false;
  auto* bin = static_cast<Bin*>(pointer_to(bin_address));
  auto* block = static_cast<Block*>(pointer);
  Block* head = bin->head;
  if (head == block) [[unlikely]] {
    leave_double_free(pointer);
    return true;
  }
  block->next = head;
  bin->head = block;
  if (--bin->room < 0) [[unlikely]]
    leave_without_room(bin);
  return true;
}

}  // namespace bursar
