// The fast halves of malloc and free: all that most calls ever run.
#pragma once

#include <cstddef>

#include "allocator/page_map.h"
#include "allocator/size_class.h"
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

/// The block goes on the calling thread's own bin.
[[gnu::always_inline]] inline void push_fast(uintptr_t bin_address, void* pointer) noexcept {
  auto* bin = static_cast<Bin*>(pointer_to(bin_address));
  auto* block = static_cast<Block*>(pointer);
  Block* head = bin->head;
  if (head == block) [[unlikely]]
    return leave_double_free(pointer);
  block->next = head;
  bin->head = block;
  if (--bin->room < 0) [[unlikely]]
    leave_without_room(bin);
}

/// All of free but its ways out: one comparison tells a block of this thread's heap from everything else, which is left
/// to the caller when this returns false. Any pointer, also null.
[[nodiscard, gnu::always_inline]] inline bool try_deallocate_fast(void* pointer) noexcept {
  uintptr_t bin;
  if (!page_map.find_bin(pointer, bin)) [[unlikely]]
    return false;
  if (!ThreadHeap::is_own(bin)) [[unlikely]]
    return false;
  push_fast(bin, pointer);
  return true;
}

/// The same for a block whose size is told: false too when a block of that size would have another class.
[[nodiscard, gnu::always_inline]] inline bool try_deallocate_sized_fast(void* pointer, size_t bytes) noexcept {
  uintptr_t bin;
  if (!page_map.find_bin(pointer, bin)) [[unlikely]]
    return false;
  if (!ThreadHeap::is_own(bin) || bytes > medium_bytes_max) [[unlikely]]
    return false;
  if (ThreadHeap::offset_of(bin) != size_class_of(bytes) * sizeof(Bin)) [[unlikely]]
    return false;
  push_fast(bin, pointer);
  return true;
}

}  // namespace bursar
