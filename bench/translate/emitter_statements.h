// Statements as text. Included by emitter.h alone.
#pragma once

namespace bursar::translate {

/// The variables of a scope, where it begins, in the order in which they are met.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::declare_variables(typename S::Scope& scope) {
  const Resolution own = scope.kind == ScopeKind::module       ? Resolution::global
                         : scope.kind == ScopeKind::class_body ? Resolution::member
                                                               : Resolution::local;
  bool is_first = true;
  scope.bindings.for_each([&](const Name& name, const Binding& binding) {
    if (!binding.is_bound || binding.is_parameter || binding.resolution != own || binding.is_global) return;
    if (is_first) begin_line();
    out_.append(is_first ? "py::object " : ", ");
    is_first = false;
    emit_name(name);
  });
  if (!is_first) end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::expression: emit(as<typename S::ExpressionStatement>(statement).value); return end_line();
    case StatementKind::assignment: return emit(as<typename S::Assignment>(statement));
    case StatementKind::augmented_assignment: return emit(as<typename S::AugmentedAssignment>(statement));
    case StatementKind::annotated_assignment: return emit(as<typename S::AnnotatedAssignment>(statement));
    case StatementKind::return_value:
      out_.append("return ");
      emit_or_none(as<typename S::Return>(statement).value);
      return end_line();
    case StatementKind::raise: return emit(as<typename S::Raise>(statement));
    case StatementKind::assert_that: return emit(as<typename S::Assert>(statement));
    case StatementKind::delete_targets:
      out_.append("py::remove(");
      emit_all(as<typename S::Delete>(statement).targets);
      return end_line(");\n");
    case StatementKind::pass: return end_line();
    case StatementKind::break_loop: return end_line("break;\n");
    case StatementKind::continue_loop: return end_line("continue;\n");
    case StatementKind::import_modules: return emit(as<typename S::Import>(statement));
    case StatementKind::import_from: return emit(as<typename S::ImportFrom>(statement));
    case StatementKind::declare_global: return emit_declaration("// global ", as<typename S::Global>(statement).names);
    case StatementKind::declare_nonlocal:
      return emit_declaration("// nonlocal ", as<typename S::Nonlocal>(statement).names);
    case StatementKind::opaque:
      out_.append("py::opaque(");
      emit_literal(as<typename S::Opaque>(statement).text);
      return end_line(");\n");
    default: return emit_compound(statement);
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_compound(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::if_else: emit(as<typename S::If>(statement)); break;
    case StatementKind::while_loop: emit(as<typename S::While>(statement)); break;
    case StatementKind::for_loop: emit(as<typename S::For>(statement)); break;
    case StatementKind::with_items: emit(as<typename S::With>(statement)); break;
    case StatementKind::try_block: emit(as<typename S::Try>(statement)); break;
    case StatementKind::function: emit(as<typename S::Function>(statement)); break;
    case StatementKind::class_definition: emit(as<typename S::Class>(statement)); break;
    case StatementKind::match: emit(as<typename S::Match>(statement)); break;
    default: break;
  }
  end_line("\n");
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Assignment& assignment) {
  for (auto&& target : assignment.targets) {
    emit_target(*target);
    out_.append(" = ");
  }
  emit(assignment.value);
  end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::AugmentedAssignment& assignment) {
  const Spelling spelling = spelling_of(assignment.op);
  emit_target(assignment.target);
  if (spelling.is_function) {
    out_.append(" = ");
    out_.append(spelling.text);
    out_.append('(');
    emit_target(assignment.target);
    out_.append(", ");
    emit(assignment.value);
    return end_line(");\n");
  }
  // The spelling has a blank on both sides.
  out_.append(spelling.text.substr(0, spelling.text.size() - 1));
  out_.append("= ");
  emit(assignment.value);
  end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::AnnotatedAssignment& assignment) {
  out_.append("py::annotated<");
  emit(assignment.annotation);
  out_.append(">(");
  emit_target(assignment.target);
  out_.append(')');
  if (assignment.value != nullptr) {
    out_.append(" = ");
    emit(assignment.value);
  }
  end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Raise& statement) {
  if (statement.value == nullptr) return end_line("throw;\n");
  out_.append("throw ");
  if (statement.cause != nullptr) out_.append("py::caused(");
  emit(statement.value);
  if (statement.cause != nullptr) {
    out_.append(", ");
    emit(statement.cause);
    out_.append(')');
  }
  end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Assert& statement) {
  out_.append("py::check(");
  emit(statement.condition);
  if (statement.message != nullptr) {
    out_.append(", ");
    emit(statement.message);
  }
  end_line(");\n");
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Import& statement) {
  separate(statement.modules, "; ", [this](auto& alias) {
    emit_name(alias.bound, alias.binding);
    out_.append(alias.is_renamed ? " = py::import(" : " = py::import_package(");
    emit_literal(alias.path);
    out_.append(')');
  });
  end_line();
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::ImportFrom& statement) {
  const auto emit_module = [&] {
    out_.append('"');
    out_.append(statement.level, '.');
    emit_escaped(statement.module);
    out_.append('"');
  };
  if (statement.names.empty()) {
    out_.append("py::import_all(");
    emit_module();
    return end_line(");\n");
  }
  separate(statement.names, "; ", [&](auto& alias) {
    emit_name(alias.bound, alias.binding);
    out_.append(" = py::import_from(");
    emit_module();
    out_.append(", ");
    emit_literal(alias.path);
    out_.append(')');
  });
  end_line();
}

