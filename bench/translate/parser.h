// Tokens to a syntax tree. What is not understood becomes an opaque statement.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bench/translate/byte_sets.h"
#include "bench/translate/python_strings.h"
#include "bench/translate/syntax.h"
#include "bursar/keywords.h"

namespace bursar::translate {

struct ParserCounts {
  std::uint64_t statements = 0;
  std::uint64_t opaque_statements = 0;
  std::uint64_t nodes = 0;
  std::uint64_t copies_avoided = 0;
  std::uint64_t copies_made = 0;
};

/// Parses a file's tokens, once. The grammar is Python 3.11's but for what only the compiler checks.
///
/// Errors: a statement that does not fit is kept whole, with the block that belongs to it, as an Opaque. So is one that nests deeper than
/// nesting_max; the first such line is told by nesting_fault_line(). Throws what the memory throws.
template <typename Memory, typename Scan>
class Parser {
  using S = Syntax<Memory>;
  using File = typename Memory::File;
  using Tokens = typename Memory::Tokens;
  using Name = typename Memory::Name;
  using Text = typename Memory::Text;
  using Expression = typename S::Expression;
  using Statement = typename S::Statement;
  using Block = typename S::Block;
  using ExpressionPointer = typename S::template Pointer<Expression>;
  using StatementPointer = typename S::template Pointer<Statement>;
  template <typename T>
  using Pointer = typename S::template Pointer<T>;
  template <typename T>
  using NodeList = typename S::template NodeList<T>;
  template <typename T>
  using ValueList = typename S::template ValueList<T>;

 public:
  /// Pre: the tokens end with an endmarker.
  Parser(const Tokens& tokens, File& file) : tokens_(tokens), file_(file) { load(); }

  [[nodiscard]] typename S::Module parse();

  /// Statements, opaque ones, nodes, copies.
  [[nodiscard]] const ParserCounts& counts() const { return counts_; }
  /// 0: nothing nests too deeply.
  [[nodiscard]] std::uint32_t nesting_fault_line() const { return nesting_fault_line_; }

 private:
  struct SyntaxFault {};
  struct NestingFault : SyntaxFault {};
  enum class Annotations : std::uint8_t { none, allowed };

  /// One level deeper while it lives.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > nesting_max) {
        --parser_.depth_;
        throw NestingFault();
      }
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  // ---- tokens ----
  void load() {
    const TokenHead head = tokens_.head(index_);
    kind_ = head.kind;
    op_ = head.op;
    keyword_ = head.keyword;
  }
  void advance() {
    ++index_;
    load();
  }
  void go_to(std::size_t index) {
    index_ = index;
    load();
  }
  /// The keyword that the next token is, if it is one.
  [[nodiscard]] Symbol keyword_behind() const { return tokens_.head(index_ + 1).keyword; }
  [[noreturn]] static void fail() { throw SyntaxFault(); }
  void expect(Operator op) {
    if (op_ != op) fail();
    advance();
  }
  void expect(Symbol keyword) {
    if (keyword_ != keyword) fail();
    advance();
  }
  [[nodiscard]] bool accept(Operator op) {
    if (op_ != op) return false;
    advance();
    return true;
  }
  [[nodiscard]] bool accept(Symbol keyword) {
    if (keyword_ != keyword) return false;
    advance();
    return true;
  }
  [[nodiscard]] bool is_name() const { return kind_ == TokenKind::name && !is_python_keyword(keyword_); }
  [[nodiscard]] Name take_name() {
    if (!is_name()) fail();
    Name name = tokens_.name(index_);
    advance();
    return name;
  }

  // ---- nodes ----
  template <typename T>
  [[nodiscard]] Pointer<T> make() {
    ++counts_.nodes;
    auto node = file_.template make<T>();
    node->line = tokens_.line(index_);
    return node;
  }
  /// A child counts for the height of its parent.
  static void rise(Expression& parent, const ExpressionPointer& child) {
    if (child == nullptr || child->height < parent.height) return;
    if (child->height == nesting_max) throw NestingFault();
    parent.height = static_cast<std::uint16_t>(child->height + 1);
  }
  void adopt(Expression& parent, NodeList<Expression>& list, ExpressionPointer child) {
    rise(parent, child);
    file_.append(list, std::move(child));
  }
  static void adopt(Expression& parent, ExpressionPointer& place, ExpressionPointer child) {
    rise(parent, child);
    place = std::move(child);
  }

