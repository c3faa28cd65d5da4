// A slab: blocks of one size class, owned by one thread's heap.
#include "allocator/slab.h"

#include <array>

#include "allocator/check.h"
#include "allocator/depot.h"
#include "allocator/page_map.h"

namespace bursar::slab {
namespace {

/// Fresh blocks are linked only within one page of this size: linking writes into each of them.
constexpr size_t carve_page_bytes = 4 * KiB;

/// ceil(2^32 / units) for the block size of each class in units of 16 bytes. Multiplying an offset in units with it and
/// dropping 32 bits divides exactly, since offset < 2^14 and the error of the reciprocal is below units <= 2^11.
constexpr auto make_reciprocals() noexcept {
  std::array<uint32_t, size_class_count> reciprocals{};
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const uint64_t units = block_bytes_of(size_class) / block_alignment;
    reciprocals[size_class] = static_cast<uint32_t>(((uint64_t{1} << 32) - 1) / units + 1);
  }
  return reciprocals;
}
constexpr auto reciprocals = make_reciprocals();
static_assert(slab_granules_of(size_class_count - 1) * granule_bytes / block_alignment <= 1 << 14);
static_assert(medium_bytes_max / block_alignment <= 1 << 11);

size_t block_index(const Slab& slab, const void* pointer) noexcept {
  const uint64_t units = (address_of(pointer) - slab.start) / block_alignment;
  // Class 1 has one unit a block; its reciprocal, 2^32, does not fit.
  if (slab.size_class == 1) return units;
  return units * reciprocals[slab.size_class] >> 32;
}

Block* block_at(const Slab& slab, size_t index) noexcept {
  return static_cast<Block*>(pointer_to(slab.start + index * slab.block_bytes()));
}

BlockChain take_recycled(Slab& slab) noexcept {
  const BlockChain chain{slab.local, nullptr, slab.local_count};
  slab.local = nullptr;
  slab.local_count = 0;
  return chain;
}

BlockChain carve(Slab& slab, size_t blocks_max) noexcept {
  Block* first = block_at(slab, slab.carved);
  const size_t bytes = slab.block_bytes();
  const size_t page_left = carve_page_bytes - address_of(first) % carve_page_bytes;
  size_t count = (page_left + bytes - 1) / bytes;
  if (count > blocks_max) count = blocks_max;
  const size_t uncarved = static_cast<size_t>(slab.capacity - slab.carved);
  if (count > uncarved) count = uncarved;
  Block* last = first;
  for (size_t i = 1; i < count; ++i) {
    last->next = static_cast<Block*>(pointer_to(address_of(last) + bytes));
    last = last->next;
  }
  last->next = nullptr;
  slab.carved = static_cast<uint16_t>(slab.carved + count);
  return {first, last, count};
}

}  // namespace

Slab* acquire(SizeClass size_class, ThreadHeap* heap, const void* bin) noexcept {
  Zeroed zeroed{};
  Run* run = depot.acquire(slab_granules_of(size_class), 1, RunKind::slab, zeroed);
  if (run == nullptr) return nullptr;
  auto* slab = static_cast<Slab*>(run);
  slab->size_class = static_cast<uint8_t>(size_class);
  slab->capacity = static_cast<uint16_t>(capacity_of(size_class));
  slab->heap.store(heap, std::memory_order_relaxed);
  page_map.set_bin(slab->start, slab->granules, address_of(bin));
  return slab;
}

const void* block_start(const Slab& slab, const void* pointer) noexcept {
  return block_at(slab, block_index(slab, pointer));
}

bool is_block_start(const Slab& slab, const void* pointer) noexcept {
  const size_t index = block_index(slab, pointer);
  return index < slab.capacity && block_at(slab, index) == pointer;
}

bool was_carved(const Slab& slab, const void* block) noexcept { return block_index(slab, block) < slab.carved; }

bool was_handed_out(const Slab& slab, const void* pointer) noexcept {
  if (address_of(pointer) - slab.start >= slab.granules * granule_bytes) return false;
  const size_t index = block_index(slab, pointer);
  return index < slab.carved && block_at(slab, index) == pointer;
}

BlockChain take(Slab& slab, size_t blocks_max) noexcept {
  return slab.local != nullptr ? take_recycled(slab) : carve(slab, blocks_max);
}

void put(Slab& slab, Block* block) noexcept {
  block->next = slab.local;
  slab.local = block;
  ++slab.local_count;
}

void validate(const Slab& slab) noexcept {
  size_t length = 0;
  for (const Block* block = slab.local; block != nullptr; block = block->next) {
    BURSAR_CHECK(is_block_start(slab, block) && block_index(slab, block) < slab.carved);
    ++length;
    BURSAR_CHECK(length <= slab.carved);
  }
  BURSAR_CHECK(length == slab.local_count && slab.carved <= slab.capacity);  // I1
}

}  // namespace bursar::slab
