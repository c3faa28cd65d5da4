// Pointers into an arena that notice when it has taken their object back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "bursar/arena.h"
#include "bursar/check.h"

namespace bursar {

enum class PointerChecks : bool { no, yes };

/// A pointer to an object of an arena.
///
/// With checks, each access first makes sure that the object still lives: after a reset, after rewinding past it, and after the
/// arena's end, the program ends with one line, without any sanitizer. That takes 16 bytes more in the pointer and before the object, and two
/// comparisons an access. Without checks it is a plain pointer. Builds with BURSAR_HARDENED defined have checks where nothing else is
/// said (hardened_build in check.h); the two kinds are types of their own, so parts of a program may differ in it.
/// Threads: as the object's and the arena's.
template <typename T, PointerChecks checks = hardened_build ? PointerChecks::yes : PointerChecks::no>
class ArenaPointer;

template <typename T>
class ArenaPointer<T, PointerChecks::no> {
 public:
  ArenaPointer() noexcept = default;
  explicit ArenaPointer(T* object) noexcept : object_(object) {}

  [[nodiscard]] T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }
  [[nodiscard]] T* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(ArenaPointer left, ArenaPointer right) noexcept = default;

 private:
  T* object_ = nullptr;
};

namespace arena_detail {

/// Stands before an object with checked pointers. No two have the same serial number; rewinding wipes it.
struct Serial {
  std::uint64_t number = 0;
};

/// The epoch that the arena's checked pointers compare with; given to the arena with the first of them. Null without memory.
[[nodiscard]] BURSAR_RUNTIME_EXPORT const ArenaEpoch* try_epoch_of(Arena& arena) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::uint64_t new_serial() noexcept;
[[noreturn]] BURSAR_RUNTIME_EXPORT void report_use_after_reset() noexcept;

}  // namespace arena_detail

/// Counts what ends the life of all of an arena's objects. It outlives the arena: epochs are never given back to the heap, but used again
/// by later arenas, whose count goes on.
struct ArenaEpoch {
  std::uint64_t resets = 0;
  ArenaEpoch* next = nullptr;
};

template <typename T>
class ArenaPointer<T, PointerChecks::yes> {
 public:
  ArenaPointer() noexcept = default;

  [[nodiscard]] T& operator*() const noexcept { return *get(); }
  [[nodiscard]] T* operator->() const noexcept { return get(); }
  /// The object, which lives; or null for an empty pointer.
  [[nodiscard]] T* get() const noexcept {
    if (!is_valid()) [[unlikely]]
      arena_detail::report_use_after_reset();
    return object_;
  }
  /// Whether the object still lives (or the pointer is empty): what get() makes sure of.
  /// (AddressSanitizer is not to end the program for the look at a serial that rewinding hid.)
  [[nodiscard, gnu::no_sanitize_address]] bool is_valid() const noexcept {
    // In this order: where the epoch has passed, the serial's place may be another's.
    return object_ == nullptr || (epoch_->resets == resets_ && serial_->number == number_);
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const ArenaPointer& left, const ArenaPointer& right) noexcept {
    return left.object_ == right.object_;
  }

 private:
  template <typename Object, PointerChecks, typename... Arguments>
  friend auto try_make_pointer(Arena& arena, Arguments&&... arguments);

  T* object_ = nullptr;
  const arena_detail::Serial* serial_ = nullptr;
  const ArenaEpoch* epoch_ = nullptr;
  std::uint64_t number_ = 0;
  std::uint64_t resets_ = 0;
};

/// Makes a T in the arena, and a pointer to it that is checked or not. Empty without memory. What the constructor throws is thrown.
template <typename T, PointerChecks checks = hardened_build ? PointerChecks::yes : PointerChecks::no,
          typename... Arguments>
[[nodiscard]] auto try_make_pointer(Arena& arena, Arguments&&... arguments) {
  if constexpr (checks == PointerChecks::no) {
    return ArenaPointer<T, PointerChecks::no>(arena.try_make<T>(std::forward<Arguments>(arguments)...));
  } else {
    struct Checked : arena_detail::Serial {
      explicit Checked(Arguments&&... forwarded) : object(std::forward<Arguments>(forwarded)...) {}
      T object;
    };
    static_assert(sizeof(Checked) <= 1024,
                  "larger objects may have a chunk of their own, which rewinding gives back to the heap");
    ArenaPointer<T, PointerChecks::yes> pointer;
    const ArenaEpoch* epoch = arena_detail::try_epoch_of(arena);
    if (epoch == nullptr) return pointer;
    auto* checked = arena.try_make<Checked>(std::forward<Arguments>(arguments)...);
    if (checked == nullptr) return pointer;
    pointer.epoch_ = epoch;
    pointer.resets_ = pointer.epoch_->resets;
    pointer.number_ = checked->number = arena_detail::new_serial();
    pointer.serial_ = checked;
    pointer.object_ = &checked->object;
    return pointer;
  }
}

/// The same; throws as Arena::make, or std::bad_alloc.
template <typename T, PointerChecks checks = hardened_build ? PointerChecks::yes : PointerChecks::no,
          typename... Arguments>
[[nodiscard]] auto make_pointer(Arena& arena, Arguments&&... arguments) {
  if constexpr (checks == PointerChecks::no) {
    return ArenaPointer<T, PointerChecks::no>(arena.make<T>(std::forward<Arguments>(arguments)...));
  } else {
    auto pointer = try_make_pointer<T, checks>(arena, std::forward<Arguments>(arguments)...);
    if (!pointer) [[unlikely]]
      throw_bad_alloc();
    return pointer;
  }
}

}  // namespace bursar
