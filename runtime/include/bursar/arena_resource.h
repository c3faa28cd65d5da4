// An arena for containers: as std::pmr resource, and as an allocator of its own.
#pragma once

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <type_traits>

#include "bursar/arena.h"

namespace bursar {

/// An arena behind std::pmr's interface: deallocate does nothing. It must not outlive the arena. Errors, threads: as Arena.
/// Cost: the arena's and a virtual call.
class ArenaResource final : public std::pmr::memory_resource {
 public:
  explicit ArenaResource(Arena& arena) noexcept : arena_(&arena) {}

  [[nodiscard]] Arena& arena() const noexcept { return *arena_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override { return arena_->allocate(bytes, alignment); }
  void do_deallocate(void* /*block*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    // Compared by address first, so that programs without RTTI can have it: two resources of one arena are equal only where they are one.
    return this == &other;
  }

  Arena* arena_;
};

/// An arena as an allocator: the containers that have it inline the arena's fast path. It goes with its container in every copy, move and
/// swap. Errors, threads: as Arena; the containers' destructors still run the elements' own, but give nothing back.
template <typename T>
class ArenaAllocator {
 public:
  using value_type = T;
  using propagate_on_container_copy_assignment = std::true_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  explicit ArenaAllocator(Arena& arena) noexcept : arena_(&arena) {}
  template <typename Other>
  ArenaAllocator(const ArenaAllocator<Other>& other) noexcept
      : arena_(&other.arena()) {}  // NOLINT: a container converts it

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw_bad_array_length();
    return static_cast<T*>(arena_->allocate(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* /*first*/, std::size_t /*count*/) noexcept {}

  [[nodiscard]] Arena& arena() const noexcept { return *arena_; }

  template <typename Other>
  friend bool operator==(const ArenaAllocator& left, const ArenaAllocator<Other>& right) noexcept {
    return &left.arena() == &right.arena();
  }

 private:
  Arena* arena_;
};

}  // namespace bursar
