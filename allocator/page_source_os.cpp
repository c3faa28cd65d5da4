// Segments and large mappings straight from the system.
#include "allocator/os.h"
#include "allocator/page_source.h"

namespace bursar::page_source {
namespace {

/// Reserves `bytes` at a multiple of `alignment` by taking too much and giving the ends back.
void* reserve_trimmed(size_t bytes, size_t alignment) noexcept {
  const size_t wide_bytes = bytes + alignment;
  if (wide_bytes < bytes) return nullptr;
  void* wide = os::reserve(wide_bytes);
  if (wide == nullptr) return nullptr;
  const uintptr_t start = address_of(wide);
  const uintptr_t aligned = round_up(start, alignment);
  // Ends that cannot be given back (a sandbox forbids it, or there is no room for one more mapping) are only address space.
  if (aligned != start) (void)os::release(wide, aligned - start);
  const uintptr_t end = aligned + bytes;
  if (end != start + wide_bytes) (void)os::release(pointer_to(end), start + wide_bytes - end);
  return pointer_to(aligned);
}

}  // namespace

void* reserve(size_t bytes, size_t alignment) noexcept {
  void* start = os::reserve(bytes);
  if (start == nullptr) return nullptr;
  // Neighbours of aligned mappings are mostly aligned themselves.
  if (address_of(start) % alignment == 0) return start;
  (void)os::release(start, bytes);
  return reserve_trimmed(bytes, alignment);
}

bool commit(void* start, size_t bytes) noexcept { return os::commit(start, bytes); }

bool reads_zero() noexcept { return true; }

bool purge(void* start, size_t bytes) noexcept { return os::purge(start, bytes); }

bool release(void* start, size_t bytes) noexcept { return os::release(start, bytes); }

void* map(size_t bytes, size_t alignment) noexcept {
  void* start = reserve(bytes, alignment);
  if (start == nullptr) return nullptr;
  if (os::commit(start, bytes)) return start;
  (void)os::release(start, bytes);
  return nullptr;
}

bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  return os::resize_in_place(start, old_bytes, new_bytes);
}

bool move(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept {
  // Charged for before it is moved to: what the move may fail for then is left to the rarest.
  if (!os::commit(target, new_bytes)) {
    (void)os::release(target, new_bytes);
    return false;
  }
  const os::Moved moved = os::move_pages(start, old_bytes, target, new_bytes);
  if (moved == os::Moved::refused) (void)os::release(target, new_bytes);
  return moved == os::Moved::yes;
}

bool unmap(void* start, size_t bytes) noexcept { return os::release(start, bytes); }

void forget_after_fork() noexcept {}

}  // namespace bursar::page_source
