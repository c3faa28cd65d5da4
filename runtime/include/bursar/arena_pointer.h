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

/// The epoch that the arena's checked pointers compare with; given to the arena with the first of them.
[[nodiscard]] BURSAR_RUNTIME_EXPORT const ArenaEpoch* epoch_of(Arena& arena);
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
  friend auto make_pointer(Arena& arena, Arguments&&... arguments);

  T* object_ = nullptr;
  const arena_detail::Serial* serial_ = nullptr;
  const ArenaEpoch* epoch_ = nullptr;
  std::uint64_t number_ = 0;
  std::uint64_t resets_ = 0;
};

/// Makes a T in the arena, and a pointer to it that is checked or not. Errors: as Arena::make.
template <typename T, PointerChecks checks = hardened_build ? PointerChecks::yes : PointerChecks::no,
          typename... Arguments>
[[nodiscard]] auto make_pointer(Arena& arena, Arguments&&... arguments) {
  if constexpr (checks == PointerChecks::no) {
    return ArenaPointer<T, PointerChecks::no>(arena.make<T>(std::forward<Arguments>(arguments)...));
  } else {
    struct Checked : arena_detail::Serial {
      explicit Checked(Arguments&&... forwarded) : object(std::forward<Arguments>(forwarded)...) {}
      T object;
    };
    static_assert(sizeof(Checked) <= 1024,
                  "larger objects may have a chunk of their own, which rewinding gives back to the heap");
    ArenaPointer<T, PointerChecks::yes> pointer;
    pointer.epoch_ = arena_detail::epoch_of(arena);
    auto* checked = arena.make<Checked>(std::forward<Arguments>(arguments)...);
    pointer.resets_ = pointer.epoch_->resets;
    pointer.number_ = checked->number = arena_detail::new_serial();
    pointer.serial_ = checked;
    pointer.object_ = &checked->object;
    return pointer;
  }
}

}  // namespace bursar
