// Which variable each name of a syntax tree stands for, by Python's rules.
#pragma once

#include <cstdint>

#include "bench/translate/syntax.h"

namespace bursar::translate {

/// Makes the scopes of a file, once. A name that a scope binds anywhere is its own, but for those it says are global or nonlocal; others
/// are looked for in the functions around it, past the bodies of classes, then in the module. Comprehensions have a scope, whose first iterable is
/// outside of it, and what := binds in them is bound around them.
/// Throws what the memory throws.
template <typename Memory>
class Resolver {
  using S = Syntax<Memory>;
  using Scope = typename S::Scope;
  using Expression = typename S::Expression;
  using ExpressionPointer = typename S::template Pointer<Expression>;
  using Statement = typename S::Statement;
  using Name = typename S::Name;

 public:
  explicit Resolver(typename Memory::File& file) : file_(file) {}

  void resolve(typename S::Module& module) {
    module.scope = make_scope(ScopeKind::module);
    module_ = &*module.scope;
    visit(module.body);
    for (Scope* scope = first_; scope != nullptr; scope = scope->next) resolve_names(*scope);
  }

  /// Occurrences of names.
  [[nodiscard]] std::uint64_t names() const { return names_; }

 private:
  // ---- scopes ----
  [[nodiscard]] typename S::template Pointer<Scope> make_scope(ScopeKind kind) {
    auto scope = file_.template make<Scope>();
    scope->kind = kind;
    scope->parent = scope_;
    scope_ = &*scope;
    *(last_ == nullptr ? &first_ : &last_->next) = scope_;
    last_ = scope_;
    return scope;
  }
  void leave_scope() { scope_ = scope_->parent; }

  [[nodiscard]] const Binding& use(const Name& name) {
    ++names_;
    return scope_->bindings.at(name, file_);
  }
  const Binding& bind_in(Scope& scope, const Name& name) {
    ++names_;
    Binding& binding = scope.bindings.at(name, file_);
    binding.is_bound = true;
    if (binding.is_global) module_->bindings.at(name, file_).is_bound = true;
    return binding;
  }
  const Binding& bind(const Name& name) { return bind_in(*scope_, name); }

  // ---- the second step: from what scopes know of their own names to where those are found ----
  static void resolve_names(Scope& scope) {
    scope.bindings.for_each(
        [&scope](const Name& name, Binding& binding) { binding.resolution = resolution_of(scope, name, binding); });
  }

  [[nodiscard]] static Resolution resolution_of(const Scope& scope, const Name& name, const Binding& binding) {
    if (scope.kind == ScopeKind::module) return binding.is_bound ? Resolution::global : Resolution::builtin;
    if (binding.is_global) return Resolution::global;
    if (binding.is_bound && !binding.is_nonlocal)
      return scope.kind == ScopeKind::class_body ? Resolution::member : Resolution::local;
    for (const Scope* around = scope.parent;; around = around->parent) {
      if (around->kind == ScopeKind::class_body) continue;
      const Binding* found = around->bindings.find(name);
      const bool is_bound = found != nullptr && found->is_bound;
      if (around->kind == ScopeKind::module) return is_bound ? Resolution::global : Resolution::builtin;
      if (found != nullptr && found->is_global) return Resolution::global;
      if (is_bound && !found->is_nonlocal) return Resolution::enclosing;
    }
  }

