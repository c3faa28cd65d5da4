// The syntax tree of a Python file. Its memory is a parameter: who owns a node, what a list, a name and a text are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/translate/bindings.h"
#include "bench/translate/operators.h"

namespace bursar::translate {

enum class ExpressionKind : std::uint8_t {
  name,
  number,
  string,
  joined_strings,
  constant,
  sequence,
  dictionary,
  comprehension,
  unary,
  binary,
  comparison_chain,
  logical,
  conditional,
  lambda,
  call,
  keyword_argument,
  attribute,
  subscript,
  slice,
  prefixed,
  walrus,
};

enum class StatementKind : std::uint8_t {
  expression,
  assignment,
  augmented_assignment,
  annotated_assignment,
  return_value,
  raise,
  assert_that,
  delete_targets,
  pass,
  break_loop,
  continue_loop,
  import_modules,
  import_from,
  declare_global,
  declare_nonlocal,
  if_else,
  while_loop,
  for_loop,
  with_items,
  try_block,
  function,
  class_definition,
  match,
  opaque,
};

enum class StringFlavor : std::uint8_t { text, bytes, format };
enum class Constant : std::uint8_t { none, true_value, false_value, ellipsis };
enum class SequenceKind : std::uint8_t { tuple, list, set };
enum class ComprehensionKind : std::uint8_t { generator, list, set, dictionary };
enum class Prefix : std::uint8_t { star, double_star, await, yield, yield_from };
enum class ParameterKind : std::uint8_t { plain, star, double_star, keywords_follow, positional_end };

/// How deep expressions may nest, and how long a chain of operators, calls and attributes may be: what is beyond is not read. The
/// tree is walked by recursion, so this bounds the stack. (CPython: 200 brackets.)
inline constexpr std::size_t nesting_max = 1000;

/// `Memory` (standard_memory.h, runtime_memory.h) has
///
///     NodeBase      a base of every node, with a virtual destructor if Pointer needs it
///     Pointer<T>    owns a node
///     NodeList<T>   nodes in order; iterating it gives pointers
///     ValueList<T>  values in order
///     Name, Text    a name; a piece of the source
///     Literal       the value of a string
///     Bindings      what a scope knows of its names
template <typename Memory>
struct Syntax {
  template <typename T>
  using Pointer = typename Memory::template Pointer<T>;
  template <typename T>
  using NodeList = typename Memory::template NodeList<T>;
  template <typename T>
  using ValueList = typename Memory::template ValueList<T>;
  using Name = typename Memory::Name;
  using Text = typename Memory::Text;

  struct Scope {
    Scope* parent = nullptr;
    Scope* next = nullptr;  // of all scopes of the file, in the order in which they begin
    ScopeKind kind = ScopeKind::module;
    typename Memory::Bindings bindings;
  };

  // ---- expressions ----
  struct Expression : Memory::NodeBase {
    explicit Expression(ExpressionKind own_kind) : kind(own_kind) {}
    ExpressionKind kind;
    std::uint16_t height = 0;  // of the tree below it
    std::uint32_t line = 0;
  };
  template <ExpressionKind own_kind>
  struct ExpressionOf : Expression {
    ExpressionOf() : Expression(own_kind) {}
  };