template <typename Memory, typename Scan>
template <typename Names>
void Emitter<Memory, Scan>::emit_declaration(std::string_view word, const Names& names) {
  out_.append(word);
  separate(names, ", ", [this](auto& declared) { emit_name(declared.name); });
  end_line("\n");
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::If& statement) {
  separate(statement.branches, " else ", [this](auto& branch) {
    out_.append("if (");
    emit(branch.condition);
    out_.append(')');
    emit_block(branch.body);
  });
  emit_block_behind(" else", statement.otherwise);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::While& statement) {
  out_.append("while (");
  emit(statement.condition);
  out_.append(')');
  emit_block(statement.body);
  emit_block_behind(" py::otherwise", statement.otherwise);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::For& statement) {
  out_.append(statement.is_async ? "for co_await (" : "for (");
  emit_target(statement.target);
  out_.append(" : ");
  emit(statement.iterable);
  out_.append(')');
  emit_block(statement.body);
  emit_block_behind(" py::otherwise", statement.otherwise);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::With& statement) {
  out_.append(statement.is_async ? "py::async_with (" : "py::with (");
  separate(statement.items, ", ", [this](auto& item) {
    if (item.target != nullptr) {
      emit_target(item.target);
      out_.append(" = ");
    }
    emit(item.context);
  });
  out_.append(')');
  emit_block(statement.body);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Try& statement) {
  out_.append("try");
  emit_block(statement.body);
  for (auto& handler : statement.handlers) {
    out_.append(statement.is_group ? " py::catch_group (" : " catch (");
    if (handler.type == nullptr) {
      out_.append("...");
    } else {
      emit(handler.type);
    }
    if (handler.has_name) {
      out_.append("& ");
      emit_name(handler.name, handler.binding);
    }
    out_.append(')');
    emit_block(handler.body);
  }
  emit_block_behind(" py::otherwise", statement.otherwise);
  emit_block_behind(" py::finally", statement.finally);
}

template <typename Memory, typename Scan>
template <typename Decorators>
void Emitter<Memory, Scan>::emit_decorators(const Decorators& decorators) {
  for (auto&& decorator : decorators) {
    out_.append("[[py::decorate(");
    emit(*decorator);
    out_.append(")]]\n");
    begin_line();
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Function& function) {
  emit_decorators(function.decorators);
  out_.append(function.is_async ? "py::task " : "auto ");
  emit_name(function.name);
  out_.append('(');
  emit_parameters(function.parameters);
  out_.append(')');
  if (function.result != nullptr) {
    out_.append(" -> py::annotated<");
    emit(function.result);
    out_.append('>');
  }
  out_.append(" {\n");
  ++indent_;
  declare_variables(*function.scope);
  emit_lines(function.body);
  --indent_;
  begin_line();
  out_.append('}');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Class& definition) {
  emit_decorators(definition.decorators);
  out_.append("struct ");
  emit_name(definition.name);
  if (!definition.arguments.empty()) {
    out_.append(" : py::bases<");
    emit_all(definition.arguments);
    out_.append('>');
  }
  out_.append(" {\n");
  ++indent_;
  declare_variables(*definition.scope);
  emit_lines(definition.body);
  --indent_;
  begin_line();
  out_.append("};");
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Match& statement) {
  out_.append("py::match (");
  emit(statement.subject);
  out_.append(") {\n");
  ++indent_;
  for (auto& one : statement.cases) {
    begin_line();
    out_.append("py::when (");
    emit(one.pattern);
    if (one.guard != nullptr) {
      out_.append("; ");
      emit(one.guard);
    }
    out_.append(')');
    emit_block(one.body);
    end_line("\n");
  }
  --indent_;
  begin_line();
  out_.append('}');
}

}  // namespace bursar::translate
