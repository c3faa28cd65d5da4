// Statements with blocks. Included by parser.h alone.
#pragma once

namespace bursar::translate {

/// Null where the line begins no such statement.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_compound() -> StatementPointer {
  if (op_ == Operator::at) return parse_decorated();
  switch (keyword_) {
    case keyword("if"): return parse_if();
    case keyword("while"): return parse_while();
    case keyword("for"): return parse_for();
    case keyword("with"): return parse_with();
    case keyword("try"): return parse_try();
    case keyword("def"):
    case keyword("class"): return parse_definition({});
    case keyword("async"): return parse_async();
    case keyword("match"): return begins_match() ? parse_match() : StatementPointer{};
    default: return {};
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_if() -> StatementPointer {
  auto statement = make<typename S::If>();
  do {
    advance();
    typename S::Branch branch;
    branch.condition = parse_named_expression();
    branch.body = parse_block();
    file_.append(statement->branches, std::move(branch));
  } while (keyword_ == keyword("elif"));
  if (accept(keyword("else"))) statement->otherwise = parse_block();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_while() -> StatementPointer {
  auto statement = make<typename S::While>();
  advance();
  statement->condition = parse_named_expression();
  statement->body = parse_block();
  if (accept(keyword("else"))) statement->otherwise = parse_block();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_for() -> StatementPointer {
  auto statement = make<typename S::For>();
  advance();
  statement->target = parse_target_list();
  expect(keyword("in"));
  statement->iterable = parse_star_expressions();
  statement->body = parse_block();
  if (accept(keyword("else"))) statement->otherwise = parse_block();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_with() -> StatementPointer {
  auto statement = make<typename S::With>();
  advance();
  const bool has_parentheses = has_parenthesized_items();
  if (has_parentheses) advance();
  do {
    file_.append(statement->items, parse_with_item());
  } while (accept(Operator::comma) && op_ != Operator::right_parenthesis);
  if (has_parentheses) expect(Operator::right_parenthesis);
  statement->body = parse_block();
  return statement;
}

/// Whether a parenthesis here is around items, not an expression: a colon stands behind it, and an `as` directly in it.
template <typename Memory, typename Scan>
bool Parser<Memory, Scan>::has_parenthesized_items() const {
  if (op_ != Operator::left_parenthesis) return false;
  std::size_t level = 0;
  bool has_as = false;
  for (std::size_t index = index_;; ++index) {
    switch (tokens_.op(index)) {
      case Operator::left_parenthesis:
      case Operator::left_bracket:
      case Operator::left_brace: ++level; break;
      case Operator::right_parenthesis:
      case Operator::right_bracket:
      case Operator::right_brace: --level; break;
      default: break;
    }
    if (level == 0) return has_as && tokens_.op(index + 1) == Operator::colon;
    const TokenKind kind = tokens_.kind(index);
    if (kind == TokenKind::newline || kind == TokenKind::endmarker) return false;
    has_as = has_as || (level == 1 && kind == TokenKind::name && tokens_.keyword(index) == keyword("as"));
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_with_item() -> typename S::WithItem {
  typename S::WithItem item;
  item.context = parse_expression();
  if (accept(keyword("as"))) {
    item.target = parse_operation(Level::bit_or);
    check_target(*item.target);
  }
  return item;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_try() -> StatementPointer {
  auto statement = make<typename S::Try>();
  advance();
  statement->body = parse_block();
  while (keyword_ == keyword("except")) file_.append(statement->handlers, parse_handler(*statement));
  const bool has_handlers = !statement->handlers.empty();
  if (has_handlers && accept(keyword("else"))) statement->otherwise = parse_block();
  if (accept(keyword("finally"))) {
    statement->finally = parse_block();
  } else if (!has_handlers) {
    fail();
  }
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_handler(typename S::Try& statement) -> typename S::Handler {
  typename S::Handler handler;
  advance();
  if (accept(Operator::star)) statement.is_group = true;
  if (op_ != Operator::colon) {
    handler.type = parse_expression();
    if (accept(keyword("as"))) {
      handler.has_name = true;
      handler.name = take_name();
    }
  }
  handler.body = parse_block();
  return handler;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_decorated() -> StatementPointer {
  NodeList<Expression> decorators;
  while (accept(Operator::at)) {
    file_.append(decorators, parse_named_expression());
    if (kind_ != TokenKind::newline) fail();
    advance();
  }
  return parse_definition(std::move(decorators));
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_definition(NodeList<Expression> decorators) -> StatementPointer {
  const bool is_async = accept(keyword("async"));
  if (keyword_ == keyword("def")) {
    auto function = parse_function();
    function->is_async = is_async;
    function->decorators = std::move(decorators);
    return function;
  }
  if (is_async || keyword_ != keyword("class")) fail();
  auto definition = parse_class();
  definition->decorators = std::move(decorators);
  return definition;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_function() -> Pointer<typename S::Function> {
  auto function = make<typename S::Function>();
  advance();
  function->name = take_name();
  expect(Operator::left_parenthesis);
  function->parameters = parse_parameters(Operator::right_parenthesis, Annotations::allowed);
  expect(Operator::right_parenthesis);
  if (accept(Operator::arrow)) function->result = parse_expression();
  function->body = parse_block();
  return function;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_class() -> Pointer<typename S::Class> {
  auto definition = make<typename S::Class>();
  advance();
  definition->name = take_name();
  if (accept(Operator::left_parenthesis)) {
    while (op_ != Operator::right_parenthesis) {
      file_.append(definition->arguments, parse_argument());
      if (!accept(Operator::comma)) break;
    }
    expect(Operator::right_parenthesis);
  }
  definition->body = parse_block();
  return definition;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_async() -> StatementPointer {
  const Symbol next = keyword_behind();
  if (next == keyword("def")) return parse_definition({});
  advance();
  if (next == keyword("for")) {
    StatementPointer loop = parse_for();
    static_cast<typename S::For&>(*loop).is_async = true;
    return loop;
  }
  if (next != keyword("with")) fail();
  StatementPointer with = parse_with();
  static_cast<typename S::With&>(*with).is_async = true;
  return with;
}

/// `match` is a name like others but where its line ends with a colon and goes on behind it as no name's would.
template <typename Memory, typename Scan>
bool Parser<Memory, Scan>::begins_match() const {
  std::size_t last = index_;
  std::size_t index = index_ + 1;
  switch (tokens_.op(index)) {
    case Operator::assign:
    case Operator::dot:
    case Operator::comma:
    case Operator::colon: return false;
    default: break;
  }
  for (; tokens_.kind(index) != TokenKind::newline; ++index) {
    if (tokens_.kind(index) == TokenKind::endmarker) return false;
    last = index;
  }
  return tokens_.op(last) == Operator::colon;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_match() -> StatementPointer {
  auto statement = make<typename S::Match>();
  advance();
  statement->subject = parse_star_expressions();
  expect(Operator::colon);
  if (kind_ != TokenKind::newline) fail();
  advance();
  if (kind_ != TokenKind::indent) fail();
  advance();
  while (keyword_ == keyword("case")) file_.append(statement->cases, parse_case());
  if (kind_ != TokenKind::dedent || statement->cases.empty()) fail();
  advance();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_case() -> typename S::Case {
  typename S::Case one;
  advance();
  // A pattern is read as the expression that it looks like.
  is_pattern_ = true;
  one.pattern = parse_star_expressions();
  is_pattern_ = false;
  if (accept(keyword("if"))) one.guard = parse_named_expression();
  one.body = parse_block();
  return one;
}

}  // namespace bursar::translate
