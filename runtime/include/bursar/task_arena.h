// A task with an arena of its own, and the way out of it for what is to outlive it.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bursar/arena.h"
#include "bursar/interner.h"
#include "bursar/task.h"

namespace bursar {

/// A Task that owns an Arena, and, where it asks for one, an Interner: the account counts the arena's memory as the task's, and all of it goes
/// with the task.
///
///     TaskArena task("translate", {}, {.base = &names_of_all});
///     task.task().set_budget(64 * MiB);
///     Tree* tree = parse(text, task.arena(), task.interner());
///     return promote(summary_of(tree), parent_arena);
///
/// The interner is made when it is first asked for: an overlay of InternerOptions::base where that is set. Its pages are the system's, not malloc's,
/// so they are no part of the task's bytes.
/// Threads: as Task and Arena; the interner's first call as well. Errors: as Arena and Interner; none from the task. A moved-from one has no
/// task, an empty arena, and no interner yet.
class [[nodiscard]] TaskArena {
 public:
  explicit TaskArena(const char* kind, const ArenaOptions& options = {},
                     const InternerOptions& interner_options = {}) noexcept
      : task_(kind), arena_(options), interner_options_(interner_options) {}
  TaskArena(TaskArena&& other) noexcept
      : task_(std::move(other.task_)),
        arena_(std::move(other.arena_)),
        interner_options_(other.interner_options_),
        interner_(std::exchange(other.interner_, std::nullopt)) {}
  // By hand: the arena's memory is given back while its task is still there to be credited with that.
  TaskArena& operator=(TaskArena&& other) noexcept {
    if (this != &other) {
      interner_ = std::exchange(other.interner_, std::nullopt);
      interner_options_ = other.interner_options_;
      arena_ = std::move(other.arena_);
      task_ = std::move(other.task_);
    }
    return *this;
  }

  [[nodiscard]] Task& task() noexcept { return task_; }
  [[nodiscard]] Arena& arena() noexcept { return arena_; }
  /// The task's own symbols. The first call throws std::bad_alloc without memory; some microseconds.
  [[nodiscard]] Interner& interner() {
    Interner* interner = try_interner();
    if (interner == nullptr) [[unlikely]]
      throw_bad_alloc();
    return *interner;
  }
  /// The same; null without memory.
  [[nodiscard]] Interner* try_interner() noexcept {
    if (!interner_.has_value()) [[unlikely]]
      interner_ = Interner::try_make(interner_options_);
    return interner_.has_value() ? &*interner_ : nullptr;
  }

 private:
  // In this order: the arena ends before its task.
  Task task_;
  Arena arena_;
  InternerOptions interner_options_;
  std::optional<Interner> interner_;
};

/// How a type is brought to another arena: a specialization has
///
///     static T promote(T&& value, Arena& to);
///
/// which gives a value that refers to nothing of the arena it came from. Types that own their memory, or have none, need no specialization; text
/// and spans are copied; a type with pointers, string_views or spans as members needs one.
template <typename T>
struct Promotion;

template <typename T>
concept HasPromotion = requires(T&& value, Arena& to) {
  { Promotion<T>::promote(std::move(value), to) } -> std::same_as<T>;
};

/// Types that refer to nothing outside themselves, as far as the language tells: arithmetic types and enumerations.
template <typename T>
concept RefersToNothing = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <RefersToNothing T>
struct Promotion<T> {
  static T promote(T&& value, Arena& /*to*/) noexcept { return value; }
};

template <>
struct Promotion<std::string_view> {
  static std::string_view promote(std::string_view&& text, Arena& to) { return to.copy(text); }
};

/// Element by element, so that what the elements refer to comes along.
template <typename T>
requires HasPromotion<std::remove_const_t<T>>
struct Promotion<std::span<T>> {
  static std::span<T> promote(std::span<T>&& elements, Arena& to) {
    using Element = std::remove_const_t<T>;
    auto promoted = to.collect<std::span<T>&, Element>(elements);
    for (Element& element : promoted) element = Promotion<Element>::promote(std::move(element), to);
    return promoted;
  }
};

/// Brings a value out of a scope or a task that ends, into an arena that does not: what it refers to is copied there.
template <HasPromotion T>
[[nodiscard]] T promote(T value, Arena& to) {
  return Promotion<T>::promote(std::move(value), to);
}

/// The symbol that the text of one interner has in another, which lives longer: keywords, and symbols of a base that both have, are the same. Throws
/// InternError.
[[nodiscard]] inline Symbol promote(Symbol symbol, const Interner& from, Interner& to) {
  return to.intern(from.view(symbol));
}

/// The same for an object of the arena that ends: a copy of it is made in the other one.
template <HasPromotion T>
requires ArenaStorable<T>
[[nodiscard]] T* promote_object(T* object, Arena& to) {
  return object == nullptr ? nullptr : to.make<T>(Promotion<T>::promote(T(std::move(*object)), to));
}

}  // namespace bursar
