// Statements of one line, and what becomes of those that are not understood. Included by parser.h alone.
#pragma once

namespace bursar::translate {

/// One statement with its block, or a line of small ones.
template <typename Memory, typename Scan>
void Parser<Memory, Scan>::parse_statement(Block& block) {
  const std::size_t start = index_;
  const ParserCounts before = counts_;
  try {
    StatementPointer compound = parse_compound();
    if (compound != nullptr) {
      ++counts_.statements;
      file_.append(block, std::move(compound));
      return;
    }
  } catch (const NestingFault&) {
    if (nesting_fault_line_ == 0) nesting_fault_line_ = tokens_.line(start);
    counts_ = before;
    keep_opaque(block, start);
    return;
  } catch (const SyntaxFault&) {
    counts_ = before;
    keep_opaque(block, start);
    return;
  }
  parse_simple_line(block);
}

/// What stands behind a colon: the rest of the line, or the lines that are indented.
template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_block() -> Block {
  expect(Operator::colon);
  Block block;
  if (kind_ != TokenKind::newline) {
    parse_simple_line(block);
    return block;
  }
  advance();
  if (kind_ != TokenKind::indent) fail();
  advance();
  while (kind_ != TokenKind::dedent) {
    if (kind_ == TokenKind::endmarker) fail();
    parse_statement(block);
  }
  advance();
  return block;
}

template <typename Memory, typename Scan>
void Parser<Memory, Scan>::parse_simple_line(Block& block) {
  do {
    parse_small_statement(block);
  } while (accept(Operator::semicolon) && kind_ != TokenKind::newline);
  if (kind_ == TokenKind::newline) advance();
}

template <typename Memory, typename Scan>
void Parser<Memory, Scan>::parse_small_statement(Block& block) {
  const std::size_t start = index_;
  const ParserCounts before = counts_;
  try {
    StatementPointer statement = parse_simple();
    statement->line = tokens_.line(start);
    if (op_ != Operator::semicolon && kind_ != TokenKind::newline) fail();
    ++counts_.statements;
    file_.append(block, std::move(statement));
    return;
  } catch (const NestingFault&) {
    if (nesting_fault_line_ == 0) nesting_fault_line_ = tokens_.line(start);
  } catch (const SyntaxFault&) {
  }
  counts_ = before;
  keep_opaque(block, start);
}

/// From `start` to the end of the line, and the block below it if there is one. Ends before the last newline where that is no block's.
template <typename Memory, typename Scan>
void Parser<Memory, Scan>::keep_opaque(Block& block, std::size_t start) {
  depth_ = 0;
  is_pattern_ = false;
  go_to(start);
  auto opaque = make<typename S::Opaque>();
  while (kind_ != TokenKind::newline && kind_ != TokenKind::endmarker && kind_ != TokenKind::indent) advance();
  std::size_t end = index_;
  if (kind_ == TokenKind::newline && tokens_.kind(index_ + 1) == TokenKind::indent) advance();
  if (kind_ == TokenKind::indent) {
    skip_block();
    end = index_;
  }
  opaque->text = file_.text(tokens_.between(start, end));
  ++counts_.statements;
  ++counts_.opaque_statements;
  file_.append(block, std::move(opaque));
}

/// From an indent to behind its dedent.
template <typename Memory, typename Scan>
void Parser<Memory, Scan>::skip_block() {
  std::size_t levels = 0;
  do {
    if (kind_ == TokenKind::indent) ++levels;
    if (kind_ == TokenKind::dedent) --levels;
    advance();
  } while (levels != 0 && kind_ != TokenKind::endmarker);
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_simple() -> StatementPointer {
  switch (keyword_) {
    case keyword("pass"): return parse_word<typename S::Pass>();
    case keyword("break"): return parse_word<typename S::Break>();
    case keyword("continue"): return parse_word<typename S::Continue>();
    case keyword("return"): return parse_return();
    case keyword("raise"): return parse_raise();
    case keyword("assert"): return parse_assert();
    case keyword("del"): return parse_delete();
    case keyword("import"): return parse_import();
    case keyword("from"): return parse_import_from();
    case keyword("global"): return parse_declaration<typename S::Global>();
    case keyword("nonlocal"): return parse_declaration<typename S::Nonlocal>();
    default: return parse_expression_statement();
  }
}

template <typename Memory, typename Scan>
template <typename Leaf>
auto Parser<Memory, Scan>::parse_word() -> StatementPointer {
  auto statement = make<Leaf>();
  advance();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_expression_statement() -> StatementPointer {
  ExpressionPointer value = parse_yield_or_star_expressions();
  if (op_ == Operator::assign) return parse_assignment(std::move(value));
  if (op_ == Operator::colon) return parse_annotated(std::move(value));
  if (is_augmented(op_)) {
    auto augmented = make<typename S::AugmentedAssignment>();
    check_target(*value);
    augmented->op = operation_of(op_);
    augmented->target = std::move(value);
    advance();
    augmented->value = parse_yield_or_star_expressions();
    return augmented;
  }
  auto statement = make<typename S::ExpressionStatement>();
  statement->value = std::move(value);
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_assignment(ExpressionPointer first) -> StatementPointer {
  auto assignment = make<typename S::Assignment>();
  ExpressionPointer value = std::move(first);
  while (accept(Operator::assign)) {
    check_target(*value);
    file_.append(assignment->targets, std::move(value));
    value = parse_yield_or_star_expressions();
  }
  assignment->value = std::move(value);
  return assignment;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_annotated(ExpressionPointer target) -> StatementPointer {
  auto annotated = make<typename S::AnnotatedAssignment>();
  check_target(*target);
  annotated->target = std::move(target);
  advance();
  annotated->annotation = parse_expression();
  if (accept(Operator::assign)) annotated->value = parse_yield_or_star_expressions();
  return annotated;
}

/// Fails where nothing can be assigned to it. What the elements of a tuple are is not asked.
template <typename Memory, typename Scan>
void Parser<Memory, Scan>::check_target(const Expression& target) {
  switch (target.kind) {
    case ExpressionKind::name:
    case ExpressionKind::attribute:
    case ExpressionKind::subscript:
    case ExpressionKind::sequence:
    case ExpressionKind::prefixed: return;
    default: fail();
  }
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_return() -> StatementPointer {
  auto statement = make<typename S::Return>();
  advance();
  if (begins_expression()) statement->value = parse_star_expressions();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_raise() -> StatementPointer {
  auto statement = make<typename S::Raise>();
  advance();
  if (begins_expression()) {
    statement->value = parse_expression();
    if (accept(keyword("from"))) statement->cause = parse_expression();
  }
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_assert() -> StatementPointer {
  auto statement = make<typename S::Assert>();
  advance();
  statement->condition = parse_expression();
  if (accept(Operator::comma)) statement->message = parse_expression();
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_delete() -> StatementPointer {
  auto statement = make<typename S::Delete>();
  advance();
  do {
    ExpressionPointer target = parse_operation(Level::bit_or);
    check_target(*target);
    file_.append(statement->targets, std::move(target));
  } while (accept(Operator::comma) && begins_expression());
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_import() -> StatementPointer {
  auto statement = make<typename S::Import>();
  advance();
  do {
    typename S::Alias alias;
    const std::size_t first = index_;
    alias.path = parse_dotted_path();
    if (accept(keyword("as"))) {
      alias.is_renamed = true;
      alias.bound = take_name();
    } else {
      alias.bound = tokens_.name(first);
    }
    file_.append(statement->modules, std::move(alias));
  } while (accept(Operator::comma));
  return statement;
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_dotted_path() -> Text {
  const std::size_t first = index_;
  std::size_t last = index_;
  do {
    last = index_;
    if (!is_name()) fail();
    advance();
  } while (accept(Operator::dot));
  const std::string_view start = tokens_.between(first, last);
  return file_.text(tokens_.between(first, last + 1).substr(0, start.size() + tokens_.text(last).size()));
}

template <typename Memory, typename Scan>
auto Parser<Memory, Scan>::parse_import_from() -> StatementPointer {
  auto statement = make<typename S::ImportFrom>();
  advance();
  for (; op_ == Operator::dot || op_ == Operator::ellipsis; advance()) statement->level += op_ == Operator::dot ? 1 : 3;
  if (is_name()) {
    statement->module = parse_dotted_path();
  } else if (statement->level == 0) {
    fail();
  }
  expect(keyword("import"));
  if (accept(Operator::star)) return statement;
  const bool has_parentheses = accept(Operator::left_parenthesis);
  do {
    typename S::Alias alias;
    const std::string_view path = tokens_.text(index_);
    alias.path = file_.text(path);
    alias.bound = take_name();
    if (accept(keyword("as"))) {
      alias.is_renamed = true;
      alias.bound = take_name();
    }
    file_.append(statement->names, std::move(alias));
  } while (accept(Operator::comma) && is_name());
  if (has_parentheses) expect(Operator::right_parenthesis);
  return statement;
}

template <typename Memory, typename Scan>
template <typename Declaration>
auto Parser<Memory, Scan>::parse_declaration() -> StatementPointer {
  auto statement = make<Declaration>();
  advance();
  do {
    file_.append(statement->names, typename S::DeclaredName{take_name()});
  } while (accept(Operator::comma));
  return statement;
}

}  // namespace bursar::translate
