// The part of an object pool that knows nothing of its objects: slots, slabs, the list of what is free. For object_pool.h alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "bursar/export.h"
#include "bursar/memory.h"
#include "bursar/thread_token.h"

namespace bursar {

struct ObjectPoolOptions {
  /// More cannot be in use at a time.
  std::size_t objects_max = std::numeric_limits<std::size_t>::max();
};

/// The pool's figures. The thread that owns the pool reads them exactly.
struct ObjectPoolStats {
  std::uint64_t hits = 0;    ///< acquired without calling the heap
  std::uint64_t misses = 0;  ///< acquired with a call of the heap
  std::size_t in_use = 0;    ///< now; what other threads released counts once the owner has looked
  std::size_t idle = 0;      ///< slots that wait, those never used included
  std::size_t held_bytes = 0;
};

namespace pool_detail {

class Core;

/// A slot nobody has.
struct FreeSlot {
  FreeSlot* next;
};

/// The shape of the slots, from the object's type.
struct Shape {
  std::size_t slot_bytes;
  std::size_t slab_bytes;  // a power of two, and every slab's alignment: a slot's address leads to its slab
};

/// 32 KiB: aligning them so costs malloc no mapping of its own, and the heads are a percent of them.
inline constexpr std::size_t slab_bytes_min = std::size_t{32} * 1024;
inline constexpr std::size_t slots_min = 8;

/// Every slab begins with places for its head, of which it takes the one that its address names: heads at one place in every slab would
/// fight for the same few lines of the cache.
inline constexpr std::size_t head_places = 8;
inline constexpr std::size_t heads_bytes = head_places * memory_alignment;

template <typename T>
constexpr Shape shape_of() noexcept {
  constexpr std::size_t alignment = std::max(alignof(T), alignof(FreeSlot));
  constexpr std::size_t slot_bytes = (std::max(sizeof(T), sizeof(FreeSlot)) + alignment - 1) / alignment * alignment;
  constexpr std::size_t slab_bytes =
      std::max(slab_bytes_min, std::bit_ceil(slot_bytes * slots_min + std::max(heads_bytes, alignment)));
  static_assert(alignof(T) <= slab_bytes / 2);
  return {slot_bytes, slab_bytes};
}

/// A slab's head.
struct alignas(memory_alignment) Slab {
  Core* core = nullptr;
  Slab* next = nullptr;
  std::size_t slots = 0;
  std::size_t idle_slots = 0;  // counted by trim()
};

[[nodiscard]] inline Slab* slab_of(void* slot, std::size_t slab_bytes) noexcept {
  const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(slot) & ~(slab_bytes - 1);
  const std::uintptr_t place = base / slab_bytes % head_places;
  return reinterpret_cast<Slab*>(base + place * memory_alignment);
}

/// Invariants:
///   I1  owner is the token of the thread that acquires, or no_thread: nobody yet, or the program is watched; then every release takes the slow path
///   I2  free_slots, and what lies between carve_next and carve_end, are idle; only the owner touches them
///   I3  remote holds slots that other threads released; anyone pushes, only the owner takes, and then all at once
///   I4  acquired() - released is the number of slots that are neither in I2 nor in I3; those in I3 are not yet in `released`
///   I5  a slab's slots are all of one core; slots of all slabs together are at most objects_max
class BURSAR_RUNTIME_EXPORT Core {
 public:
  constexpr Core(Shape shape, ObjectPoolOptions options) noexcept : shape_(shape), options_(options) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core();

  /// A slot. Null where the pool is at its bound, and, without memory, where that is asked for.
  template <OnNoMemory on_no_memory>
  [[nodiscard]] void* acquire() noexcept(on_no_memory == OnNoMemory::give_null) {
    // An empty list stands for "none left", "the program is watched" and "another thread's pool" alike; the last is looked at here, since
    // a list that two threads pop is lost.
    if (FreeSlot* slot = free_slots_; slot != nullptr && owner_ == thread_detail::token) [[likely]] {
      free_slots_ = slot->next;
      if (--until_told_ == 0) [[unlikely]]
        return tell_with(slot);
      return slot;
    }
    return acquire_slow(on_no_memory);
  }

  void release(void* slot) noexcept {
    if (owner_.load_relaxed() != thread_detail::token) [[unlikely]]
      return release_slow(slot);
    free_slots_ = ::new (slot) FreeSlot{free_slots_};
    ++released_;
  }

  /// Gives slabs back of which no slot is in use.
  void trim() noexcept;
  void adopt() noexcept;
  [[nodiscard]] ObjectPoolStats stats() noexcept;
  void validate() noexcept;

 private:
  /// Not 0, which is what threads have that never asked for their token.
  static constexpr std::uint64_t no_thread = std::numeric_limits<std::uint64_t>::max();
  /// After so many acquires the process's figures hear of them: two atomic additions, less than 0.02 ns each time.
  static constexpr std::uint64_t acquires_at_once = 1024;

  /// The owner changes only where the pool changes hands; other threads' releases may read it at any time.
  struct Owner {
    std::atomic<std::uint64_t> token{no_thread};
    [[nodiscard]] std::uint64_t load_relaxed() const noexcept { return token.load(std::memory_order_relaxed); }
    bool operator==(std::uint64_t other) const noexcept { return load_relaxed() == other; }
  };

  [[nodiscard]] void* acquire_slow(OnNoMemory on_no_memory);
  void release_slow(void* slot) noexcept;
  void release_watched(void* slot) noexcept;
  [[nodiscard]] std::uint64_t acquired() const noexcept { return told_at_ - until_told_; }
  /// Tells the process's figures. Returns the slot, so that the fast path ends in a jump.
  void* tell_with(void* slot) noexcept;
  void tell_figures() noexcept;
  [[nodiscard]] FreeSlot* pop_idle() noexcept;
  [[nodiscard]] bool add_slab(OnNoMemory on_no_memory);
  void collect_remote() noexcept;
  void give_back(Slab* slab) noexcept;
  void check_owner() noexcept;

  // What the owner writes.
  FreeSlot* free_slots_ = nullptr;
  std::uint64_t until_told_ = acquires_at_once;  // counts down, so that one test sees that it is time
  std::uint64_t released_ = 0;
  std::byte* carve_next_ = nullptr;
  std::byte* carve_end_ = nullptr;
  Slab* slabs_ = nullptr;
  FreeSlot* watched_slots_ = nullptr;  // in watched programs instead of free_slots_
  std::size_t slots_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t told_at_ = acquires_at_once;  // of acquired(): when the figures are told next
  std::uint64_t told_hits_ = 0;
  std::uint64_t told_misses_ = 0;
  std::uint64_t real_owner_ = 0;
  Shape shape_;
  ObjectPoolOptions options_;
  // What everybody reads, and what others write: lines of their own.
  alignas(2 * memory_alignment) Owner owner_;
  alignas(2 * memory_alignment) std::atomic<FreeSlot*> remote_{nullptr};
};

}  // namespace pool_detail
}  // namespace bursar
