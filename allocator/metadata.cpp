// Memory for the heap's own records.
#include "allocator/metadata.h"

#include "allocator/os.h"
#include "allocator/units.h"

namespace bursar::metadata {
namespace {

/// Reserved at once; a MiB of records serves some 600 MiB of segments.
constexpr size_t chunk_bytes = 1 * MiB;

/// Committed at once: small, since mlockall makes committed memory resident.
constexpr size_t commit_bytes = 64 * KiB;

struct Chunk {
  uintptr_t next;
  uintptr_t committed;
  uintptr_t end;
};

constinit Chunk chunk{};
constinit size_t used = 0;

bool take_chunk(size_t bytes) noexcept {
  const size_t wanted = bytes > chunk_bytes ? round_up(bytes, commit_bytes) : chunk_bytes;
  void* start = os::reserve(wanted);
  if (start == nullptr) return false;
  chunk = {address_of(start), address_of(start), address_of(start) + wanted};
  return true;
}

}  // namespace

void* allocate_locked(size_t bytes) noexcept {
  bytes = round_up(bytes, record_alignment);
  if (chunk.end - chunk.next < bytes && !take_chunk(bytes)) return nullptr;
  const uintptr_t end = chunk.next + bytes;
  if (end > chunk.committed) {
    uintptr_t target = chunk.committed + round_up(end - chunk.committed, commit_bytes);
    if (target > chunk.end) target = chunk.end;
    if (!os::commit(pointer_to(chunk.committed), target - chunk.committed)) return nullptr;
    chunk.committed = target;
  }
  void* record = pointer_to(chunk.next);
  chunk.next = end;
  used += bytes;
  return record;
}

void forget_after_fork() noexcept { chunk = {}; }

size_t used_bytes() noexcept { return used; }

}  // namespace bursar::metadata
