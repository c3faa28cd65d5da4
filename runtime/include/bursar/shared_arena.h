// One arena for many threads: each has a part of its own, all of it ends together.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>

#include "bursar/arena.h"
#include "bursar/export.h"
#include "bursar/thread_token.h"

namespace bursar {

/// For objects that several threads make and that die together: every thread allocates in an Arena of its own, without atomics and
/// without sharing cache lines, and may use what others made.
///
/// Threads: local(), make, allocate and parts from any thread, at any time; reset() and the destructor while nobody allocates, and nobody
/// uses what was made.
/// Errors: as Arena; a thread's first call also std::bad_alloc; the try_ forms give null. The limit of the options holds for each thread.
/// Cost: as Arena, and two loads of thread-local memory; a lock when a thread turns from one shared arena to another.
class BURSAR_RUNTIME_EXPORT SharedArena {
 public:
  SharedArena() noexcept : SharedArena(ArenaOptions{}) {}
  explicit SharedArena(const ArenaOptions& options) noexcept;
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;
  ~SharedArena();

  /// The calling thread's part.
  [[nodiscard]] Arena& local() {
    Arena* arena = try_local();
    if (arena == nullptr) [[unlikely]]
      throw_bad_alloc();
    return *arena;
  }
  /// The same; null when the thread has none yet, and there is no memory for it.
  [[nodiscard]] Arena* try_local() noexcept {
    if (last.identity == identity_) [[likely]]
      return last.arena;
    return try_find_local();
  }
  template <ArenaStorable T, typename... Arguments>
  [[nodiscard]] T* make(Arguments&&... arguments) {
    return local().template make<T>(std::forward<Arguments>(arguments)...);
  }
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = arena_detail::block_granule) {
    return local().allocate(bytes, alignment);
  }
  template <ArenaStorable T, typename... Arguments>
  [[nodiscard]] T* try_make(Arguments&&... arguments) {
    Arena* arena = try_local();
    return arena == nullptr ? nullptr : arena->template try_make<T>(std::forward<Arguments>(arguments)...);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment = arena_detail::block_granule) noexcept {
    Arena* arena = try_local();
    return arena == nullptr ? nullptr : arena->try_allocate(bytes, alignment);
  }

  /// Every part's reset.
  void reset() noexcept;
  /// How many threads have a part.
  [[nodiscard]] std::size_t parts() const noexcept;

 private:
  struct Part;
  /// The shared arena that this thread used last. An identity is never given twice, so one that has ended is never found.
  struct Last {
    std::uint64_t identity;
    Arena* arena;
  };
  static inline thread_local constinit Last last = {0, nullptr};

  [[nodiscard]] Arena* try_find_local() noexcept;

  std::uint64_t identity_;
  ArenaOptions options_;
  mutable std::mutex lock_;
  Part* parts_ = nullptr;  // GUARDED_BY(lock_)
};

}  // namespace bursar
