// Blocks for a signal handler that interrupted its thread inside the heap.
#include "allocator/emergency.h"

#include <atomic>

#include "allocator/os.h"
#include "allocator/page_map.h"
#include "allocator/run.h"
#include "allocator/units.h"

namespace bursar::emergency {
namespace {

/// One chunk serves hundreds of handlers' small blocks; each larger block has a chunk of its own.
constexpr size_t chunk_bytes = 4 * granule_bytes;

/// | record | header | block | header | block | ...          (each header ends where its block starts)
struct Chunk {
  Run run;
  std::atomic<uintptr_t> next;
  uintptr_t end;
};
static_assert(sizeof(Chunk) <= run_record_bytes);

struct alignas(block_alignment) Header {
  size_t bytes;
};

constinit std::atomic<Chunk*> current{nullptr};

Chunk* make_chunk(size_t bytes) noexcept {
  void* wide = os::reserve(bytes + granule_bytes);
  if (wide == nullptr) return nullptr;
  const uintptr_t start = round_up(address_of(wide), granule_bytes);
  if (!os::commit(pointer_to(start), bytes) || !page_map.cover(start, bytes)) {
    (void)os::release(wide, bytes + granule_bytes);
    return nullptr;
  }
  auto* chunk = static_cast<Chunk*>(pointer_to(start));
  chunk->run.start = start;
  chunk->run.kind = RunKind::emergency;
  chunk->next.store(start + run_record_bytes, std::memory_order_relaxed);
  chunk->end = start + bytes;
  page_map.set_run(start, bytes / granule_bytes, &chunk->run);
  return chunk;
}

void* take(Chunk* chunk, size_t bytes, size_t alignment) noexcept {
  uintptr_t next = chunk->next.load(std::memory_order_relaxed);
  while (true) {
    const uintptr_t block = round_up(next + sizeof(Header), alignment);
    if (block + bytes > chunk->end) return nullptr;
    if (!chunk->next.compare_exchange_weak(next, round_up(block + bytes, block_alignment), std::memory_order_relaxed)) {
      continue;
    }
    static_cast<Header*>(pointer_to(block))[-1].bytes = round_up(bytes, block_alignment);
    return pointer_to(block);
  }
}

}  // namespace

void* allocate(size_t bytes, size_t alignment) noexcept {
  if (bytes == 0) bytes = 1;
  if (alignment < block_alignment) alignment = block_alignment;
  if (bytes > request_bytes_max / 2 || alignment > request_bytes_max / 4) return nullptr;
  const size_t wanted = run_record_bytes + sizeof(Header) + alignment + bytes;
  if (wanted > chunk_bytes) {
    Chunk* own = make_chunk(round_up(wanted, granule_bytes));
    return own == nullptr ? nullptr : take(own, bytes, alignment);
  }
  // Pairs with the release below: another thread's chunk is complete.
  Chunk* chunk = current.load(std::memory_order_acquire);
  void* block = chunk == nullptr ? nullptr : take(chunk, bytes, alignment);
  if (block != nullptr) return block;
  chunk = make_chunk(chunk_bytes);
  if (chunk == nullptr) return nullptr;
  block = take(chunk, bytes, alignment);
  current.store(chunk, std::memory_order_release);
  return block;
}

bool is_block(const Run* run, const void* pointer) noexcept {
  return address_of(pointer) >= run->start + run_record_bytes + sizeof(Header);
}

size_t usable_bytes(const void* pointer) noexcept {
  const Run* run = page_map.run_of(pointer);
  return is_block(run, pointer) ? static_cast<const Header*>(pointer)[-1].bytes : 0;
}

}  // namespace bursar::emergency
