// Thread-local bump arenas of tasks.
#include "allocator/bump.h"

#include "allocator/depot.h"
#include "allocator/settings.h"
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

/// Where the next block would start, as the owner knows it.
uintptr_t next_of(const BumpChunk& chunk) noexcept { return chunk.next.load(std::memory_order_relaxed); }

/// Pairs with the acquire of a walk, which finds the headers below written.
void set_next(BumpChunk& chunk, uintptr_t next) noexcept { chunk.next.store(next, std::memory_order_release); }

void rewind(BumpChunk& chunk) noexcept {
  if (!settings.keeps_tags) return set_next(chunk, first_block(chunk));
  if (next_of(chunk) == first_block(chunk)) return;  // nothing to be forgotten, as when task follows task
  const LockGuard no_walk(depot.lock());
  set_next(chunk, first_block(chunk));
}

size_t bytes_of(const BumpHeader& header) noexcept { return header.bytes.load(std::memory_order_relaxed); }

bool is_freed(const BumpHeader& header) noexcept { return header.tag.load(std::memory_order_relaxed) == bump_freed; }

bool has_room(const BumpChunk& chunk, size_t stride) noexcept {
  return next_of(chunk) + stride - sizeof(BumpHeader) <= chunk.end;
}

BumpChunk* make_chunk() noexcept {
  Zeroed zeroed{};
  Run* run = depot.acquire(chunk_bytes / granule_bytes, 1, RunKind::bump, zeroed);
  if (run == nullptr) return nullptr;
  auto* chunk = static_cast<BumpChunk*>(run);
  chunk->end = chunk->start + chunk_bytes;
  set_next(*chunk, first_block(*chunk));
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

void* allocate(size_t bytes, uint32_t tag) noexcept {
  const size_t stride = stride_of(bytes);
  BumpChunk* chunk = thread.chunk;
  if (chunk == nullptr || !has_room(*chunk, stride)) {
    BumpChunk* fresh = make_chunk();
    if (fresh == nullptr) return nullptr;
    leave_chunk();
    chunk = thread.chunk = fresh;
  }
  void* block = pointer_to(next_of(*chunk));
  header_of(block).bytes.store(static_cast<uint32_t>(stride - sizeof(BumpHeader)), std::memory_order_relaxed);
  header_of(block).tag.store(tag, std::memory_order_relaxed);
  set_next(*chunk, next_of(*chunk) + stride);
  ++chunk->blocks_out;
  return block;
}

void deallocate(BumpChunk& chunk, void* pointer) noexcept {
  header_of(pointer).tag.store(bump_freed, std::memory_order_relaxed);
  if (&chunk != thread.chunk) return count_free(chunk);
  --chunk.blocks_out;
  const uintptr_t end = address_of(pointer) + bytes_of(header_of(pointer)) + sizeof(BumpHeader);
  if (end == next_of(chunk) && !settings.keeps_tags) set_next(chunk, address_of(pointer));
  (void)try_start_over(chunk);
}

bool holds_block(const BumpChunk& chunk, const void* pointer) noexcept {
  const uintptr_t address = address_of(pointer);
  if (address < first_block(chunk)) return false;
  const BumpHeader& header = header_of(pointer);
  const size_t bytes = bytes_of(header);
  return !is_freed(header) && bytes != 0 && bytes <= chunk_bytes && address + bytes <= chunk.end;
}

void check_block(const BumpChunk& chunk, const void* pointer, Caller caller) noexcept {
  if (holds_block(chunk, pointer)) return;
  // Inside a block there may be zeroes; a header has a length.
  const bool has_header = address_of(pointer) >= first_block(chunk) && bytes_of(header_of(pointer)) != 0;
  if (has_header && is_freed(header_of(pointer))) report_double_free(pointer);
  report_interior_pointer(pointer, pointer_to(chunk.start), caller);
}

size_t usable_bytes(const void* pointer) noexcept { return bytes_of(header_of(pointer)); }

BlockTag* tag_of(const void* pointer) noexcept { return &header_of(pointer).tag; }

void* first_block_locked(const BumpChunk& chunk) noexcept {
  // Pairs with the release in set_next.
  return chunk.next.load(std::memory_order_acquire) > first_block(chunk) ? pointer_to(first_block(chunk)) : nullptr;
}

void* next_block_locked(const BumpChunk& chunk, const void* block) noexcept {
  const uintptr_t next = address_of(block) + bytes_of(header_of(block)) + sizeof(BumpHeader);
  return next < chunk.next.load(std::memory_order_acquire) ? pointer_to(next) : nullptr;
}

bool try_extend(BumpChunk& chunk, void* pointer, size_t bytes) noexcept {
  if (&chunk != thread.chunk || bytes > block_bytes_max) return false;
  BumpHeader& header = header_of(pointer);
  const uintptr_t end = address_of(pointer) + bytes_of(header) + sizeof(BumpHeader);
  const size_t stride = stride_of(bytes);
  if (end != next_of(chunk) || address_of(pointer) + stride - sizeof(BumpHeader) > chunk.end) return false;
  header.bytes.store(static_cast<uint32_t>(stride - sizeof(BumpHeader)), std::memory_order_relaxed);
  set_next(chunk, address_of(pointer) + stride);
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
