// The fast halves of malloc and free: all that most calls ever run.
#pragma once

#include <cstddef>

#include "allocator/page_map.h"
#include "allocator/size_class.h"
#include "allocator/thread.h"
#include "allocator/thread_heap.h"
#include "allocator/units.h"

namespace bursar {

/// The ways out of deallocate_fast, which has no frame: they are jumped to.
void leave_to_settle(Slab* slab) noexcept;
void leave_double_free(void* pointer) noexcept;

/// The fast half of malloc: null for "leave". Pre: bytes <= small_bytes_max.
[[nodiscard, gnu::always_inline]] inline void* allocate_fast(size_t bytes) noexcept {
  return thread.active->try_pop_small(bytes);
}

/// The block goes back into a slab of the calling thread.
[[gnu::always_inline]] inline void put_fast(Slab* slab, void* pointer) noexcept {
  auto* block = static_cast<Block*>(pointer);
  if (slab->freed_last == block) [[unlikely]]
    return leave_double_free(pointer);
  if (slab::put(*slab, block)) [[unlikely]]
    leave_to_settle(slab);
}

/// All of free but its ways out: one comparison tells a block of this thread's heap from everything else, for which it jumps to
/// `other`, with the run that the page map found; where it found none, to `unknown`. Any pointer, also null.
template <auto other, auto unknown>
[[gnu::always_inline]] inline void deallocate_fast(void* pointer) noexcept {
  Run* run;
  if (!page_map.find_run(pointer, run)) [[unlikely]]
    return unknown(pointer);
  if (!ThreadHeap::is_own(*run)) [[unlikely]]
    return other(pointer, run);
  put_fast(static_cast<Slab*>(run), pointer);
}

/// The same for a block whose size is told: to `other` too when a block of that size would have another class.
template <auto other, auto unknown>
[[gnu::always_inline]] inline void deallocate_sized_fast(void* pointer, size_t bytes) noexcept {
  Run* run;
  if (!page_map.find_run(pointer, run)) [[unlikely]]
    return unknown(pointer, bytes);
  if (!ThreadHeap::is_own(*run) || bytes > medium_bytes_max) [[unlikely]]
    return other(pointer, bytes, run);
  if (run->size_class != size_class_of(bytes)) [[unlikely]]
    return other(pointer, bytes, run);
  put_fast(static_cast<Slab*>(run), pointer);
}

}  // namespace bursar
