// Prints the syntax trees of Python files and what their names stand for, for a comparison with Python's ast and symtable.
//
//     FILE <path> <opaque statements>
//     <depth> <kind> <detail>         every node, before those below it; of statements the detail begins with the line
//     SCOPE <kind>
//     NAME <resolution> <name>        each name of the scope before
#include <cstdio>
#include <string>
#include <string_view>

#include "bench/translate/parser.h"
#include "bench/translate/python_tokenizer.h"
#include "bench/translate/resolver.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"
#include "bench/translate/standard_memory.h"

namespace {

using namespace bursar::translate;  // NOLINT(google-build-using-namespace)

constexpr const char* binary_names[] = {"none",    "or",      "and",   "in",       "not in", "is",        "is not",
                                        "less",    "greater", "less=", "greater=", "equal",  "not equal", "bit or",
                                        "bit xor", "bit and", "left",  "right",    "add",    "subtract",  "multiply",
                                        "divide",  "floor",   "rest",  "matrix",   "power"};
constexpr const char* unary_names[] = {"not", "plus", "minus", "invert"};
constexpr const char* constant_names[] = {"None", "True", "False", "..."};
constexpr const char* sequence_names[] = {"tuple", "list", "set"};
constexpr const char* comprehension_names[] = {"generator", "list", "set", "dictionary"};
constexpr const char* prefix_names[] = {"star", "double star", "await", "yield", "yield from"};
constexpr const char* scope_names[] = {"module", "function", "class", "comprehension"};
constexpr const char* resolution_names[] = {"unresolved", "local", "enclosing", "local", "global", "global"};

template <typename Enumerator, std::size_t count>
[[nodiscard]] const char* name_of(const char* const (&names)[count], Enumerator value) {
  return names[static_cast<std::size_t>(value)];
}

template <typename Memory>
class Dump {
  using S = Syntax<Memory>;
  using Expression = typename S::Expression;
  using Statement = typename S::Statement;

 public:
  explicit Dump(typename Memory::File& file) : file_(file) {}

  void print(const typename S::Block& block) {
    for (auto&& statement : block) print(*statement);
  }

  void print_scopes(typename S::Scope* scope) {
    for (; scope != nullptr; scope = scope->next) {
      std::printf("SCOPE %s\n", name_of(scope_names, scope->kind));
      scope->bindings.for_each([this](const auto& name, const Binding& binding) {
        std::printf("NAME %s %s\n", name_of(resolution_names, binding.resolution), text(file_.view(name)).c_str());
      });
    }
  }

 private:
  [[nodiscard]] static std::string text(std::string_view view) { return std::string(view); }

  void line(const char* kind, const std::string& detail = {}) {
    std::printf("%zu %s%s%s\n", depth_, kind, detail.empty() ? "" : " ", detail.c_str());
  }
  void statement_line(const Statement& statement, const char* kind, const std::string& detail = {}) {
    line(kind, std::to_string(statement.line) + (detail.empty() ? "" : " ") + detail);
  }

  /// What `print_children` prints is one level deeper.
  template <typename PrintChildren>
  void below(PrintChildren print_children) {
    ++depth_;
    print_children();
    --depth_;
  }
  template <typename Pointer>
  void child(const Pointer& pointer) {
    if (pointer != nullptr) print(*pointer);
  }
  template <typename List>
  void children(const List& list) {
    for (auto&& node : list) print(*node);
  }
  /// A part of a statement that has no node of its own.
  template <typename PrintChildren>
  void part(const char* kind, PrintChildren print_children, const std::string& detail = {}) {
    line(kind, detail);
    below(print_children);
  }
  void block(const char* kind, const typename S::Block& body) {
    if (body.begin() != body.end()) part(kind, [&] { print(body); });
  }
  template <typename T, typename Node>
  [[nodiscard]] static const T& as(const Node& node) {
    return static_cast<const T&>(node);
  }

  void print(const Expression& node);
  void print_operation(const Expression& node);
  void print_postfix(const Expression& node);
  void print_comprehension(const typename S::Comprehension& node);
  void print_parameters(const typename S::template ValueList<typename S::Parameter>& parameters);
  void print(const Statement& node);
  void print_simple(const Statement& node);
  void print_names(const Statement& node);
  void print_loop(const Statement& node);
  void print_if(const typename S::If& node);
  void print_with(const typename S::With& node);
  void print_try(const typename S::Try& node);
  void print_match(const typename S::Match& node);
  void print_function(const typename S::Function& node);
  void print_class(const typename S::Class& node);