  // ---- expressions ----
  void visit(const ExpressionPointer& expression) {
    if (expression != nullptr) visit(*expression);
  }
  void visit(Expression& expression);
  template <typename List>
  void visit_all(List& list) {
    for (auto&& node : list) visit(*node);
  }
  void visit(typename S::Comprehension& comprehension);
  void visit(typename S::Lambda& lambda);
  void visit_walrus(typename S::Walrus& walrus);
  template <typename Parameters>
  void visit_outside(Parameters& parameters) {
    for (auto& parameter : parameters) {
      visit(parameter.annotation);
      visit(parameter.default_value);
    }
  }
  template <typename Parameters>
  void bind_parameters(Parameters& parameters) {
    for (auto& parameter : parameters) {
      if (parameter.which == ParameterKind::keywords_follow || parameter.which == ParameterKind::positional_end)
        continue;
      (void)bind(parameter.name);
      scope_->bindings.at(parameter.name, file_).is_parameter = true;
    }
  }
  /// What an assignment does to its target: names are bound, everything else is used.
  void assign(Expression& target);
  void assign(const ExpressionPointer& target) {
    if (target != nullptr) assign(*target);
  }
  void visit_pattern(Expression& pattern);
  void visit_pattern(const ExpressionPointer& pattern) {
    if (pattern != nullptr) visit_pattern(*pattern);
  }

  // ---- statements ----
  void visit(typename S::Block& block) {
    for (auto&& statement : block) visit(*statement);
  }
  void visit(Statement& statement);
  void visit_compound(Statement& statement);
  void visit(typename S::Try& statement);
  void visit(typename S::Match& statement);
  void visit(typename S::Function& function);
  void visit(typename S::Class& definition);
  template <typename Aliases>
  void bind_aliases(Aliases& aliases) {
    for (auto& alias : aliases) alias.binding = &bind(alias.bound);
  }

  template <typename T>
  [[nodiscard]] static T& as(Expression& expression) {
    return static_cast<T&>(expression);
  }
  template <typename T>
  [[nodiscard]] static T& as(Statement& statement) {
    return static_cast<T&>(statement);
  }

  typename Memory::File& file_;
  Scope* scope_ = nullptr;  // the innermost one
  Scope* module_ = nullptr;
  Scope* first_ = nullptr;
  Scope* last_ = nullptr;
  std::uint64_t names_ = 0;
};

template <typename Memory>
void Resolver<Memory>::visit(Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::name: {
      auto& name = as<typename S::NameExpression>(expression);
      name.binding = &use(name.name);
      return;
    }
    case ExpressionKind::number:
    case ExpressionKind::string:
    case ExpressionKind::constant: return;
    case ExpressionKind::joined_strings: return;
    case ExpressionKind::sequence: return visit_all(as<typename S::Sequence>(expression).elements);
    case ExpressionKind::dictionary:
      for (auto& entry : as<typename S::Dictionary>(expression).entries) {
        visit(entry.key);
        visit(entry.value);
      }
      return;
    case ExpressionKind::comprehension: return visit(as<typename S::Comprehension>(expression));
    case ExpressionKind::unary: return visit(as<typename S::Unary>(expression).operand);
    case ExpressionKind::binary:
      visit(as<typename S::Binary>(expression).left);
      return visit(as<typename S::Binary>(expression).right);
    case ExpressionKind::comparison_chain:
      visit(as<typename S::ComparisonChain>(expression).first);
      for (auto& other : as<typename S::ComparisonChain>(expression).others) visit(other.operand);
      return;
    case ExpressionKind::logical: return visit_all(as<typename S::Logical>(expression).operands);
    case ExpressionKind::conditional:
      visit(as<typename S::Conditional>(expression).condition);
      visit(as<typename S::Conditional>(expression).value);
      return visit(as<typename S::Conditional>(expression).otherwise);
    case ExpressionKind::lambda: return visit(as<typename S::Lambda>(expression));
    case ExpressionKind::call:
      visit(as<typename S::Call>(expression).callee);
      return visit_all(as<typename S::Call>(expression).arguments);
    case ExpressionKind::keyword_argument: return visit(as<typename S::KeywordArgument>(expression).value);
    case ExpressionKind::attribute: return visit(as<typename S::Attribute>(expression).object);
    case ExpressionKind::subscript:
      visit(as<typename S::Subscript>(expression).object);
      return visit(as<typename S::Subscript>(expression).index);
    case ExpressionKind::slice:
      visit(as<typename S::Slice>(expression).lower);
      visit(as<typename S::Slice>(expression).upper);
      return visit(as<typename S::Slice>(expression).step);
    case ExpressionKind::prefixed: return visit(as<typename S::Prefixed>(expression).value);
    case ExpressionKind::walrus: return visit_walrus(as<typename S::Walrus>(expression));
  }
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Comprehension& comprehension) {
  bool is_first = true;
  for (auto& clause : comprehension.clauses) {
    visit(clause.iterable);
    if (is_first) comprehension.scope = make_scope(ScopeKind::comprehension);
    is_first = false;
    assign(clause.target);
    visit_all(clause.conditions);
  }
  visit(comprehension.element);
  visit(comprehension.value);
  leave_scope();
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Lambda& lambda) {
  visit_outside(lambda.parameters);
  lambda.scope = make_scope(ScopeKind::function);
  bind_parameters(lambda.parameters);
  visit(lambda.body);
  leave_scope();
}

