// A slab: blocks of one size class, owned by one thread's heap.
#include "allocator/slab.h"

#include "allocator/check.h"
#include "allocator/depot.h"
#include "allocator/page_map.h"
#include "allocator/settings.h"

namespace bursar::slab {
namespace {

/// Fresh blocks are linked only within one page of this size: linking writes into each of them.
constexpr size_t carve_page_bytes = 4 * KiB;

/// Beyond any count of blocks: a free of a slab that serves now never leaves the fast path for it.
constexpr int32_t bias_of_current = 1 << 20;
static_assert(bias_of_current > 1 << 16, "capacity is 16 bits");

Block* block_at(const Slab& slab, size_t index) noexcept {
  return static_cast<Block*>(pointer_to(slab.start + index * slab.block_bytes()));
}

/// In one step for a signal handler that frees: from a plain sum compilers make a store of what they read before.
void add_to_countdown(Slab& slab, int32_t count) noexcept {
  (void)__atomic_fetch_add(&slab.countdown, count, __ATOMIC_RELAXED);
}

int32_t bias_of(const Slab& slab, SlabStage stage) noexcept {
  switch (stage) {
    case SlabStage::current: return -bias_of_current;
    case SlabStage::partial: return 1;
    case SlabStage::exhausted: break;
  }
  return slab.capacity - slab.worthwhile + 1;
}

/// One tag more than blocks, for addresses behind the last.
size_t tag_count_of(const Slab& slab) noexcept { return size_t{slab.capacity} + 1; }

/// Last: with its tags the slab can be found by whoever walks over all blocks.
bool try_add_tags(Slab& slab) noexcept {
  const LockGuard guard(depot.lock());
  slab.tags = tags::take_locked(tag_count_of(slab));
  return slab.tags != nullptr;
}

void set_worthwhile(Slab& slab) noexcept { slab.worthwhile_up_to = slab.carved - slab.worthwhile - slab.bias; }

}  // namespace

Slab* acquire(SizeClass size_class, ThreadHeap* heap, uintptr_t owner) noexcept {
  Zeroed zeroed{};
  Run* run = depot.acquire(slab_granules_of(size_class), 1, RunKind::slab, zeroed);
  if (run == nullptr) return nullptr;
  auto* slab = static_cast<Slab*>(run);
  slab->size_class = static_cast<uint8_t>(size_class);
  slab->capacity = static_cast<uint16_t>(capacity_of(size_class));
  slab->worthwhile = static_cast<uint16_t>(worthwhile_of(slab->capacity));
  slab->heap.store(heap, std::memory_order_relaxed);
  slab->freed_last = &slab->freed;
  set_stage(*slab, SlabStage::current);
  if (settings.keeps_tags && !try_add_tags(*slab)) {
    depot.retire(slab);
    return nullptr;
  }
  slab->owner.store(owner, std::memory_order_relaxed);
  return slab;
}

void retire(Slab& slab) noexcept {
  const LockGuard guard(depot.lock());
  if (slab.tags != nullptr) tags::give_locked(slab.tags, tag_count_of(slab));
  slab.tags = nullptr;
  depot.retire_locked(&slab);
}

Slab& of(const Block* block) noexcept {
  Run* run = page_map.run_of(block);
  if (run == nullptr || run->kind != RunKind::slab) report_foreign_pointer(block, Caller::free);
  return *static_cast<Slab*>(run);
}

void check_is_out(const Slab& slab, const Block* block) noexcept {
  if (slab.freed_last == block || slab.out() <= 0) report_double_free(block);
}

const void* block_start(const Slab& slab, const void* pointer) noexcept {
  return block_at(slab, index_of(slab, pointer));
}

bool is_block_start(const Slab& slab, const void* pointer) noexcept {
  const size_t index = index_of(slab, pointer);
  return index < slab.capacity && block_at(slab, index) == pointer;
}

bool was_carved(const Slab& slab, const void* pointer) noexcept {
  const size_t index = index_of(slab, pointer);
  return index < slab.carved && block_at(slab, index) == pointer;
}

Block* take_freed(Slab& slab) noexcept {
  const int32_t expected = slab.freed_count();
  Block* first = slab.freed.next;
  Block* last = __atomic_exchange_n(&slab.freed_last, &slab.freed, __ATOMIC_ACQ_REL);
  // Where a fork finds a thread that takes: the first write to a page just shared with the child waits till the fork is over.
  // mend_after_fork knows it by a queue that is empty and yet counted.
  last->next = nullptr;
  int32_t count = slab.freed_count();
  if (count != expected) [[unlikely]] {
    // A signal handler freed meanwhile: before the exchange or after it, which only the list can tell.
    count = 0;
    for (const Block* block = first; block != nullptr; block = block->next) ++count;
  }
  add_to_countdown(slab, count);
  return first;
}

bool put_inside(Slab& slab, Block* block) noexcept {
  const uintptr_t owner = slab.owner.load(std::memory_order_relaxed);
  slab.owner.store(0, std::memory_order_relaxed);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  const bool is_beyond = put(slab, block);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  slab.owner.store(owner, std::memory_order_relaxed);
  return is_beyond;
}

void mend_after_fork(Slab& slab) noexcept {
  const int32_t count = slab.freed_count();
  if (slab.has_freed() || count <= 0) return;
  Block* last = slab.freed.next;
  for (int32_t i = 1; i < count; ++i) last = last->next;
  slab.freed_last = last;
}

Block* carve(Slab& slab) noexcept {
  Block* first = block_at(slab, slab.carved);
  const size_t bytes = slab.block_bytes();
  const size_t page_left = carve_page_bytes - address_of(first) % carve_page_bytes;
  size_t count = (page_left + bytes - 1) / bytes;
  const size_t uncarved = static_cast<size_t>(slab.capacity - slab.carved);
  if (count > uncarved) count = uncarved;
  Block* last = first;
  for (size_t i = 1; i < count; ++i) {
    last->next = static_cast<Block*>(pointer_to(address_of(last) + bytes));
    last = last->next;
  }
  last->next = nullptr;
  slab.carved = static_cast<uint16_t>(slab.carved + count);
  add_to_countdown(slab, static_cast<int32_t>(count));
  set_worthwhile(slab);
  return first;
}

void set_stage(Slab& slab, SlabStage stage) noexcept {
  const int32_t bias = bias_of(slab, stage);
  add_to_countdown(slab, slab.bias - bias);
  slab.bias = bias;
  slab.stage = stage;
  slab.was_swept = false;
  set_worthwhile(slab);
}

void check_freed_ends(const Slab& slab) noexcept {
  for (const Block* block : {static_cast<const Block*>(slab.freed.next), static_cast<const Block*>(slab.freed_last)}) {
    if (!was_carved(slab, block)) report_interior_pointer(block, block_start(slab, block), Caller::free);
  }
}

void validate(const Slab& slab) noexcept {
  int32_t length = 0;
  for (const Block* block = &slab.freed; block != slab.freed_last; block = block->next) {
    BURSAR_CHECK(was_carved(slab, block->next));
    ++length;
    BURSAR_CHECK(length <= slab.carved);
  }
  BURSAR_CHECK(slab.has_worthwhile() == (slab.freed_count() >= slab.worthwhile));
  BURSAR_CHECK(length == slab.freed_count() && slab.out() >= 0 && slab.carved <= slab.capacity);  // I1
  uint32_t returned = 0;
  for (const Block* block = slab.returned; block != nullptr; block = block->next) {
    BURSAR_CHECK(was_carved(slab, block));
    ++returned;
    BURSAR_CHECK(returned <= slab.returned_count);
  }
  BURSAR_CHECK(returned == slab.returned_count && static_cast<int32_t>(returned) <= slab.out());  // I4
}

}  // namespace bursar::slab