  typename Memory::File& file_;
  std::size_t depth_ = 0;
};

template <typename Memory>
void Dump<Memory>::print(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::name: return line("name", text(file_.view(as<typename S::NameExpression>(node).name)));
    case ExpressionKind::number: return line("number");
    case ExpressionKind::string:
    case ExpressionKind::joined_strings: return line("string");
    case ExpressionKind::constant:
      return line("constant", name_of(constant_names, as<typename S::ConstantExpression>(node).value));
    case ExpressionKind::sequence:
      return part(name_of(sequence_names, as<typename S::Sequence>(node).which),
                  [&] { children(as<typename S::Sequence>(node).elements); });
    case ExpressionKind::dictionary:
      return part("dictionary", [&] {
        for (const auto& entry : as<typename S::Dictionary>(node).entries) {
          if (entry.key == nullptr) line("all of");
          child(entry.key);
          child(entry.value);
        }
      });
    case ExpressionKind::comprehension: return print_comprehension(as<typename S::Comprehension>(node));
    case ExpressionKind::lambda:
      return part("lambda", [&] {
        print_parameters(as<typename S::Lambda>(node).parameters);
        child(as<typename S::Lambda>(node).body);
      });
    case ExpressionKind::prefixed:
      return part(name_of(prefix_names, as<typename S::Prefixed>(node).prefix),
                  [&] { child(as<typename S::Prefixed>(node).value); });
    default: return print_operation(node);
  }
}

template <typename Memory>
void Dump<Memory>::print_operation(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::unary:
      return part(name_of(unary_names, as<typename S::Unary>(node).op),
                  [&] { child(as<typename S::Unary>(node).operand); });
    case ExpressionKind::binary:
      return part(name_of(binary_names, as<typename S::Binary>(node).op), [&] {
        child(as<typename S::Binary>(node).left);
        child(as<typename S::Binary>(node).right);
      });
    case ExpressionKind::comparison_chain:
      return part("chain", [&] {
        child(as<typename S::ComparisonChain>(node).first);
        for (const auto& other : as<typename S::ComparisonChain>(node).others)
          part(name_of(binary_names, other.op), [&] { child(other.operand); });
      });
    case ExpressionKind::logical:
      return part(name_of(binary_names, as<typename S::Logical>(node).op),
                  [&] { children(as<typename S::Logical>(node).operands); });
    case ExpressionKind::conditional:
      return part("conditional", [&] {
        child(as<typename S::Conditional>(node).condition);
        child(as<typename S::Conditional>(node).value);
        child(as<typename S::Conditional>(node).otherwise);
      });
    case ExpressionKind::walrus:
      return part("walrus", [&] {
        child(as<typename S::Walrus>(node).target);
        child(as<typename S::Walrus>(node).value);
      });
    default: return print_postfix(node);
  }
}

template <typename Memory>
void Dump<Memory>::print_postfix(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::call:
      return part("call", [&] {
        child(as<typename S::Call>(node).callee);
        children(as<typename S::Call>(node).arguments);
      });
    case ExpressionKind::keyword_argument:
      return part(
          "keyword", [&] { child(as<typename S::KeywordArgument>(node).value); },
          text(file_.view(as<typename S::KeywordArgument>(node).name)));
    case ExpressionKind::attribute:
      return part(
          "attribute", [&] { child(as<typename S::Attribute>(node).object); },
          text(file_.view(as<typename S::Attribute>(node).name)));
    case ExpressionKind::subscript:
      return part("subscript", [&] {
        child(as<typename S::Subscript>(node).object);
        child(as<typename S::Subscript>(node).index);
      });
    case ExpressionKind::slice:
      return part("slice", [&] {
        const auto& slice = as<typename S::Slice>(node);
        if (slice.lower != nullptr) part("lower", [&] { child(slice.lower); });
        if (slice.upper != nullptr) part("upper", [&] { child(slice.upper); });
        if (slice.step != nullptr) part("step", [&] { child(slice.step); });
      });
    default: return line("unknown");
  }
}

template <typename Memory>
void Dump<Memory>::print_comprehension(const typename S::Comprehension& node) {
  part(
      "comprehension",
      [&] {
        child(node.element);
        child(node.value);
        for (const auto& clause : node.clauses) {
          part(clause.is_async ? "async clause" : "clause", [&] {
            child(clause.target);
            child(clause.iterable);
            children(clause.conditions);
          });
        }
      },
      name_of(comprehension_names, node.which));
}

