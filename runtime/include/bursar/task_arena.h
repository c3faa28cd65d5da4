// A task with an arena of its own, and the way out of it for what is to outlive it.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bursar/arena.h"
#include "bursar/task.h"

namespace bursar {

/// A Task that owns an Arena: the account counts the arena's memory as the task's, and all of it goes with the task.
///
///     TaskArena task("translate");
///     Tree* tree = parse(text, task.arena());
///     return promote(summary_of(tree), parent_arena);
///
/// Threads: as Task and Arena. Errors: as Arena; none from the task.
class [[nodiscard]] TaskArena {
 public:
  explicit TaskArena(const char* kind, const ArenaOptions& options = {}) noexcept : task_(kind), arena_(options) {}
  TaskArena(TaskArena&& other) noexcept = default;
  // By hand: the arena's memory is given back while its task is still there to be credited with that.
  TaskArena& operator=(TaskArena&& other) noexcept {
    if (this != &other) {
      arena_ = std::move(other.arena_);
      task_ = std::move(other.task_);
    }
    return *this;
  }

  [[nodiscard]] Task& task() noexcept { return task_; }
  [[nodiscard]] Arena& arena() noexcept { return arena_; }

 private:
  // In this order: the arena ends before its task.
  Task task_;
  Arena arena_;
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

/// The same for an object of the arena that ends: a copy of it is made in the other one.
template <HasPromotion T>
requires ArenaStorable<T>
[[nodiscard]] T* promote_object(T* object, Arena& to) {
  return object == nullptr ? nullptr : to.make<T>(Promotion<T>::promote(T(std::move(*object)), to));
}

}  // namespace bursar