  struct NameExpression : ExpressionOf<ExpressionKind::name> {
    Name name{};
    const Binding* binding = nullptr;  // of its scope, when names are resolved
  };
  struct Number : ExpressionOf<ExpressionKind::number> {
    Text text{};
  };
  /// The value (File::value_of); of f-strings the text as it stands.
  struct String : ExpressionOf<ExpressionKind::string> {
    StringFlavor flavor = StringFlavor::text;
    typename Memory::Literal value{};
  };
  struct JoinedStrings : ExpressionOf<ExpressionKind::joined_strings> {
    NodeList<Expression> parts;
  };
  struct ConstantExpression : ExpressionOf<ExpressionKind::constant> {
    Constant value = Constant::none;
  };
  struct Sequence : ExpressionOf<ExpressionKind::sequence> {
    SequenceKind which = SequenceKind::tuple;
    NodeList<Expression> elements;
  };
  struct Entry {
    Pointer<Expression> key{};  // null: the value is a dictionary whose entries are taken over
    Pointer<Expression> value{};
  };
  struct Dictionary : ExpressionOf<ExpressionKind::dictionary> {
    ValueList<Entry> entries;
  };
  struct ComprehensionClause {
    Pointer<Expression> target{};
    Pointer<Expression> iterable{};
    NodeList<Expression> conditions;
    bool is_async = false;
  };
  struct Comprehension : ExpressionOf<ExpressionKind::comprehension> {
    ComprehensionKind which = ComprehensionKind::generator;
    Pointer<Expression> element{};
    Pointer<Expression> value{};  // of a dictionary
    ValueList<ComprehensionClause> clauses;
    Pointer<Scope> scope{};
  };
  struct Unary : ExpressionOf<ExpressionKind::unary> {
    UnaryOperator op = UnaryOperator::plus;
    Pointer<Expression> operand{};
  };
  struct Binary : ExpressionOf<ExpressionKind::binary> {
    BinaryOperator op = BinaryOperator::none;
    Pointer<Expression> left{};
    Pointer<Expression> right{};
  };
  struct Comparand {
    BinaryOperator op = BinaryOperator::none;
    Pointer<Expression> operand{};
  };
  /// a < b < c; a single comparison is a Binary.
  struct ComparisonChain : ExpressionOf<ExpressionKind::comparison_chain> {
    Pointer<Expression> first{};
    ValueList<Comparand> others;
  };
  struct Logical : ExpressionOf<ExpressionKind::logical> {
    BinaryOperator op = BinaryOperator::logical_and;
    NodeList<Expression> operands;
  };
  struct Conditional : ExpressionOf<ExpressionKind::conditional> {
    Pointer<Expression> condition{};
    Pointer<Expression> value{};
    Pointer<Expression> otherwise{};
  };
  struct Parameter {
    Name name{};
    ParameterKind which = ParameterKind::plain;
    Pointer<Expression> annotation{};
    Pointer<Expression> default_value{};
  };
  struct Lambda : ExpressionOf<ExpressionKind::lambda> {
    ValueList<Parameter> parameters;
    Pointer<Expression> body{};
    Pointer<Scope> scope{};
  };
  struct Call : ExpressionOf<ExpressionKind::call> {
    Pointer<Expression> callee{};
    NodeList<Expression> arguments;
  };
  struct KeywordArgument : ExpressionOf<ExpressionKind::keyword_argument> {
    Name name{};
    Pointer<Expression> value{};
  };
  struct Attribute : ExpressionOf<ExpressionKind::attribute> {
    Pointer<Expression> object{};
    Name name{};
  };
  struct Subscript : ExpressionOf<ExpressionKind::subscript> {
    Pointer<Expression> object{};
    Pointer<Expression> index{};
  };
  struct Slice : ExpressionOf<ExpressionKind::slice> {
    Pointer<Expression> lower{};
    Pointer<Expression> upper{};
    Pointer<Expression> step{};
  };
  /// *value, **value, await value, yield value, yield from value.
  struct Prefixed : ExpressionOf<ExpressionKind::prefixed> {
    Prefix prefix = Prefix::star;
    Pointer<Expression> value{};  // null: yield without one
  };
  struct Walrus : ExpressionOf<ExpressionKind::walrus> {
    Pointer<Expression> target{};
    Pointer<Expression> value{};
  };

  // ---- statements ----
  struct Statement : Memory::NodeBase {
    explicit Statement(StatementKind own_kind) : kind(own_kind) {}
    StatementKind kind;
    std::uint32_t line = 0;
  };
  template <StatementKind own_kind>
  struct StatementOf : Statement {
    StatementOf() : Statement(own_kind) {}
  };
  using Block = NodeList<Statement>;

