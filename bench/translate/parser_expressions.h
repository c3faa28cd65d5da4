// Expressions with operators: the part of the parser that deals with precedence. Included by parser.h alone.
#pragma once

namespace bursar::translate {

/// One expression, or a tuple without parentheses.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_star_expressions() -> ExpressionPointer {
  ExpressionPointer first = parse_star_or_named();
  if (op_ != Operator::comma) return first;
  auto tuple = make<typename S::Sequence>();
  adopt(*tuple, tuple->elements, std::move(first));
  while (accept(Operator::comma) && begins_expression()) adopt(*tuple, tuple->elements, parse_star_or_named());
  return tuple;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_star_or_named() -> ExpressionPointer {
  if (op_ == Operator::star) return parse_prefixed(Prefix::star, Level::bit_or);
  return parse_named_expression();
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_yield_or_star_expressions() -> ExpressionPointer {
  return keyword_ == keyword("yield") ? parse_yield() : parse_star_expressions();
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_prefixed(Prefix prefix, Level level) -> ExpressionPointer {
  auto prefixed = make<typename S::Prefixed>();
  advance();
  prefixed->prefix = prefix;
  adopt(*prefixed, prefixed->value, parse_operation(level));
  return prefixed;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_yield() -> ExpressionPointer {
  auto prefixed = make<typename S::Prefixed>();
  advance();
  if (accept(keyword("from"))) {
    prefixed->prefix = Prefix::yield_from;
    adopt(*prefixed, prefixed->value, parse_expression());
  } else {
    prefixed->prefix = Prefix::yield;
    if (begins_expression()) adopt(*prefixed, prefixed->value, parse_star_expressions());
  }
  return prefixed;
}

/// An expression, and the name it is given on the way: by := everywhere, by `as` in patterns.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_named_expression() -> ExpressionPointer {
  ExpressionPointer value = parse_expression();
  const bool is_walrus = op_ == Operator::walrus;
  if (!is_walrus && !(is_pattern_ && keyword_ == keyword("as"))) return value;
  auto walrus = make<typename S::Walrus>();
  advance();
  ExpressionPointer other = parse_expression();
  const Expression& target = is_walrus ? *value : *other;
  if (target.kind != ExpressionKind::name) fail();
  if (!is_walrus) std::swap(value, other);
  adopt(*walrus, walrus->target, std::move(value));
  adopt(*walrus, walrus->value, std::move(other));
  return walrus;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_expression() -> ExpressionPointer {
  const Nesting nesting(*this);
  if (keyword_ == keyword("lambda")) return parse_lambda();
  ExpressionPointer value = parse_operation(Level::disjunction);
  if (keyword_ == keyword("if") && !is_pattern_) return parse_conditional(std::move(value));
  return value;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_conditional(ExpressionPointer value) -> ExpressionPointer {
  auto conditional = make<typename S::Conditional>();
  advance();
  adopt(*conditional, conditional->value, std::move(value));
  adopt(*conditional, conditional->condition, parse_operation(Level::disjunction));
  // In a comprehension's conditions an `if` begins the next one: there this is not called.
  expect(keyword("else"));
  adopt(*conditional, conditional->otherwise, parse_expression());
  return conditional;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_lambda() -> ExpressionPointer {
  auto lambda = make<typename S::Lambda>();
  advance();
  lambda->parameters = parse_parameters(Operator::colon, Annotations::none);
  for (const auto& parameter : lambda->parameters) rise(*lambda, parameter.default_value);
  expect(Operator::colon);
  adopt(*lambda, lambda->body, parse_expression());
  return lambda;
}

/// Operands and the operators between them that bind at least so tightly.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_operation(Level lowest) -> ExpressionPointer {
  ExpressionPointer left = parse_unary();
  while (true) {
    const BinaryOperator op = infix_operator();
    const Level level = level_of(op);
    if (level == Level::none || level < lowest) return left;
    if (level <= Level::conjunction) {
      left = parse_logical(std::move(left), op, level);
    } else if (level == Level::comparison) {
      left = parse_comparison(std::move(left));
    } else {
      advance();
      ExpressionPointer right = parse_operation(above(level));
      left = make_binary(op, std::move(left), std::move(right));
    }
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::make_binary(BinaryOperator op, ExpressionPointer left, ExpressionPointer right)
    -> ExpressionPointer {
  auto binary = make<typename S::Binary>();
  binary->op = op;
  adopt(*binary, binary->left, std::move(left));
  adopt(*binary, binary->right, std::move(right));
  return binary;
}

/// What stands between two operands here, if anything does.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::infix_operator() const -> BinaryOperator {
  if (kind_ == TokenKind::op)
    return infix_levels.of[static_cast<std::size_t>(op_)] == Level::none ? BinaryOperator::none : operation_of(op_);
  if (!is_python_keyword(keyword_)) return BinaryOperator::none;
  switch (keyword_) {
    case keyword("or"): return BinaryOperator::logical_or;
    case keyword("and"): return BinaryOperator::logical_and;
    case keyword("in"): return BinaryOperator::is_in;
    case keyword("is"):
      return keyword_behind() == keyword("not") ? BinaryOperator::is_not_same : BinaryOperator::is_same;
    case keyword("not"): return keyword_behind() == keyword("in") ? BinaryOperator::is_not_in : BinaryOperator::none;
    default: return BinaryOperator::none;
  }
}

template <typename Memory, typename Scan>
void Parser<Memory, Scan>::skip_infix(BinaryOperator op) {
  advance();
  if (op == BinaryOperator::is_not_same || op == BinaryOperator::is_not_in) advance();
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_logical(ExpressionPointer first, BinaryOperator op, Level level) -> ExpressionPointer {
  auto logical = make<typename S::Logical>();
  logical->op = op;
  adopt(*logical, logical->operands, std::move(first));
  while (infix_operator() == op) {
    advance();
    adopt(*logical, logical->operands, parse_operation(above(level)));
  }
  return logical;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_comparison(ExpressionPointer first) -> ExpressionPointer {
  const BinaryOperator op = infix_operator();
  skip_infix(op);
  ExpressionPointer second = parse_operation(above(Level::comparison));
  if (level_of(infix_operator()) != Level::comparison) return make_binary(op, std::move(first), std::move(second));
  auto chain = make<typename S::ComparisonChain>();
  adopt(*chain, chain->first, std::move(first));
  rise(*chain, second);
  file_.append(chain->others, typename S::Comparand{op, std::move(second)});
  while (true) {
    const BinaryOperator next = infix_operator();
    if (level_of(next) != Level::comparison) return chain;
    skip_infix(next);
    ExpressionPointer operand = parse_operation(above(Level::comparison));
    rise(*chain, operand);
    file_.append(chain->others, typename S::Comparand{next, std::move(operand)});
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_unary() -> ExpressionPointer {
  switch (op_) {
    case Operator::plus: return parse_sign(UnaryOperator::plus);
    case Operator::minus: return parse_sign(UnaryOperator::minus);
    case Operator::tilde: return parse_sign(UnaryOperator::invert);
    default: break;
  }
  if (keyword_ == keyword("not")) return parse_sign(UnaryOperator::logical_not);
  return parse_power();
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_sign(UnaryOperator op) -> ExpressionPointer {
  const Nesting nesting(*this);
  auto unary = make<typename S::Unary>();
  advance();
  unary->op = op;
  adopt(*unary, unary->operand, op == UnaryOperator::logical_not ? parse_operation(Level::inversion) : parse_unary());
  return unary;
}

/// The power binds to the right, and more tightly than a sign before it, less so than one behind.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_power() -> ExpressionPointer {
  ExpressionPointer base{};
  if (keyword_ == keyword("await")) {
    auto awaited = make<typename S::Prefixed>();
    awaited->prefix = Prefix::await;
    advance();
    adopt(*awaited, awaited->value, parse_primary());
    base = std::move(awaited);
  } else {
    base = parse_primary();
  }
  if (op_ != Operator::double_star) return base;
  const Nesting nesting(*this);
  advance();
  ExpressionPointer exponent = parse_unary();
  return make_binary(BinaryOperator::power, std::move(base), std::move(exponent));
}

}  // namespace bursar::translate