template <typename Memory>
void Resolver<Memory>::visit_walrus(typename S::Walrus& walrus) {
  visit(walrus.value);
  Scope* scope = scope_;
  while (scope->kind == ScopeKind::comprehension) scope = scope->parent;
  auto& name = as<typename S::NameExpression>(*walrus.target);
  name.binding = &bind_in(*scope, name.name);
}

template <typename Memory>
void Resolver<Memory>::assign(Expression& target) {
  switch (target.kind) {
    case ExpressionKind::name: {
      auto& name = as<typename S::NameExpression>(target);
      name.binding = &bind(name.name);
      return;
    }
    case ExpressionKind::sequence:
      for (auto&& element : as<typename S::Sequence>(target).elements) assign(*element);
      return;
    case ExpressionKind::prefixed: return assign(as<typename S::Prefixed>(target).value);
    default: return visit(target);
  }
}

/// Names are bound; what is called, and names with dots, are used.
template <typename Memory>
void Resolver<Memory>::visit_pattern(Expression& pattern) {
  switch (pattern.kind) {
    case ExpressionKind::name:
      // The name that matches everything is bound to nothing.
      return file_.view(as<typename S::NameExpression>(pattern).name) == "_" ? void() : assign(pattern);
    case ExpressionKind::sequence:
      for (auto&& element : as<typename S::Sequence>(pattern).elements) visit_pattern(*element);
      return;
    case ExpressionKind::prefixed: return visit_pattern(as<typename S::Prefixed>(pattern).value);
    case ExpressionKind::binary:
      visit_pattern(as<typename S::Binary>(pattern).left);
      return visit_pattern(as<typename S::Binary>(pattern).right);
    case ExpressionKind::walrus:
      visit_pattern(as<typename S::Walrus>(pattern).value);
      return visit_pattern(as<typename S::Walrus>(pattern).target);
    case ExpressionKind::call:
      visit(as<typename S::Call>(pattern).callee);
      for (auto&& argument : as<typename S::Call>(pattern).arguments) visit_pattern(*argument);
      return;
    case ExpressionKind::keyword_argument: return visit_pattern(as<typename S::KeywordArgument>(pattern).value);
    case ExpressionKind::dictionary:
      for (auto& entry : as<typename S::Dictionary>(pattern).entries) {
        visit(entry.key);
        visit_pattern(entry.value);
      }
      return;
    default: return visit(pattern);
  }
}