template <typename Memory>
void Dump<Memory>::print_parameters(const typename S::template ValueList<typename S::Parameter>& parameters) {
  for (const auto& parameter : parameters) {
    if (parameter.which == ParameterKind::keywords_follow || parameter.which == ParameterKind::positional_end) continue;
    part(
        "parameter",
        [&] {
          if (parameter.annotation != nullptr) part("annotation", [&] { child(parameter.annotation); });
          child(parameter.default_value);
        },
        text(file_.view(parameter.name)));
  }
}

template <typename Memory>
void Dump<Memory>::print(const Statement& node) {
  switch (node.kind) {
    case StatementKind::if_else: return print_if(as<typename S::If>(node));
    case StatementKind::while_loop:
    case StatementKind::for_loop: return print_loop(node);
    case StatementKind::with_items: return print_with(as<typename S::With>(node));
    case StatementKind::try_block: return print_try(as<typename S::Try>(node));
    case StatementKind::function: return print_function(as<typename S::Function>(node));
    case StatementKind::class_definition: return print_class(as<typename S::Class>(node));
    case StatementKind::match: return print_match(as<typename S::Match>(node));
    case StatementKind::opaque: return statement_line(node, "opaque");
    default: return print_simple(node);
  }
}

template <typename Memory>
void Dump<Memory>::print_simple(const Statement& node) {
  switch (node.kind) {
    case StatementKind::expression:
      statement_line(node, "expression");
      return below([&] { child(as<typename S::ExpressionStatement>(node).value); });
    case StatementKind::assignment:
      statement_line(node, "assignment");
      return below([&] {
        children(as<typename S::Assignment>(node).targets);
        child(as<typename S::Assignment>(node).value);
      });
    case StatementKind::augmented_assignment:
      statement_line(node, "augmented", name_of(binary_names, as<typename S::AugmentedAssignment>(node).op));
      return below([&] {
        child(as<typename S::AugmentedAssignment>(node).target);
        child(as<typename S::AugmentedAssignment>(node).value);
      });
    case StatementKind::annotated_assignment:
      statement_line(node, "annotated");
      return below([&] {
        child(as<typename S::AnnotatedAssignment>(node).target);
        child(as<typename S::AnnotatedAssignment>(node).annotation);
        child(as<typename S::AnnotatedAssignment>(node).value);
      });
    case StatementKind::return_value:
      statement_line(node, "return");
      return below([&] { child(as<typename S::Return>(node).value); });
    case StatementKind::raise:
      statement_line(node, "raise");
      return below([&] {
        child(as<typename S::Raise>(node).value);
        child(as<typename S::Raise>(node).cause);
      });
    case StatementKind::assert_that:
      statement_line(node, "assert");
      return below([&] {
        child(as<typename S::Assert>(node).condition);
        child(as<typename S::Assert>(node).message);
      });
    case StatementKind::delete_targets:
      statement_line(node, "delete");
      return below([&] { children(as<typename S::Delete>(node).targets); });
    default: return print_names(node);
  }
}

template <typename Memory>
void Dump<Memory>::print_names(const Statement& node) {
  switch (node.kind) {
    case StatementKind::pass: return statement_line(node, "pass");
    case StatementKind::break_loop: return statement_line(node, "break");
    case StatementKind::continue_loop: return statement_line(node, "continue");
    case StatementKind::import_modules:
      statement_line(node, "import");
      return below([&] {
        for (const auto& alias : as<typename S::Import>(node).modules)
          line("module", text(alias.path) + " as " + text(file_.view(alias.bound)));
      });
    case StatementKind::import_from:
      statement_line(
          node, "from",
          std::to_string(as<typename S::ImportFrom>(node).level) + " " + text(as<typename S::ImportFrom>(node).module));
      return below([&] {
        for (const auto& alias : as<typename S::ImportFrom>(node).names)
          line("member", text(alias.path) + " as " + text(file_.view(alias.bound)));
      });
    case StatementKind::declare_global:
      statement_line(node, "global");
      return below([&] {
        for (const auto& name : as<typename S::Global>(node).names) line("declared", text(file_.view(name.name)));
      });
    case StatementKind::declare_nonlocal:
      statement_line(node, "nonlocal");
      return below([&] {
        for (const auto& name : as<typename S::Nonlocal>(node).names) line("declared", text(file_.view(name.name)));
      });
    default: return statement_line(node, "unknown");
  }
}

