// The heap as the interposition sees it.
#include "allocator/heap.h"

#include <atomic>
#include <cstring>

#include "allocator/bump.h"
#include "allocator/depot.h"
#include "allocator/emergency.h"
#include "allocator/fast_path.h"
#include "allocator/heap_registry.h"
#include "allocator/large.h"
#include "allocator/page_map.h"
#include "allocator/slab.h"
#include "allocator/thread_heap.h"

namespace bursar {
namespace {

/// Large blocks whose free interrupted the heap itself. Whoever is next inside, and not interrupted, frees them.
constinit std::atomic<Block*> deferred_frees{nullptr};

void defer_free(void* pointer) noexcept {
  auto* block = static_cast<Block*>(pointer);
  block->next = deferred_frees.load(std::memory_order_relaxed);
  while (
      !deferred_frees.compare_exchange_weak(block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void free_deferred() noexcept {
  if (deferred_frees.load(std::memory_order_relaxed) == nullptr) [[likely]]
    return;
  // Pairs with the release in defer_free.
  Block* block = deferred_frees.exchange(nullptr, std::memory_order_acquire);
  while (block != nullptr) {
    Block* next = block->next;
    Run* run = page_map.run_of(block);
    if (run == nullptr) report_double_free(block);
    if (run->kind == RunKind::bump) {
      bump::check_block(*static_cast<BumpChunk*>(run), block, Caller::free);
      bump::deallocate(*static_cast<BumpChunk*>(run), block);
    } else {
      large::deallocate(run);
    }
    block = next;
  }
}

/// What every way inside begins with.
void enter() noexcept {
  heap_registry.notice_fork();
  free_deferred();
}

/// The last resort before there is no memory: what is kept for speed goes back to the system.
bool give_all_back() noexcept {
  const bool any_mappings = large::purge_all();
  return depot.purge_all() || any_mappings;
}

/// True when nothing asks for the long way, where clocks and mail are looked at.
bool may_recycle(const ThreadHeap& heap, const Bin& bin) noexcept {
  const bool has_blocks = ThreadHeap::has_worthwhile(bin) || ThreadHeap::has_strays(bin);
  return has_blocks && !heap.is_sparing() && !heap.has_mail() && !depot.wants_attention();
}

/// What the thread has at hand, without a lock.
void* try_take_at_hand(SizeClass size_class) noexcept {
  if (thread.heap == nullptr) return nullptr;
  Bin& bin = thread.heap->bin_of(size_class);
  if (Block* block = thread.heap->try_pop(size_class)) return block;
  const InsideScope inside;  // before it is looked: a handler must not take what was seen
  return may_recycle(*thread.heap, bin) ? thread.heap->recycle(bin) : nullptr;
}

void* try_refill(SizeClass size_class) noexcept {
  if (thread.heap != nullptr) return thread.heap->refill(size_class);
  ThreadHeap* shared = heap_registry.shared_heap();
  return shared == nullptr ? nullptr : shared->allocate_shared(size_class);
}

void* refill_class(SizeClass size_class) noexcept {
  const InsideScope inside;
  enter();
  void* block = try_refill(size_class);
  return block != nullptr || !give_all_back() ? block : try_refill(size_class);
}

void* allocate_large(size_t bytes, size_t alignment, Zeroed zeroed, large::Growth growth) noexcept {
  const InsideScope inside;
  enter();
  large::purge_due();
  void* block = large::allocate(bytes, alignment, zeroed, growth);
  return block != nullptr || !give_all_back() ? block : large::allocate(bytes, alignment, zeroed, growth);
}

void check_block_start(const Slab& slab, const void* pointer, Caller caller) noexcept {
  if (slab::is_block_start(slab, pointer)) return;
  report_interior_pointer(pointer, slab::block_start(slab, pointer), caller);
}

/// A block keeps its place while at least half of it is wanted.
bool keeps_place(size_t usable, size_t bytes) noexcept { return bytes <= usable && bytes >= usable / 2; }

void deallocate_small(Slab& slab, void* pointer, Caller caller) noexcept {
  check_block_start(slab, pointer, caller);
  auto* block = static_cast<Block*>(pointer);
  ThreadHeap* target = slab.heap.load(std::memory_order_relaxed);
  if (thread.is_inside) {
    // A signal handler that interrupted this thread inside the heap: the lock-free way, also for its own blocks.
    return ThreadHeap::deliver(slab, block, slab.block_bytes(), ThreadHeap::Drain::no);
  }
  const InsideScope inside;
  enter();
  if (target == thread.heap) return target->put(slab, block);
  if (thread.heap != nullptr) return thread.heap->deallocate_foreign(slab, block);
  ThreadHeap::deliver(slab, block, slab.block_bytes(), ThreadHeap::Drain::when_due);
}

void deallocate_other(Run* run, void* pointer, Caller caller) noexcept {
  if (run->kind == RunKind::emergency) return;
  if (run->kind == RunKind::bump) {
    bump::check_block(*static_cast<BumpChunk*>(run), pointer, caller);
  } else if (run->start != address_of(pointer)) {
    report_interior_pointer(pointer, pointer_to(run->start), caller);
  }
  if (thread.is_inside) return defer_free(pointer);
  const InsideScope inside;
  enter();
  if (run->kind == RunKind::bump) return bump::deallocate(*static_cast<BumpChunk*>(run), pointer);
  large::deallocate(run);
  large::purge_due();
}

/// The run of a pointer that claims to be a block; does not return for one that cannot be.
Run* run_of_block(const void* pointer, Caller caller) noexcept {
  Run* run = page_map.run_of(pointer);
  if (run == nullptr || run->kind == RunKind::unused) [[unlikely]]
    large::report_no_block(pointer, caller);
  if (address_of(pointer) % block_alignment != 0) report_misaligned_pointer(pointer, caller);
  return run;
}

}  // namespace

[[gnu::noinline]] void leave_double_free(void* pointer) noexcept { report_double_free(pointer); }

[[gnu::noinline]] void leave_to_settle(Slab* slab) noexcept {
  if (thread.is_inside) {
    // There may be no other free of the slab, whose last block this was.
    if (thread.heap != nullptr) thread.heap->settle_later();
    return;
  }
  const InsideScope inside;
  enter();
  // Another heap: the thread's own was lost in a fork a moment ago, and the slab with it.
  if (thread.heap != nullptr && slab->heap.load(std::memory_order_relaxed) == thread.heap) thread.heap->settle(*slab);
}

namespace heap {

SizeClass class_for(size_t bytes, size_t alignment) noexcept {
  if (bytes == 0) bytes = 1;
  if (alignment > block_alignment) {
    if (alignment > medium_bytes_max || bytes > medium_bytes_max) return 0;
    // A size that is a multiple of a power of two has a class whose blocks all are: slabs start on granules, and
    // the steps between classes are powers of two themselves.
    bytes = round_up(bytes, alignment);
  }
  return bytes > medium_bytes_max ? 0 : size_class_of(bytes);
}

void* try_recycle_small(size_t bytes) noexcept {
  if (bytes > small_bytes_max || thread.is_inside) return nullptr;
  Bin& bin = thread.active->small_bin_of(bytes);
  const InsideScope inside;  // before it is looked: a handler must not take what was seen
  return may_recycle(*thread.active, bin) ? thread.active->recycle(bin) : nullptr;
}

void* recycle_inside(Bin& bin) noexcept { return may_recycle(*thread.heap, bin) ? thread.heap->recycle(bin) : nullptr; }

void* allocate(size_t bytes, size_t alignment, Zeroed zeroed) noexcept {
  if (thread.is_inside) return emergency::allocate(bytes, alignment);
  const SizeClass size_class = class_for(bytes, alignment);
  if (size_class == 0) return allocate_large(bytes, alignment, zeroed, large::Growth::none);
  void* block = try_take_at_hand(size_class);
  if (block == nullptr) block = refill_class(size_class);
  if (block != nullptr && zeroed == Zeroed::yes) memset(block, 0, bytes);
  return block;
}

void* allocate_grown(size_t bytes) noexcept {
  if (bytes <= medium_bytes_max || thread.is_inside) return allocate(bytes, block_alignment, Zeroed::no);
  return allocate_large(bytes, block_alignment, Zeroed::no, large::Growth::expected);
}

void* allocate_in_arena(size_t bytes, size_t alignment, Zeroed zeroed, uint32_t tag) noexcept {
  if (bytes > bump::block_bytes_max || alignment > block_alignment || thread.is_inside) {
    return allocate(bytes, alignment, zeroed);
  }
  void* block = nullptr;
  {
    const InsideScope inside;
    enter();
    block = bump::allocate(bytes, tag);
  }
  if (block == nullptr) return allocate(bytes, alignment, zeroed);
  if (zeroed == Zeroed::yes) memset(block, 0, bytes);
  return block;
}

bool try_send(void* pointer) noexcept {
  const Run* run = nullptr;
  if (Run* found = nullptr; page_map.find_run(pointer, found)) run = found;
  if (run == nullptr || run->kind != RunKind::slab || thread.is_inside || thread.heap == nullptr) return false;
  const auto& slab = *static_cast<const Slab*>(run);
  ThreadHeap* target = slab.heap.load(std::memory_order_relaxed);
  if (target == thread.heap || !thread.heap->is_open_to_frees() || !slab::is_block_start(slab, pointer)) return false;
  const InsideScope inside;
  enter();
  if (thread.heap == nullptr) [[unlikely]]
    return false;  // lost in a fork a moment ago
  thread.heap->deallocate_foreign(slab, static_cast<Block*>(pointer));
  return true;
}

void deallocate(void* pointer, Caller caller) noexcept {
  if (pointer == nullptr) return;
  Run* run = run_of_block(pointer, caller);
  if (run->kind == RunKind::slab) return deallocate_small(*static_cast<Slab*>(run), pointer, caller);
  deallocate_other(run, pointer, caller);
}

BlockInfo look_up(const void* pointer) noexcept {
  Run* run = page_map.run_of(pointer);
  if (run == nullptr || address_of(pointer) % block_alignment != 0) return {};
  switch (run->kind) {
    case RunKind::slab: {
      const auto& slab = *static_cast<const Slab*>(run);
      if (!slab::is_block_start(slab, pointer)) return {};
      return {slab.block_bytes(), slab.size_class, slab::tag_of(slab, pointer), true, false};
    }
    case RunKind::pages:
    case RunKind::mapping:
      return {large::usable_bytes(run), 0, large::tag_of(run), run->start == address_of(pointer), false};
    case RunKind::bump: {
      const auto& chunk = *static_cast<const BumpChunk*>(run);
      if (!bump::holds_block(chunk, pointer)) return {};
      return {bump::usable_bytes(pointer), 0, bump::tag_of(pointer), true, true};
    }
    case RunKind::emergency:
      return {emergency::usable_bytes(pointer), 0, nullptr, emergency::is_block(run, pointer), true};
    case RunKind::unused: break;
  }
  return {};
}

size_t usable_bytes(const void* pointer, Caller caller) noexcept {
  const Run* run = run_of_block(pointer, caller);
  if (run->kind == RunKind::bump) bump::check_block(*static_cast<const BumpChunk*>(run), pointer, caller);
  const BlockInfo info = look_up(pointer);
  if (info.is_ours) return info.usable_bytes;
  const auto& slab = *static_cast<const Slab*>(run);
  const void* block = run->kind == RunKind::slab ? slab::block_start(slab, pointer) : pointer_to(run->start);
  report_interior_pointer(pointer, block, caller);
}

Resized resize(void* pointer, size_t bytes) noexcept {
  Run* run = run_of_block(pointer, Caller::realloc);
  if (run->kind == RunKind::slab) [[likely]] {
    const auto& slab = *static_cast<const Slab*>(run);
    check_block_start(slab, pointer, Caller::realloc);
    if (ThreadHeap::is_own(slab) && slab.freed_last == pointer) report_double_free(pointer);
    const size_t usable = slab.block_bytes();
    return {keeps_place(usable, bytes) ? pointer : nullptr, usable};
  }
  const size_t usable = usable_bytes(pointer, Caller::realloc);
  const bool is_large = run->kind == RunKind::pages || run->kind == RunKind::mapping;
  if (is_large) {
    if (bytes <= usable && usable - bytes <= usable / 4) return {pointer, usable};
    if (bytes <= medium_bytes_max || thread.is_inside) return {nullptr, usable};
    const InsideScope inside;
    enter();
    return {large::resize(run, bytes), usable};
  }
  if (keeps_place(usable, bytes)) return {pointer, usable};
  if (run->kind != RunKind::bump || bytes < usable || thread.is_inside) return {nullptr, usable};
  const InsideScope inside;  // a signal handler's block must not be cut from the same place
  return {bump::try_extend(*static_cast<BumpChunk*>(run), pointer, bytes) ? pointer : nullptr, usable};
}

bool purge_all() noexcept {
  if (thread.is_inside) return false;
  const InsideScope inside;
  enter();
  if (!thread.serves_task_arena) bump::leave_chunk();
  if (thread.heap != nullptr) thread.heap->empty_bins();
  return give_all_back();
}

Figures measure() noexcept {
  Figures figures{0, 0, large::mapped_bytes(), large::mapping_count()};
  if (!thread.is_inside) {
    const InsideScope inside;
    enter();
    const Depot::Figures segments = depot.measure();
    figures.system_bytes = segments.committed_bytes;
    figures.free_bytes = segments.free_bytes;
  }
  figures.system_bytes += figures.mapped_bytes;
  return figures;
}

}  // namespace heap
}  // namespace bursar
