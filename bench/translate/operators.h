// The operators of the syntax tree, how tightly they bind, and how C++ would write them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/translate/tokens.h"

namespace bursar::translate {

enum class BinaryOperator : std::uint8_t {
  none,
  logical_or,
  logical_and,
  is_in,
  is_not_in,
  is_same,
  is_not_same,
  less,
  greater,
  less_equal,
  greater_equal,
  equal,
  not_equal,
  bit_or,
  bit_xor,
  bit_and,
  shift_left,
  shift_right,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  remainder,
  matrix_multiply,
  power,
};

enum class UnaryOperator : std::uint8_t { logical_not, plus, minus, invert };

/// How tightly an operator binds; 0 where there is none.
enum class Level : std::uint8_t {
  none,
  disjunction,
  conjunction,
  inversion,
  comparison,
  bit_or,
  bit_xor,
  bit_and,
  shift,
  sum,
  product
};

[[nodiscard]] constexpr Level above(Level level) { return static_cast<Level>(static_cast<std::uint8_t>(level) + 1); }

[[nodiscard]] constexpr Level level_of(BinaryOperator op) {
  using enum BinaryOperator;
  switch (op) {
    case none: return Level::none;
    case logical_or: return Level::disjunction;
    case logical_and: return Level::conjunction;
    case is_in:
    case is_not_in:
    case is_same:
    case is_not_same:
    case less:
    case greater:
    case less_equal:
    case greater_equal:
    case equal:
    case not_equal: return Level::comparison;
    case bit_or: return Level::bit_or;
    case bit_xor: return Level::bit_xor;
    case bit_and: return Level::bit_and;
    case shift_left:
    case shift_right: return Level::shift;
    case add:
    case subtract: return Level::sum;
    case multiply:
    case divide:
    case floor_divide:
    case remainder:
    case matrix_multiply: return Level::product;
    case power: return Level::none;  // read apart: it binds to the right, and more tightly than a sign before it
  }
  return Level::none;
}

/// What an operator of the tokens stands for between two operands.
struct BinaryOperators {
  std::array<BinaryOperator, static_cast<std::size_t>(Operator::not_equal) + 1> of{};
  consteval BinaryOperators() {
    using enum BinaryOperator;
    constexpr BinaryOperator arithmetic[] = {add,       subtract,        multiply,   divide,  floor_divide,
                                             remainder, matrix_multiply, power,      bit_and, bit_or,
                                             bit_xor,   shift_left,      shift_right};
    constexpr auto first = static_cast<std::size_t>(Operator::plus);
    constexpr auto first_assign = static_cast<std::size_t>(Operator::plus_assign);
    static_assert(first_assign - first == std::size(arithmetic));
    for (std::size_t index = 0; index < std::size(arithmetic); ++index) {
      of[first + index] = arithmetic[index];
      of[first_assign + index] = arithmetic[index];
    }
    constexpr BinaryOperator comparisons[] = {less, greater, less_equal, greater_equal, equal, not_equal};
    for (std::size_t index = 0; index < std::size(comparisons); ++index)
      of[static_cast<std::size_t>(Operator::less) + index] = comparisons[index];
  }
};
inline constexpr BinaryOperators binary_operators;

/// The operation of an operator of the tokens, an augmented assignment's among them.
[[nodiscard]] constexpr BinaryOperator operation_of(Operator op) {
  return binary_operators.of[static_cast<std::size_t>(op)];
}
[[nodiscard]] constexpr bool is_augmented(Operator op) {
  return op >= Operator::plus_assign && op <= Operator::shift_right_assign;
}

/// The level of an operator of the tokens between two operands.
struct InfixLevels {
  std::array<Level, static_cast<std::size_t>(Operator::not_equal) + 1> of{};
  consteval InfixLevels() {
    for (std::size_t op = 0; op < of.size(); ++op)
      of[op] = is_augmented(static_cast<Operator>(op)) ? Level::none : level_of(binary_operators.of[op]);
  }
};
inline constexpr InfixLevels infix_levels;

/// How C++ writes it: between the operands, or as a function of both.
struct Spelling {
  std::string_view text;
  bool is_function = false;
};

[[nodiscard]] constexpr Spelling spelling_of(BinaryOperator op) {
  using enum BinaryOperator;
  switch (op) {
    case none: return {""};
    case logical_or: return {" || "};
    case logical_and: return {" && "};
    case is_in: return {"py::contains", true};
    case is_not_in: return {"!py::contains", true};
    case is_same: return {"py::is", true};
    case is_not_same: return {"!py::is", true};
    case less: return {" < "};
    case greater: return {" > "};
    case less_equal: return {" <= "};
    case greater_equal: return {" >= "};
    case equal: return {" == "};
    case not_equal: return {" != "};
    case bit_or: return {" | "};
    case bit_xor: return {" ^ "};
    case bit_and: return {" & "};
    case shift_left: return {" << "};
    case shift_right: return {" >> "};
    case add: return {" + "};
    case subtract: return {" - "};
    case multiply: return {" * "};
    case divide: return {" / "};
    case floor_divide: return {"py::floor_divide", true};
    case remainder: return {" % "};
    case matrix_multiply: return {"py::matrix_multiply", true};
    case power: return {"py::power", true};
  }
  return {""};
}

}  // namespace bursar::translate