template <typename Memory>
void Resolver<Memory>::visit(Statement& statement) {
  switch (statement.kind) {
    case StatementKind::expression: return visit(as<typename S::ExpressionStatement>(statement).value);
    case StatementKind::assignment:
      visit(as<typename S::Assignment>(statement).value);
      for (auto&& target : as<typename S::Assignment>(statement).targets) assign(*target);
      return;
    case StatementKind::augmented_assignment:
      visit(as<typename S::AugmentedAssignment>(statement).value);
      return assign(as<typename S::AugmentedAssignment>(statement).target);
    case StatementKind::annotated_assignment:
      visit(as<typename S::AnnotatedAssignment>(statement).annotation);
      visit(as<typename S::AnnotatedAssignment>(statement).value);
      return assign(as<typename S::AnnotatedAssignment>(statement).target);
    case StatementKind::return_value: return visit(as<typename S::Return>(statement).value);
    case StatementKind::raise:
      visit(as<typename S::Raise>(statement).value);
      return visit(as<typename S::Raise>(statement).cause);
    case StatementKind::assert_that:
      visit(as<typename S::Assert>(statement).condition);
      return visit(as<typename S::Assert>(statement).message);
    case StatementKind::delete_targets:
      for (auto&& target : as<typename S::Delete>(statement).targets) assign(*target);
      return;
    case StatementKind::import_modules: return bind_aliases(as<typename S::Import>(statement).modules);
    case StatementKind::import_from: return bind_aliases(as<typename S::ImportFrom>(statement).names);
    case StatementKind::declare_global:
      for (auto& declared : as<typename S::Global>(statement).names)
        scope_->bindings.at(declared.name, file_).is_global = true;
      return;
    case StatementKind::declare_nonlocal:
      for (auto& declared : as<typename S::Nonlocal>(statement).names)
        scope_->bindings.at(declared.name, file_).is_nonlocal = true;
      return;
    case StatementKind::pass:
    case StatementKind::break_loop:
    case StatementKind::continue_loop:
    case StatementKind::opaque: return;
    default: return visit_compound(statement);
  }
}

template <typename Memory>
void Resolver<Memory>::visit_compound(Statement& statement) {
  switch (statement.kind) {
    case StatementKind::if_else:
      for (auto& branch : as<typename S::If>(statement).branches) {
        visit(branch.condition);
        visit(branch.body);
      }
      return visit(as<typename S::If>(statement).otherwise);
    case StatementKind::while_loop:
      visit(as<typename S::While>(statement).condition);
      visit(as<typename S::While>(statement).body);
      return visit(as<typename S::While>(statement).otherwise);
    case StatementKind::for_loop:
      visit(as<typename S::For>(statement).iterable);
      assign(as<typename S::For>(statement).target);
      visit(as<typename S::For>(statement).body);
      return visit(as<typename S::For>(statement).otherwise);
    case StatementKind::with_items:
      for (auto& item : as<typename S::With>(statement).items) {
        visit(item.context);
        assign(item.target);
      }
      return visit(as<typename S::With>(statement).body);
    case StatementKind::try_block: return visit(as<typename S::Try>(statement));
    case StatementKind::function: return visit(as<typename S::Function>(statement));
    case StatementKind::class_definition: return visit(as<typename S::Class>(statement));
    case StatementKind::match: return visit(as<typename S::Match>(statement));
    default: return;
  }
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Try& statement) {
  visit(statement.body);
  for (auto& handler : statement.handlers) {
    visit(handler.type);
    if (handler.has_name) handler.binding = &bind(handler.name);
    visit(handler.body);
  }
  visit(statement.otherwise);
  visit(statement.finally);
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Match& statement) {
  visit(statement.subject);
  for (auto& one : statement.cases) {
    visit_pattern(one.pattern);
    visit(one.guard);
    visit(one.body);
  }
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Function& function) {
  visit_all(function.decorators);
  visit_outside(function.parameters);
  visit(function.result);
  function.binding = &bind(function.name);
  function.scope = make_scope(ScopeKind::function);
  bind_parameters(function.parameters);
  visit(function.body);
  leave_scope();
}

template <typename Memory>
void Resolver<Memory>::visit(typename S::Class& definition) {
  visit_all(definition.decorators);
  visit_all(definition.arguments);
  definition.binding = &bind(definition.name);
  definition.scope = make_scope(ScopeKind::class_body);
  visit(definition.body);
  leave_scope();
}

}  // namespace bursar::translate