template <typename Memory>
void Dump<Memory>::print_loop(const Statement& node) {
  if (node.kind == StatementKind::while_loop) {
    const auto& loop = as<typename S::While>(node);
    statement_line(node, "while");
    return below([&] {
      child(loop.condition);
      block("body", loop.body);
      block("else", loop.otherwise);
    });
  }
  const auto& loop = as<typename S::For>(node);
  statement_line(node, loop.is_async ? "async for" : "for");
  below([&] {
    child(loop.target);
    child(loop.iterable);
    block("body", loop.body);
    block("else", loop.otherwise);
  });
}

template <typename Memory>
void Dump<Memory>::print_if(const typename S::If& node) {
  statement_line(node, "if");
  below([&] {
    for (const auto& branch : node.branches) {
      child(branch.condition);
      block("body", branch.body);
    }
    block("else", node.otherwise);
  });
}

template <typename Memory>
void Dump<Memory>::print_with(const typename S::With& node) {
  statement_line(node, node.is_async ? "async with" : "with");
  below([&] {
    for (const auto& item : node.items) {
      part("item", [&] {
        child(item.context);
        child(item.target);
      });
    }
    block("body", node.body);
  });
}

template <typename Memory>
void Dump<Memory>::print_try(const typename S::Try& node) {
  statement_line(node, node.is_group ? "try group" : "try");
  below([&] {
    block("body", node.body);
    for (const auto& handler : node.handlers) {
      part(
          "handler",
          [&] {
            child(handler.type);
            block("body", handler.body);
          },
          handler.has_name ? text(file_.view(handler.name)) : std::string());
    }
    block("else", node.otherwise);
    block("finally", node.finally);
  });
}

/// Without the patterns: ast has nodes of another kind for them.
template <typename Memory>
void Dump<Memory>::print_match(const typename S::Match& node) {
  statement_line(node, "match");
  below([&] {
    child(node.subject);
    for (const auto& one : node.cases) {
      part("case", [&] {
        child(one.guard);
        block("body", one.body);
      });
    }
  });
}

template <typename Memory>
void Dump<Memory>::print_function(const typename S::Function& node) {
  statement_line(node, node.is_async ? "async def" : "def", text(file_.view(node.name)));
  below([&] {
    for (auto&& decorator : node.decorators) part("decorator", [&] { print(*decorator); });
    print_parameters(node.parameters);
    if (node.result != nullptr) part("result", [&] { child(node.result); });
    block("body", node.body);
  });
}

template <typename Memory>
void Dump<Memory>::print_class(const typename S::Class& node) {
  statement_line(node, "class", text(file_.view(node.name)));
  below([&] {
    for (auto&& decorator : node.decorators) part("decorator", [&] { print(*decorator); });
    children(node.arguments);
    block("body", node.body);
  });
}

template <typename Memory, typename Scan>
void dump(typename Memory::Workspace& workspace, const char* path) {
  typename Memory::File file(workspace);
  const std::string_view source = without_byte_order_mark(file.read(path));
  auto tokens = file.tokens(source);
  if (PythonTokenizer<Scan, typename Memory::Tokens>(source, tokens).tokenize() != TokenizerFault::none) return;
  Parser<Memory, Scan> parser(tokens, file);
  auto module = parser.parse();
  Resolver<Memory>(file).resolve(module);
  std::printf("FILE %s %llu\n", path, static_cast<unsigned long long>(parser.counts().opaque_statements));
  Dump<Memory> tree(file);
  tree.print(module.body);
  tree.print_scopes(&*module.scope);
}

template <typename Memory, typename Scan>
void dump_all(int argument_count, char** arguments) {
  typename Memory::Shared shared(1);
  typename Memory::Workspace workspace(shared);
  for (int index = 2; index < argument_count; ++index) dump<Memory, Scan>(workspace, arguments[index]);
}

}  // namespace

/// dump_syntax standard|runtime FILE...
int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  if (std::string_view(arguments[1]) == "runtime") {
    dump_all<RuntimeMemory, SimdScan>(argument_count, arguments);
  } else {
    dump_all<StandardMemory, ScalarScan>(argument_count, arguments);
  }
  return 0;
}