  // ---- expressions: parser_expressions.h ----
  [[nodiscard]] ExpressionPointer parse_star_expressions();
  [[nodiscard]] ExpressionPointer parse_star_or_named();
  [[nodiscard]] ExpressionPointer parse_yield_or_star_expressions();
  [[nodiscard]] ExpressionPointer parse_named_expression();
  [[nodiscard]] ExpressionPointer parse_expression();
  [[nodiscard]] ExpressionPointer parse_conditional(ExpressionPointer value);
  [[nodiscard]] ExpressionPointer parse_lambda();
  [[nodiscard]] ExpressionPointer parse_yield();
  [[nodiscard]] ExpressionPointer parse_operation(Level lowest);
  [[nodiscard]] ExpressionPointer parse_logical(ExpressionPointer first, BinaryOperator op, Level level);
  [[nodiscard]] ExpressionPointer parse_comparison(ExpressionPointer first);
  [[nodiscard]] ExpressionPointer parse_unary();
  [[nodiscard]] ExpressionPointer parse_sign(UnaryOperator op);
  [[nodiscard]] ExpressionPointer parse_power();
  [[nodiscard]] ExpressionPointer make_binary(BinaryOperator op, ExpressionPointer left, ExpressionPointer right);
  [[nodiscard]] ExpressionPointer parse_prefixed(Prefix prefix, Level level);
  [[nodiscard]] BinaryOperator infix_operator() const;
  void skip_infix(BinaryOperator op);
  // parser_atoms.h
  [[nodiscard]] ExpressionPointer parse_primary();
  [[nodiscard]] ExpressionPointer parse_call(ExpressionPointer callee);
  [[nodiscard]] ExpressionPointer parse_argument();
  [[nodiscard]] ExpressionPointer parse_subscript(ExpressionPointer object);
  [[nodiscard]] ExpressionPointer parse_index();
  [[nodiscard]] ExpressionPointer parse_atom();
  [[nodiscard]] ExpressionPointer parse_name_or_constant();
  [[nodiscard]] ExpressionPointer make_constant(Constant value);
  [[nodiscard]] ExpressionPointer parse_strings();
  [[nodiscard]] ExpressionPointer parse_string();
  [[nodiscard]] ExpressionPointer parse_parentheses();
  [[nodiscard]] ExpressionPointer parse_list();
  [[nodiscard]] ExpressionPointer parse_braces();
  [[nodiscard]] ExpressionPointer parse_dictionary(ExpressionPointer first_key);
  void parse_elements(typename S::Sequence& sequence, Operator end);
  [[nodiscard]] ExpressionPointer parse_comprehension(ComprehensionKind which, ExpressionPointer element,
                                                      ExpressionPointer value);
  void parse_comprehension_clause(typename S::Comprehension& comprehension);
  [[nodiscard]] ExpressionPointer parse_target_list();
  [[nodiscard]] ValueList<typename S::Parameter> parse_parameters(Operator end, Annotations annotations);
  [[nodiscard]] typename S::Parameter parse_parameter(Annotations annotations);
  [[nodiscard]] bool begins_expression() const;
  [[nodiscard]] bool begins_comprehension() const { return keyword_ == keyword("for") || keyword_ == keyword("async"); }

  // ---- statements: parser_statements.h ----
  void parse_statement(Block& block);
  [[nodiscard]] Block parse_block();
  void parse_simple_line(Block& block);
  void parse_small_statement(Block& block);
  void keep_opaque(Block& block, std::size_t start);
  void skip_block();
  [[nodiscard]] StatementPointer parse_simple();
  [[nodiscard]] StatementPointer parse_expression_statement();
  [[nodiscard]] StatementPointer parse_assignment(ExpressionPointer first);
  [[nodiscard]] StatementPointer parse_annotated(ExpressionPointer target);
  [[nodiscard]] StatementPointer parse_return();
  [[nodiscard]] StatementPointer parse_raise();
  [[nodiscard]] StatementPointer parse_assert();
  [[nodiscard]] StatementPointer parse_delete();
  [[nodiscard]] StatementPointer parse_import();
  [[nodiscard]] StatementPointer parse_import_from();
  [[nodiscard]] Text parse_dotted_path();
  template <typename Declaration>
  [[nodiscard]] StatementPointer parse_declaration();
  template <typename Leaf>
  [[nodiscard]] StatementPointer parse_word();
  static void check_target(const Expression& target);
  // parser_compounds.h
  [[nodiscard]] StatementPointer parse_compound();
  [[nodiscard]] StatementPointer parse_if();
  [[nodiscard]] StatementPointer parse_while();
  [[nodiscard]] StatementPointer parse_for();
  [[nodiscard]] StatementPointer parse_with();
  [[nodiscard]] bool has_parenthesized_items() const;
  [[nodiscard]] typename S::WithItem parse_with_item();
  [[nodiscard]] StatementPointer parse_try();
  [[nodiscard]] typename S::Handler parse_handler(typename S::Try& statement);
  [[nodiscard]] StatementPointer parse_decorated();
  [[nodiscard]] StatementPointer parse_definition(NodeList<Expression> decorators);
  [[nodiscard]] Pointer<typename S::Function> parse_function();
  [[nodiscard]] Pointer<typename S::Class> parse_class();
  [[nodiscard]] StatementPointer parse_async();
  [[nodiscard]] bool begins_match() const;
  [[nodiscard]] StatementPointer parse_match();
  [[nodiscard]] typename S::Case parse_case();

  const Tokens& tokens_;
  File& file_;
  // I1  kind_, op_ and keyword_ are those of the token at index_; keyword_ is empty where it is no name
  std::size_t index_ = 0;
  TokenKind kind_ = TokenKind::encoding;
  Operator op_ = Operator::none;
  Symbol keyword_;
  std::size_t depth_ = 0;
  bool is_pattern_ = false;  // names behind `as` are a part of expressions
  ParserCounts counts_;
  std::uint32_t nesting_fault_line_ = 0;
};

template <typename Memory, typename Scan>
typename Parser<Memory, Scan>::S::Module Parser<Memory, Scan>::parse() {
  typename S::Module module;
  advance();  // over the encoding
  while (kind_ != TokenKind::endmarker) {
    if (kind_ == TokenKind::newline || kind_ == TokenKind::dedent) {
      advance();
    } else {
      parse_statement(module.body);
    }
  }
  return module;
}

}  // namespace bursar::translate

#include "bench/translate/parser_atoms.h"
#include "bench/translate/parser_compounds.h"
#include "bench/translate/parser_expressions.h"
#include "bench/translate/parser_statements.h"
