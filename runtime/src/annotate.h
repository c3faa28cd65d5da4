// Valgrind's client requests, where its headers were there when this was compiled. (Outside Valgrind each is a handful of instructions
// without effect.)
#pragma once

#include <cstddef>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define BURSAR_HAS_VALGRIND 1
#else
#define BURSAR_HAS_VALGRIND 0
#endif

namespace bursar::valgrind {

inline bool is_running() noexcept {
#if BURSAR_HAS_VALGRIND
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

inline void begin_pool(const void* pool) noexcept {
#if BURSAR_HAS_VALGRIND
  VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
#endif
  static_cast<void>(pool);
}

inline void end_pool(const void* pool) noexcept {
#if BURSAR_HAS_VALGRIND
  VALGRIND_DESTROY_MEMPOOL(pool);
#endif
  static_cast<void>(pool);
}

inline void begin_block(const void* pool, const void* block, std::size_t bytes) noexcept {
#if BURSAR_HAS_VALGRIND
  VALGRIND_MEMPOOL_ALLOC(pool, block, bytes);
#endif
  static_cast<void>(pool), static_cast<void>(block), static_cast<void>(bytes);
}

inline void end_block(const void* pool, const void* block) noexcept {
#if BURSAR_HAS_VALGRIND
  VALGRIND_MEMPOOL_FREE(pool, block);
#endif
  static_cast<void>(pool), static_cast<void>(block);
}

inline void hide(const void* place, std::size_t bytes) noexcept {
#if BURSAR_HAS_VALGRIND
  static_cast<void>(VALGRIND_MAKE_MEM_NOACCESS(place, bytes));
#endif
  static_cast<void>(place), static_cast<void>(bytes);
}

inline void show(const void* place, std::size_t bytes) noexcept {
#if BURSAR_HAS_VALGRIND
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(place, bytes));
#endif
  static_cast<void>(place), static_cast<void>(bytes);
}

}  // namespace bursar::valgrind
