// Thread-local bump arenas of tasks.
#include "allocator/bump.h"

#include "allocator/depot.h"
#include "allocator/thread.h"

namespace bursar::bump {
namespace {

/// A task of a hundred blocks fits, and the rest of a chunk that a new one leaves is small.
constexpr size_t chunk_bytes = 64 * KiB;
static_assert(chunk_bytes % granule_bytes == 0);

BumpHeader& header_of(const void* pointer) noexcept {
  return *(static_cast<BumpHeader*>(const_cast<void*>(pointer)) - 1);
}

/// What a block of `bytes` takes: with its header a multiple of 16, so that the next block is aligned again.
size_t stride_of(size_t bytes) noexcept {
  return round_up((bytes == 0 ? 1 : bytes) + sizeof(BumpHeader), block_alignment);
}

/// The first block stands a header's breadth behind the next multiple of 16.
uintptr_t first_block(const BumpChunk& chunk) noexcept { return chunk.start + block_alignment; }

void rewind(BumpChunk& chunk) noexcept { chunk.next = first_block(chunk); }

bool has_room(const BumpChunk& chunk, size_t stride) noexcept {
  return chunk.next + stride - sizeof(BumpHeader) <= chunk.end;
}

BumpChunk* make_chunk() noexcept {
  Zeroed zeroed{};
  Run* run = depot.acquire(chunk_bytes / granule_bytes, 1, RunKind::bump, zeroed);
  if (run == nullptr) return nullptr;
  auto* chunk = static_cast<BumpChunk*>(run);
  chunk->end = chunk->start + chunk_bytes;
  rewind(*chunk);
  return chunk;
}

/// The owner's: rewinds a chunk without blocks.
bool try_start_over(BumpChunk& chunk) noexcept {
  // Pairs with the release in count_free: the others are done with their blocks.
  if (chunk.blocks_out + chunk.balance.load(std::memory_order_acquire) != 0) return false;
  chunk.blocks_out = 0;
  chunk.balance.store(0, std::memory_order_relaxed);
  rewind(chunk);
  return true;
}

/// A block was freed by somebody who does not own the chunk.
void count_free(BumpChunk& chunk) noexcept {
  // Acquire and release: whoever retires the chunk has seen all that the others did with its blocks.
  if (chunk.balance.fetch_sub(1, std::memory_order_acq_rel) == 1) depot.retire(&chunk);
}

}  // namespace

void* allocate(size_t bytes, uint32_t task) noexcept {
  const size_t stride = stride_of(bytes);
  BumpChunk* chunk = thread.chunk;
  if (chunk == nullptr || !has_room(*chunk, stride)) {
    BumpChunk* fresh = make_chunk();
    if (fresh == nullptr) return nullptr;
    leave_chunk();
    chunk = thread.chunk = fresh;
  }
  void* block = pointer_to(chunk->next);
  header_of(block) = {static_cast<uint32_t>(stride - sizeof(BumpHeader)), task};
  chunk->next += stride;
  ++chunk->blocks_out;
  return block;
}

void deallocate(BumpChunk& chunk, void* pointer) noexcept {
  header_of(pointer).task = bump_freed;
  if (&chunk != thread.chunk) return count_free(chunk);
  --chunk.blocks_out;
  const uintptr_t end = address_of(pointer) + header_of(pointer).bytes + sizeof(BumpHeader);
  if (end == chunk.next) chunk.next = address_of(pointer);
  (void)try_start_over(chunk);
}

bool holds_block(const BumpChunk& chunk, const void* pointer) noexcept {
  const uintptr_t address = address_of(pointer);
  if (address < first_block(chunk)) return false;
  const BumpHeader& header = header_of(pointer);
  return header.task != bump_freed && header.bytes != 0 && header.bytes <= chunk_bytes &&
         address + header.bytes <= chunk.end;
}

void check_block(const BumpChunk& chunk, const void* pointer, Caller caller) noexcept {
  if (holds_block(chunk, pointer)) return;
  if (address_of(pointer) >= first_block(chunk) && header_of(pointer).task == bump_freed) report_double_free(pointer);
  report_interior_pointer(pointer, pointer_to(chunk.start), caller);
}

size_t usable_bytes(const void* pointer) noexcept { return header_of(pointer).bytes; }

uint32_t task_of(const void* pointer) noexcept { return header_of(pointer).task; }

bool try_extend(BumpChunk& chunk, void* pointer, size_t bytes) noexcept {
  if (&chunk != thread.chunk || bytes > block_bytes_max) return false;
  BumpHeader& header = header_of(pointer);
  const uintptr_t end = address_of(pointer) + header.bytes + sizeof(BumpHeader);
  const size_t stride = stride_of(bytes);
  if (end != chunk.next || address_of(pointer) + stride - sizeof(BumpHeader) > chunk.end) return false;
  header.bytes = static_cast<uint32_t>(stride - sizeof(BumpHeader));
  chunk.next = address_of(pointer) + stride;
  return true;
}

void rest_chunk() noexcept {
  if (thread.chunk != nullptr && !try_start_over(*thread.chunk)) leave_chunk();
}

void leave_chunk() noexcept {
  BumpChunk* chunk = thread.chunk;
  if (chunk == nullptr) return;
  thread.chunk = nullptr;
  const int32_t out = chunk->blocks_out;
  // From here on the balance alone counts (I2); if all blocks came back already, nobody else will see zero.
  if (chunk->balance.fetch_add(out, std::memory_order_acq_rel) + out == 0) depot.retire(chunk);
}

}  // namespace bursar::bump
