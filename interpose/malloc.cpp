// malloc and its family: the rules of C and glibc, and nothing else.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "allocator/fast_path.h"
#include "allocator/heap.h"
#include "allocator/os.h"
#include "interpose/account/account.h"
#include "interpose/account/recorder.h"
#include "interpose/export.h"
#include "interpose/serve.h"

using namespace bursar;

namespace {

constexpr bool product_overflows(size_t a, size_t b, size_t& product) noexcept {
  return __builtin_mul_overflow(a, b, &product);
}

void* without_memory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

void* or_without_memory(void* block) noexcept { return block != nullptr ? block : without_memory(); }

[[gnu::noinline]] void* malloc_long_way(size_t bytes) noexcept {
  return or_without_memory(serve::allocate({bytes, block_alignment, Zeroed::no, serve::Call::malloc}));
}

[[gnu::noinline]] void* malloc_counted(size_t bytes) noexcept {
  return recorder::allocate<ledger::Call::malloc, malloc_long_way>(bytes);
}

[[gnu::noinline]] void* malloc_uncounted(size_t bytes) noexcept {
  if (void* block = heap::try_recycle_small(bytes)) [[likely]]
    return block;
  return malloc_long_way(bytes);
}

/// Where the bin is empty, or seems so.
[[gnu::always_inline]] inline void* malloc_slow(size_t bytes) noexcept {
  return account::is_recording ? malloc_counted(bytes) : malloc_uncounted(bytes);
}

[[gnu::noinline]] void* calloc_long_way(size_t bytes) noexcept {
  return or_without_memory(serve::allocate({bytes, block_alignment, Zeroed::yes, serve::Call::calloc}));
}

[[gnu::noinline]] void free_long_way(void* pointer) noexcept { serve::deallocate(pointer, Caller::free); }
[[gnu::noinline]] void free_counted(void* pointer, Run* run) noexcept {
  recorder::deallocate<free_long_way>(pointer, run);
}

[[gnu::noinline]] void free_uncounted(void* pointer) noexcept {
  if (!heap::try_send(pointer)) free_long_way(pointer);
}

/// Not a block of this thread's, or not to be told from one.
[[gnu::always_inline]] inline void free_slow(void* pointer, Run* run) noexcept {
  account::is_recording ? free_counted(pointer, run) : free_uncounted(pointer);
}

[[gnu::noinline]] void* calloc_slow(size_t bytes) noexcept {
  if (!account::is_recording) return calloc_long_way(bytes);
  void* block = recorder::allocate<ledger::Call::calloc, calloc_long_way>(bytes);
  return block == nullptr ? nullptr : __builtin_memset(block, 0, bytes);
}

/// realloc as the program sees it: a wrapper before us that knows no reallocarray must see its blocks all the same.
void* (*const volatile found_realloc)(void*, size_t) = &realloc;

/// Pre: alignment is a power of two.
void* allocate_aligned(size_t alignment, size_t bytes) noexcept {
  if (alignment < block_alignment) alignment = block_alignment;
  // An alignment beyond half the address space leaves no room for any block: refused before sums could overflow.
  if (alignment > request_bytes_max / 2 || bytes > request_bytes_max - alignment) return nullptr;
  return serve::allocate({bytes, alignment, Zeroed::no, serve::Call::aligned});
}

}  // namespace

BURSAR_EXPORT void* malloc(size_t bytes) {
  if (bytes <= small_bytes_max) [[likely]] {
    if (void* block = allocate_fast(bytes)) [[likely]]
      return block;
    return malloc_slow(bytes);
  }
  return malloc_long_way(bytes);
}

BURSAR_EXPORT void free(void* pointer) { deallocate_fast<free_slow, free_long_way>(pointer); }

