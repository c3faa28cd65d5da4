// Names, literals, displays, calls: the part of the parser that deals with what operators stand between. Included by parser.h alone.
#pragma once

namespace bursar::translate {

/// An atom with its attributes, calls and subscripts.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_primary() -> ExpressionPointer {
  ExpressionPointer primary = parse_atom();
  while (true) {
    switch (op_) {
      case Operator::dot: {
        auto attribute = make<typename S::Attribute>();
        advance();
        attribute->name = take_name();
        adopt(*attribute, attribute->object, std::move(primary));
        primary = std::move(attribute);
        break;
      }
      case Operator::left_parenthesis: primary = parse_call(std::move(primary)); break;
      case Operator::left_bracket: primary = parse_subscript(std::move(primary)); break;
      default: return primary;
    }
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_call(ExpressionPointer callee) -> ExpressionPointer {
  auto call = make<typename S::Call>();
  adopt(*call, call->callee, std::move(callee));
  advance();
  while (op_ != Operator::right_parenthesis) {
    adopt(*call, call->arguments, parse_argument());
    if (!accept(Operator::comma)) break;
  }
  expect(Operator::right_parenthesis);
  return call;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_argument() -> ExpressionPointer {
  if (op_ == Operator::star) return parse_prefixed(Prefix::star, Level::disjunction);
  if (op_ == Operator::double_star) return parse_prefixed(Prefix::double_star, Level::disjunction);
  if (is_name() && tokens_.op(index_ + 1) == Operator::assign) {
    auto argument = make<typename S::KeywordArgument>();
    argument->name = take_name();
    advance();
    adopt(*argument, argument->value, parse_named_expression());
    return argument;
  }
  ExpressionPointer value = parse_named_expression();
  if (!begins_comprehension()) return value;
  return parse_comprehension(ComprehensionKind::generator, std::move(value), {});
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_subscript(ExpressionPointer object) -> ExpressionPointer {
  auto subscript = make<typename S::Subscript>();
  adopt(*subscript, subscript->object, std::move(object));
  advance();
  ExpressionPointer index = parse_index();
  if (op_ == Operator::comma) {
    auto tuple = make<typename S::Sequence>();
    adopt(*tuple, tuple->elements, std::move(index));
    while (accept(Operator::comma) && op_ != Operator::right_bracket) adopt(*tuple, tuple->elements, parse_index());
    index = std::move(tuple);
  }
  expect(Operator::right_bracket);
  adopt(*subscript, subscript->index, std::move(index));
  return subscript;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_index() -> ExpressionPointer {
  ExpressionPointer lower{};
  if (op_ != Operator::colon) lower = parse_star_or_named();
  if (op_ != Operator::colon) return lower;
  auto slice = make<typename S::Slice>();
  adopt(*slice, slice->lower, std::move(lower));
  const auto is_end = [this] {
    return op_ == Operator::colon || op_ == Operator::comma || op_ == Operator::right_bracket;
  };
  advance();
  if (!is_end()) adopt(*slice, slice->upper, parse_expression());
  if (accept(Operator::colon) && !is_end()) adopt(*slice, slice->step, parse_expression());
  return slice;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_atom() -> ExpressionPointer {
  switch (kind_) {
    case TokenKind::name: return parse_name_or_constant();
    case TokenKind::string: return parse_strings();
    case TokenKind::number: {
      auto number = make<typename S::Number>();
      number->text = file_.text(tokens_.text(index_));
      advance();
      return number;
    }
    case TokenKind::op: break;
    default: fail();
  }
  switch (op_) {
    case Operator::left_parenthesis: return parse_parentheses();
    case Operator::left_bracket: return parse_list();
    case Operator::left_brace: return parse_braces();
    case Operator::ellipsis: return make_constant(Constant::ellipsis);
    default: fail();
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_name_or_constant() -> ExpressionPointer {
  switch (keyword_) {
    case keyword("None"): return make_constant(Constant::none);
    case keyword("True"): return make_constant(Constant::true_value);
    case keyword("False"): return make_constant(Constant::false_value);
    default: break;
  }
  auto name = make<typename S::NameExpression>();
  name->name = take_name();
  return name;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::make_constant(Constant value) -> ExpressionPointer {
  auto constant = make<typename S::ConstantExpression>();
  constant->value = value;
  advance();
  return constant;
}

/// One string, or several that stand side by side.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_strings() -> ExpressionPointer {
  ExpressionPointer first = parse_string();
  if (kind_ != TokenKind::string) return first;
  auto joined = make<typename S::JoinedStrings>();
  adopt(*joined, joined->parts, std::move(first));
  while (kind_ == TokenKind::string) adopt(*joined, joined->parts, parse_string());
  return joined;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_string() -> ExpressionPointer {
  auto string = make<typename S::String>();
  const StringParts parts = parts_of_string(tokens_.text(index_));
  string->flavor = parts.flavor;
  if (parts.is_raw || parts.flavor == StringFlavor::format ||
      Scan::find_within(parts.body, byte_sets::Backslash{}) == parts.body.size()) {
    ++counts_.copies_avoided;
    string->value = file_.literal(parts.body);
  } else {
    ++counts_.copies_made;
    string->value = file_.literal(parts.body, unescape_of<Scan>(parts.flavor));
  }
  advance();
  return string;
}

/// A tuple, a generator, or an expression whose parentheses are forgotten.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_parentheses() -> ExpressionPointer {
  advance();
  auto tuple = ExpressionPointer{};
  if (op_ == Operator::right_parenthesis) {
    tuple = make<typename S::Sequence>();
  } else if (keyword_ == keyword("yield")) {
    tuple = parse_yield();
  } else {
    ExpressionPointer first = parse_star_or_named();
    if (begins_comprehension()) {
      tuple = parse_comprehension(ComprehensionKind::generator, std::move(first), {});
    } else if (op_ == Operator::comma) {
      auto sequence = make<typename S::Sequence>();
      adopt(*sequence, sequence->elements, std::move(first));
      advance();
      parse_elements(*sequence, Operator::right_parenthesis);
      tuple = std::move(sequence);
    } else {
      tuple = std::move(first);
    }
  }
  expect(Operator::right_parenthesis);
  return tuple;
}

template <typename Memory, typename Scan>
void Parser<Memory, Scan>::parse_elements(typename S::Sequence& sequence, Operator end) {
  while (op_ != end) {
    adopt(sequence, sequence.elements, parse_star_or_named());
    if (!accept(Operator::comma)) break;
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_list() -> ExpressionPointer {
  auto list = make<typename S::Sequence>();
  list->which = SequenceKind::list;
  advance();
  if (op_ != Operator::right_bracket) {
    ExpressionPointer first = parse_star_or_named();
    if (begins_comprehension()) {
      ExpressionPointer comprehension = parse_comprehension(ComprehensionKind::list, std::move(first), {});
      expect(Operator::right_bracket);
      return comprehension;
    }
    adopt(*list, list->elements, std::move(first));
    if (accept(Operator::comma)) parse_elements(*list, Operator::right_bracket);
  }
  expect(Operator::right_bracket);
  return list;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_braces() -> ExpressionPointer {
  advance();
  if (op_ == Operator::right_brace || op_ == Operator::double_star) return parse_dictionary({});
  ExpressionPointer first = parse_star_or_named();
  if (op_ == Operator::colon) return parse_dictionary(std::move(first));
  ExpressionPointer result{};
  if (begins_comprehension()) {
    result = parse_comprehension(ComprehensionKind::set, std::move(first), {});
  } else {
    auto set = make<typename S::Sequence>();
    set->which = SequenceKind::set;
    adopt(*set, set->elements, std::move(first));
    if (accept(Operator::comma)) parse_elements(*set, Operator::right_brace);
    result = std::move(set);
  }
  expect(Operator::right_brace);
  return result;
}

/// From the first key's colon on, or from the brace on where there is no first key.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_dictionary(ExpressionPointer first_key) -> ExpressionPointer {
  auto dictionary = make<typename S::Dictionary>();
  ExpressionPointer key = std::move(first_key);
  while (op_ != Operator::right_brace) {
    typename S::Entry entry;
    if (key == nullptr && accept(Operator::double_star)) {
      entry.value = parse_operation(Level::bit_or);
    } else {
      if (key == nullptr) key = parse_expression();
      expect(Operator::colon);
      entry.key = std::move(key);
      entry.value = parse_named_expression();
      if (begins_comprehension() && dictionary->entries.empty()) {
        ExpressionPointer comprehension =
            parse_comprehension(ComprehensionKind::dictionary, std::move(entry.key), std::move(entry.value));
        expect(Operator::right_brace);
        return comprehension;
      }
    }
    key = {};
    rise(*dictionary, entry.key);
    rise(*dictionary, entry.value);
    file_.append(dictionary->entries, std::move(entry));
    if (!accept(Operator::comma)) break;
  }
  expect(Operator::right_brace);
  return dictionary;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_comprehension(ComprehensionKind which, ExpressionPointer element,
                                               ExpressionPointer value) -> ExpressionPointer {
  const Nesting nesting(*this);
  auto comprehension = make<typename S::Comprehension>();
  comprehension->which = which;
  adopt(*comprehension, comprehension->element, std::move(element));
  adopt(*comprehension, comprehension->value, std::move(value));
  while (begins_comprehension()) parse_comprehension_clause(*comprehension);
  return comprehension;
}

template <typename Memory, typename Scan>
void Parser<Memory, Scan>::parse_comprehension_clause(typename S::Comprehension& comprehension) {
  typename S::ComprehensionClause clause;
  clause.is_async = accept(keyword("async"));
  expect(keyword("for"));
  clause.target = parse_target_list();
  expect(keyword("in"));
  clause.iterable = parse_operation(Level::disjunction);
  rise(comprehension, clause.target);
  rise(comprehension, clause.iterable);
  while (accept(keyword("if"))) {
    ExpressionPointer condition = parse_operation(Level::disjunction);
    if (op_ == Operator::walrus) fail();
    rise(comprehension, condition);
    file_.append(clause.conditions, std::move(condition));
  }
  file_.append(comprehension.clauses, std::move(clause));
}

/// What a `for` assigns to: it ends before `in`.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_target_list() -> ExpressionPointer {
  const auto parse_target = [this] {
    return op_ == Operator::star ? parse_prefixed(Prefix::star, Level::bit_or) : parse_operation(Level::bit_or);
  };
  ExpressionPointer first = parse_target();
  if (op_ == Operator::comma) {
    auto tuple = make<typename S::Sequence>();
    adopt(*tuple, tuple->elements, std::move(first));
    while (accept(Operator::comma) && keyword_ != keyword("in")) adopt(*tuple, tuple->elements, parse_target());
    first = std::move(tuple);
  }
  check_target(*first);
  return first;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_parameters(Operator end, Annotations annotations) -> ValueList<typename S::Parameter> {
  ValueList<typename S::Parameter> parameters;
  while (op_ != end) {
    file_.append(parameters, parse_parameter(annotations));
    if (!accept(Operator::comma)) break;
  }
  return parameters;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_parameter(Annotations annotations) -> typename S::Parameter {
  typename S::Parameter parameter;
  if (accept(Operator::slash)) {
    parameter.which = ParameterKind::positional_end;
    return parameter;
  }
  if (accept(Operator::star)) {
    if (op_ == Operator::comma) {
      parameter.which = ParameterKind::keywords_follow;
      return parameter;
    }
    parameter.which = ParameterKind::star;
  } else if (accept(Operator::double_star)) {
    parameter.which = ParameterKind::double_star;
  }
  parameter.name = take_name();
  if (annotations == Annotations::allowed && accept(Operator::colon)) parameter.annotation = parse_star_or_named();
  if (accept(Operator::assign)) parameter.default_value = parse_expression();
  return parameter;
}

/// Whether something that an expression can begin with stands here: what may follow a comma in a tuple without parentheses.
template <typename Memory, typename Scan>
bool Parser<Memory, Scan>::begins_expression() const {
  switch (kind_) {
    case TokenKind::number:
    case TokenKind::string: return true;
    case TokenKind::name: break;
    case TokenKind::op:
      switch (op_) {
        case Operator::left_parenthesis:
        case Operator::left_bracket:
        case Operator::left_brace:
        case Operator::minus:
        case Operator::plus:
        case Operator::tilde:
        case Operator::star:
        case Operator::ellipsis: return true;
        default: return false;
      }
    default: return false;
  }
  switch (keyword_) {
    case keyword("None"):
    case keyword("True"):
    case keyword("False"):
    case keyword("not"):
    case keyword("lambda"):
    case keyword("await"): return true;
    default: return is_name();
  }
}

}  // namespace bursar::translate
