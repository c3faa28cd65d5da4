// The slow half of every entry point.
#include "interpose/serve.h"

#include <cstring>

#include "allocator/heap.h"
#include "allocator/size_class.h"
#include "allocator/thread.h"
#include "interpose/account/account.h"
#include "interpose/account/recorder.h"
#include "interpose/process.h"

namespace bursar::serve {
namespace {

void begin_thread_if_new() noexcept {
  if (thread.stage == ThreadStage::unborn && !thread.is_inside) [[unlikely]]
    process::begin_thread();
}

/// A thread that only frees gathers what it sends home, which takes a heap of its own. Not at its first free: glibc may free for a
/// thread that is past its last destructors, and nobody would take the heap back.
void begin_thread_after_some_frees() noexcept {
  constexpr uint8_t frees_without_heap = 16;
  if (thread.stage != ThreadStage::unborn || ++thread.frees_unborn < frees_without_heap) [[likely]]
    return;
  begin_thread_if_new();
}

void* allocate_uncounted(const Request& request) noexcept {
  if (request.call == Call::realloc && request.bytes > medium_bytes_max) return heap::allocate_grown(request.bytes);
  if (thread.serves_task_arena) {
    // Any tag will do while nobody reads it, but that of free blocks.
    const uint32_t tag = account::is_recording ? account::current_tag() : 1;
    return heap::allocate_in_arena(request.bytes, request.alignment, request.zeroed, tag);
  }
  return heap::allocate(request.bytes, request.alignment, request.zeroed);
}

/// A block in use has a tag.
void check_is_in_use(const heap::BlockInfo& block, const void* pointer) noexcept {
  const bool has_tag = block.is_ours && !block.is_odd && block.tag != nullptr;
  if (has_tag && block.tag->load(std::memory_order_relaxed) == 0) report_double_free(pointer);
}

void deallocate_counted(Call call, void* pointer, Caller caller) noexcept {
  if (pointer == nullptr) return;
  begin_thread_after_some_frees();
  if (account::is_recording) {
    const heap::BlockInfo block = heap::look_up(pointer);
    check_is_in_use(block, pointer);
    if (block.is_ours) account::count_free(call, block);
  }
  heap::deallocate(pointer, caller);
}

void check_size(const void* pointer, size_t bytes, size_t alignment) noexcept {
  const heap::BlockInfo block = heap::look_up(pointer);
  if (!block.is_ours) return;  // deallocate has the right words for it
  const bool fits = bytes <= block.usable_bytes;
  const bool agrees = block.is_odd || heap::class_for(bytes, alignment) == block.size_class;
  if (!fits || !agrees) report_wrong_size(pointer, block.usable_bytes, bytes);
}

/// No program expects that a smaller block cannot be had.
void* keep_larger(void* pointer, size_t bytes, size_t usable_bytes) noexcept {
  if (bytes > usable_bytes) return nullptr;
  if (account::is_recording) account::count_call(Call::realloc);
  return pointer;
}

/// A block that kept its place but not its size counts as freed and allocated.
void count_resize(size_t requested_bytes, const heap::BlockInfo& before, const void* block) noexcept {
  if (before.size_class != 0) return account::count_call(Call::realloc);  // those of slabs keep their size
  const heap::BlockInfo after = heap::look_up(block);
  if (after.usable_bytes == before.usable_bytes) return account::count_call(Call::realloc);
  account::count_free(Call::realloc, before);
  account::count_allocation(Call::realloc, requested_bytes, after);
}

/// Whether the budget allows so many bytes more.
bool is_allowed(size_t bytes) noexcept {
  begin_thread_if_new();  // first: only then is it settled which task the thread is in
  if (!account::is_recording) return true;
  // So is it in a child: until it has a ledger of its own, the tags and the budget are the parent's.
  if (!thread.is_inside) account::notice_fork();
  return account::allows(bytes);
}

void* allocate_allowed(const Request& request) noexcept {
  void* block = allocate_uncounted(request);
  if (account::is_recording && block != nullptr) {
    account::count_allocation(request.call, request.bytes, heap::look_up(block));
  }
  return block;
}

/// The long ways of a realloc: for a null pointer; and where the block moves, which its budget allowed already.
void* allocate_first(size_t bytes) noexcept { return allocate({bytes, block_alignment, Zeroed::no, Call::realloc}); }
void* allocate_moved(size_t bytes) noexcept {
  begin_thread_if_new();
  return allocate_allowed({bytes, block_alignment, Zeroed::no, Call::realloc});
}
void deallocate_moved(void* pointer) noexcept { deallocate_counted(Call::realloc, pointer, Caller::realloc); }

template <auto long_way>
void* allocate_for_realloc(size_t bytes) noexcept {
  const bool is_short = account::is_recording && bytes <= small_bytes_max;
  return is_short ? recorder::allocate<Call::realloc, long_way>(bytes) : long_way(bytes);
}

}  // namespace

void* allocate(const Request& request) noexcept {
  if (request.bytes > request_bytes_max || !is_allowed(request.bytes)) return nullptr;
  return allocate_allowed(request);
}

void deallocate(void* pointer, Caller caller) noexcept {
  if (caller != Caller::realloc) return deallocate_counted(Call::free, pointer, caller);
  if (account::is_recording) account::count_call(Call::realloc);
  deallocate_counted(Call::realloc, pointer, caller);
}

void deallocate_sized(void* pointer, size_t bytes, size_t alignment) noexcept {
  if (pointer == nullptr) return;
  check_size(pointer, bytes, alignment);
  deallocate(pointer, Caller::operator_delete);
}

void* allocate_for_realloc(size_t bytes) noexcept { return allocate_for_realloc<allocate_first>(bytes); }

void* reallocate(void* pointer, size_t bytes) noexcept {
  const heap::BlockInfo before = account::is_recording ? heap::look_up(pointer) : heap::BlockInfo{};
  if (account::is_recording) check_is_in_use(before, pointer);
  // Asked for what the block grows by, and no more if it moves: its old place is given back.
  const bool grows = account::is_recording && bytes > before.usable_bytes;
  if (grows && !is_allowed(bytes - before.usable_bytes)) return nullptr;
  const heap::Resized resized = heap::resize(pointer, bytes);
  if (resized.block != nullptr) {
    if (account::is_recording) count_resize(bytes, before, resized.block);
    return resized.block;
  }
  void* moved = allocate_for_realloc<allocate_moved>(bytes);
  if (moved == nullptr) return keep_larger(pointer, bytes, resized.usable_before);
  memcpy(moved, pointer, resized.usable_before < bytes ? resized.usable_before : bytes);
  Run* run;
  const bool is_counted = account::is_recording && page_map.find_run(pointer, run);
  is_counted ? recorder::deallocate<deallocate_moved, Call::realloc>(pointer, run) : deallocate_moved(pointer);
  return moved;
}

}  // namespace bursar::serve