BURSAR_EXPORT void* calloc(size_t count, size_t bytes_each) {
  size_t bytes = 0;
  if (product_overflows(count, bytes_each, bytes)) [[unlikely]]
    return without_memory();
  if (bytes <= small_bytes_max) [[likely]] {
    if (void* block = allocate_fast(bytes)) [[likely]]
      return __builtin_memset(block, 0, bytes);
    return calloc_slow(bytes);
  }
  return calloc_long_way(bytes);
}

/// As in glibc: size 0 frees, and gives null with errno as it was.
BURSAR_EXPORT void* realloc(void* pointer, size_t bytes) {
  if (pointer == nullptr) return or_without_memory(serve::allocate_for_realloc(bytes));
  if (bytes == 0) {
    serve::deallocate(pointer, Caller::realloc);
    return nullptr;
  }
  if (bytes > request_bytes_max) return without_memory();
  return or_without_memory(serve::reallocate(pointer, bytes));
}

BURSAR_EXPORT void* reallocarray(void* pointer, size_t count, size_t bytes_each) {
  size_t bytes = 0;
  if (product_overflows(count, bytes_each, bytes)) return without_memory();
  return found_realloc(pointer, bytes);
}

/// The size need not be a multiple of the alignment (C17, DR 460); an alignment that is no power of two is EINVAL, as in
/// glibc since 2.38.
BURSAR_EXPORT void* aligned_alloc(size_t alignment, size_t bytes) {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return or_without_memory(allocate_aligned(alignment, bytes));
}

/// As in glibc: an alignment that is no power of two is rounded up to one.
BURSAR_EXPORT void* memalign(size_t alignment, size_t bytes) {
  if (alignment > SIZE_MAX / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  size_t rounded = block_alignment;
  while (rounded < alignment) rounded *= 2;
  return or_without_memory(allocate_aligned(rounded, bytes));
}

BURSAR_EXPORT int posix_memalign(void** result, size_t alignment, size_t bytes) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  void* block = allocate_aligned(alignment, bytes);
  if (block == nullptr) return ENOMEM;
  *result = block;
  return 0;
}

BURSAR_EXPORT void* valloc(size_t bytes) { return or_without_memory(allocate_aligned(os::page_bytes(), bytes)); }

BURSAR_EXPORT void* pvalloc(size_t bytes) {
  const size_t page_bytes = os::page_bytes();
  if (bytes > request_bytes_max - page_bytes) return without_memory();
  const size_t rounded = bytes == 0 ? page_bytes : round_up(bytes, page_bytes);
  return or_without_memory(allocate_aligned(page_bytes, rounded));
}

BURSAR_EXPORT size_t malloc_usable_size(void* pointer) {
  return pointer == nullptr ? 0 : heap::usable_bytes(pointer, Caller::usable_size);
}

/// C23. The size is not needed, and programs are known to get it wrong.
BURSAR_EXPORT void free_sized(void* pointer, size_t) { free(pointer); }
BURSAR_EXPORT void free_aligned_sized(void* pointer, size_t, size_t) { free(pointer); }

// Other names of the same functions: whoever mixes them with the plain ones must meet the same heap.
BURSAR_ALIAS(free) void cfree(void*);
BURSAR_ALIAS(malloc) void* __libc_malloc(size_t);
BURSAR_ALIAS(calloc) void* __libc_calloc(size_t, size_t);
BURSAR_ALIAS(realloc) void* __libc_realloc(void*, size_t);
BURSAR_ALIAS(reallocarray) void* __libc_reallocarray(void*, size_t, size_t);
BURSAR_ALIAS(free) void __libc_free(void*);
BURSAR_ALIAS(free) void __libc_cfree(void*);
BURSAR_ALIAS(memalign) void* __libc_memalign(size_t, size_t);
BURSAR_ALIAS(valloc) void* __libc_valloc(size_t);
BURSAR_ALIAS(pvalloc) void* __libc_pvalloc(size_t);
BURSAR_ALIAS(posix_memalign) int __posix_memalign(void**, size_t, size_t);
