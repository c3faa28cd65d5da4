// What a batch's template computes from its member pointers. For batch.h alone.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

namespace bursar::batch_detail {

template <typename>
struct MemberPointer;
template <typename Class, typename Field>
struct MemberPointer<Field Class::*> {
  using Record = Class;
  using Element = Field;
};

template <auto member>
using RecordOf = typename MemberPointer<std::remove_const_t<decltype(member)>>::Record;
template <auto member>
using ElementOf = typename MemberPointer<std::remove_const_t<decltype(member)>>::Element;

/// Member pointers of different types cannot be compared; they are different.
template <auto left, auto right>
constexpr bool is_same_member() noexcept {
  if constexpr (std::is_same_v<decltype(left), decltype(right)>) {
    return left == right;
  } else {
    return false;
  }
}

/// The place of a member in the list; the length of the list for one that is not in it.
template <auto wanted, auto... members>
constexpr std::size_t index_of() noexcept {
  std::size_t index = 0;
  static_cast<void>(((is_same_member<wanted, members>() ? true : (++index, false)) || ...));
  return index;
}

template <auto first, auto... others>
struct First {
  static constexpr auto member = first;
};

/// Whether each of the first types can be made from the one at its place in the second list. (clang 14 takes no two packs in a constraint.)
template <typename Elements, typename Values>
struct AreConstructible : std::false_type {};
template <typename... Elements, typename... Values>
requires(sizeof...(Elements) ==
         sizeof...(Values)) struct AreConstructible<std::tuple<Elements...>, std::tuple<Values...>> {
  static constexpr bool value = (std::is_constructible_v<Elements, Values> && ...);
};

/// How a value goes out of the fast path: small trivial ones as such, since a reference would keep them in memory on the fast path too.
template <typename Value, typename Plain = std::remove_cvref_t<Value>>
using Passed = std::conditional_t<std::is_trivially_copyable_v<Plain> && !std::is_array_v<Plain> &&
                                      sizeof(Plain) <= 2 * sizeof(void*),
                                  Plain, Value&&>;

/// What a batch can hold: a column is moved element by element when it grows, and nothing may go wrong then.
template <typename T>
concept ColumnElement = std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> &&
                        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>;

}  // namespace bursar::batch_detail