  struct ExpressionStatement : StatementOf<StatementKind::expression> {
    Pointer<Expression> value{};
  };
  struct Assignment : StatementOf<StatementKind::assignment> {
    NodeList<Expression> targets;
    Pointer<Expression> value{};
  };
  struct AugmentedAssignment : StatementOf<StatementKind::augmented_assignment> {
    BinaryOperator op = BinaryOperator::none;
    Pointer<Expression> target{};
    Pointer<Expression> value{};
  };
  struct AnnotatedAssignment : StatementOf<StatementKind::annotated_assignment> {
    Pointer<Expression> target{};
    Pointer<Expression> annotation{};
    Pointer<Expression> value{};
  };
  struct Return : StatementOf<StatementKind::return_value> {
    Pointer<Expression> value{};
  };
  struct Raise : StatementOf<StatementKind::raise> {
    Pointer<Expression> value{};
    Pointer<Expression> cause{};
  };
  struct Assert : StatementOf<StatementKind::assert_that> {
    Pointer<Expression> condition{};
    Pointer<Expression> message{};
  };
  struct Delete : StatementOf<StatementKind::delete_targets> {
    NodeList<Expression> targets;
  };
  struct Pass : StatementOf<StatementKind::pass> {};
  struct Break : StatementOf<StatementKind::break_loop> {};
  struct Continue : StatementOf<StatementKind::continue_loop> {};
  struct Alias {
    Text path{};   // with its dots
    Name bound{};  // what the scope gets
    const Binding* binding = nullptr;
    bool is_renamed = false;
  };
  struct Import : StatementOf<StatementKind::import_modules> {
    ValueList<Alias> modules;
  };
  struct ImportFrom : StatementOf<StatementKind::import_from> {
    std::uint32_t level = 0;  // how many dots stand before the module
    Text module{};
    ValueList<Alias> names;  // none: all
  };
  struct DeclaredName {
    Name name{};
  };
  struct Global : StatementOf<StatementKind::declare_global> {
    ValueList<DeclaredName> names;
  };
  struct Nonlocal : StatementOf<StatementKind::declare_nonlocal> {
    ValueList<DeclaredName> names;
  };
  struct Branch {
    Pointer<Expression> condition{};
    Block body;
  };
  struct If : StatementOf<StatementKind::if_else> {
    ValueList<Branch> branches;
    Block otherwise;
  };
  struct While : StatementOf<StatementKind::while_loop> {
    Pointer<Expression> condition{};
    Block body;
    Block otherwise;
  };
  struct For : StatementOf<StatementKind::for_loop> {
    Pointer<Expression> target{};
    Pointer<Expression> iterable{};
    Block body;
    Block otherwise;
    bool is_async = false;
  };
  struct WithItem {
    Pointer<Expression> context{};
    Pointer<Expression> target{};
  };
  struct With : StatementOf<StatementKind::with_items> {
    ValueList<WithItem> items;
    Block body;
    bool is_async = false;
  };
  struct Handler {
    Pointer<Expression> type{};
    Name name{};
    const Binding* binding = nullptr;
    bool has_name = false;
    Block body;
  };
  struct Try : StatementOf<StatementKind::try_block> {
    Block body;
    ValueList<Handler> handlers;
    Block otherwise;
    Block finally;
    bool is_group = false;  // except*
  };
  struct Function : StatementOf<StatementKind::function> {
    Name name{};
    const Binding* binding = nullptr;
    NodeList<Expression> decorators;
    ValueList<Parameter> parameters;
    Pointer<Expression> result{};
    Block body;
    Pointer<Scope> scope{};
    bool is_async = false;
  };
  struct Class : StatementOf<StatementKind::class_definition> {
    Name name{};
    const Binding* binding = nullptr;
    NodeList<Expression> decorators;
    NodeList<Expression> arguments;
    Block body;
    Pointer<Scope> scope{};
  };
  struct Case {
    Pointer<Expression> pattern{};
    Pointer<Expression> guard{};
    Block body;
  };
  struct Match : StatementOf<StatementKind::match> {
    Pointer<Expression> subject{};
    ValueList<Case> cases;
  };
  /// What the parser does not read, as it stands.
  struct Opaque : StatementOf<StatementKind::opaque> {
    Text text{};
  };

  struct Module {
    Block body;
    Pointer<Scope> scope{};
  };
};

}  // namespace bursar::translate
