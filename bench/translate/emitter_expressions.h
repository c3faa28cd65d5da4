// Expressions as text. Included by emitter.h alone.
#pragma once

namespace bursar::translate {

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::name:
      return emit_name(as<typename S::NameExpression>(expression).name,
                       as<typename S::NameExpression>(expression).binding);
    case ExpressionKind::number: return emit_number(as<typename S::Number>(expression).text);
    case ExpressionKind::string: return emit(as<typename S::String>(expression));
    case ExpressionKind::joined_strings:
      return separate(as<typename S::JoinedStrings>(expression).parts, " + ", [this](auto&& part) { emit(*part); });
    case ExpressionKind::constant: return emit_constant(as<typename S::ConstantExpression>(expression).value);
    case ExpressionKind::sequence: {
      constexpr std::string_view words[] = {"py::tuple(", "py::list(", "py::set("};
      out_.append(words[static_cast<std::size_t>(as<typename S::Sequence>(expression).which)]);
      emit_all(as<typename S::Sequence>(expression).elements);
      return out_.append(')');
    }
    case ExpressionKind::dictionary: return emit(as<typename S::Dictionary>(expression));
    case ExpressionKind::comprehension: return emit(as<typename S::Comprehension>(expression));
    case ExpressionKind::unary: return emit(as<typename S::Unary>(expression));
    case ExpressionKind::binary: return emit(as<typename S::Binary>(expression));
    case ExpressionKind::comparison_chain: return emit(as<typename S::ComparisonChain>(expression));
    case ExpressionKind::logical: return emit(as<typename S::Logical>(expression));
    case ExpressionKind::conditional: return emit(as<typename S::Conditional>(expression));
    case ExpressionKind::lambda: return emit(as<typename S::Lambda>(expression));
    case ExpressionKind::call:
      emit_operand(as<typename S::Call>(expression).callee);
      out_.append('(');
      emit_all(as<typename S::Call>(expression).arguments);
      return out_.append(')');
    case ExpressionKind::keyword_argument: return emit(as<typename S::KeywordArgument>(expression));
    case ExpressionKind::attribute:
      emit_object(as<typename S::Attribute>(expression).object);
      out_.append('.');
      return emit_name(as<typename S::Attribute>(expression).name);
    case ExpressionKind::subscript:
      emit_operand(as<typename S::Subscript>(expression).object);
      out_.append('[');
      emit(as<typename S::Subscript>(expression).index);
      return out_.append(']');
    case ExpressionKind::slice: return emit(as<typename S::Slice>(expression));
    case ExpressionKind::prefixed: return emit(as<typename S::Prefixed>(expression));
    case ExpressionKind::walrus: return emit(as<typename S::Walrus>(expression));
  }
}

template <typename Memory, typename Scan>
bool Emitter<Memory, Scan>::is_open(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::binary: return !spelling_of(static_cast<const typename S::Binary&>(expression).op).is_function;
    case ExpressionKind::joined_strings:
    case ExpressionKind::unary:
    case ExpressionKind::logical:
    case ExpressionKind::conditional:
    case ExpressionKind::lambda:
    case ExpressionKind::prefixed: return true;
    default: return false;
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_operand(const ExpressionPointer& expression) {
  const bool is_in_parentheses = is_open(*expression);
  if (is_in_parentheses) out_.append('(');
  emit(*expression);
  if (is_in_parentheses) out_.append(')');
}

/// What a dot stands behind: that of a number would be its own.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_object(const ExpressionPointer& expression) {
  if (expression->kind != ExpressionKind::number) return emit_operand(expression);
  out_.append('(');
  emit(*expression);
  out_.append(')');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::String& string) {
  if (string.flavor == StringFlavor::format) out_.append("py::format(");
  emit_literal(file_.value_of(string.value, unescape_of<Scan>(string.flavor)));
  switch (string.flavor) {
    case StringFlavor::text: return out_.append("_s");
    case StringFlavor::bytes: return out_.append("_b");
    case StringFlavor::format: return out_.append(')');
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_constant(Constant value) {
  switch (value) {
    case Constant::none: return out_.append("py::none");
    case Constant::true_value: return out_.append("true");
    case Constant::false_value: return out_.append("false");
    case Constant::ellipsis: return out_.append("py::ellipsis");
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Dictionary& dictionary) {
  out_.append("py::dictionary(");
  separate(dictionary.entries, ", ", [this](auto& entry) {
    if (entry.key == nullptr) {
      out_.append("py::all_of(");
      emit(entry.value);
      return out_.append(')');
    }
    out_.append('{');
    emit(entry.key);
    out_.append(", ");
    emit(entry.value);
    out_.append('}');
  });
  out_.append(')');
}

/// As a function that hands its elements on one by one.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Comprehension& comprehension) {
  constexpr std::string_view words[] = {"py::generate(", "py::list_of(", "py::set_of(", "py::dictionary_of("};
  out_.append(words[static_cast<std::size_t>(comprehension.which)]);
  out_.append("[&](auto&& yield) { ");
  for (auto& clause : comprehension.clauses) {
    out_.append(clause.is_async ? "for co_await (auto&& " : "for (auto&& ");
    emit_target(clause.target);
    out_.append(" : ");
    emit(clause.iterable);
    out_.append(") ");
    for (auto&& condition : clause.conditions) {
      out_.append("if (");
      emit(*condition);
      out_.append(") ");
    }
  }
  out_.append("yield(");
  emit(comprehension.element);
  if (comprehension.value != nullptr) {
    out_.append(", ");
    emit(comprehension.value);
  }
  out_.append("); })");
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Unary& unary) {
  constexpr char signs[] = {'!', '+', '-', '~'};
  out_.append(signs[static_cast<std::size_t>(unary.op)]);
  emit_operand(unary.operand);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Binary& binary) {
  const Spelling spelling = spelling_of(binary.op);
  if (!spelling.is_function) {
    emit_operand(binary.left);
    out_.append(spelling.text);
    return emit_operand(binary.right);
  }
  out_.append(spelling.text);
  out_.append('(');
  emit(binary.left);
  out_.append(", ");
  emit(binary.right);
  out_.append(')');
}

/// a < b < c evaluates b once: a function of all of them.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::ComparisonChain& chain) {
  out_.append("py::chain(");
  emit(chain.first);
  for (auto& other : chain.others) {
    const Spelling spelling = spelling_of(other.op);
    out_.append(", \"");
    out_.append(spelling.text);
    out_.append("\", ");
    emit(other.operand);
  }
  out_.append(')');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Logical& logical) {
  separate(logical.operands, spelling_of(logical.op).text, [this](auto&& operand) { emit_operand(operand); });
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Conditional& conditional) {
  emit_operand(conditional.condition);
  out_.append(" ? ");
  emit_operand(conditional.value);
  out_.append(" : ");
  emit_operand(conditional.otherwise);
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Lambda& lambda) {
  out_.append("[=](");
  emit_parameters(lambda.parameters);
  out_.append(") { return ");
  emit(lambda.body);
  out_.append("; }");
}

template <typename Memory, typename Scan>
template <typename Parameters>
void Emitter<Memory, Scan>::emit_parameters(const Parameters& parameters) {
  separate(parameters, ", ", [this](auto& parameter) {
    switch (parameter.which) {
      case ParameterKind::keywords_follow: return out_.append("py::keywords_follow");
      case ParameterKind::positional_end: return out_.append("py::positional_end");
      case ParameterKind::star: out_.append("py::arguments "); break;
      case ParameterKind::double_star: out_.append("py::keywords "); break;
      case ParameterKind::plain:
        if (parameter.annotation == nullptr) {
          out_.append("py::object ");
        } else {
          out_.append("py::annotated<");
          emit(parameter.annotation);
          out_.append("> ");
        }
    }
    emit_name(parameter.name);
    if (parameter.default_value != nullptr) {
      out_.append(" = ");
      emit(parameter.default_value);
    }
  });
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::KeywordArgument& argument) {
  out_.append("py::keyword(");
  emit_literal(file_.view(argument.name));
  out_.append(", ");
  emit(argument.value);
  out_.append(')');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Slice& slice) {
  out_.append("py::slice(");
  emit_or_none(slice.lower);
  out_.append(", ");
  emit_or_none(slice.upper);
  out_.append(", ");
  emit_or_none(slice.step);
  out_.append(')');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Prefixed& prefixed) {
  switch (prefixed.prefix) {
    case Prefix::star: out_.append("py::unpack("); break;
    case Prefix::double_star: out_.append("py::unpack_keywords("); break;
    case Prefix::await: out_.append("co_await "); return emit_operand(prefixed.value);
    case Prefix::yield: out_.append("co_yield "); return emit_or_none(prefixed.value);
    case Prefix::yield_from: out_.append("co_yield py::each("); break;
  }
  emit(prefixed.value);
  out_.append(')');
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit(const typename S::Walrus& walrus) {
  out_.append('(');
  emit_target(walrus.target);
  out_.append(" = ");
  emit(walrus.value);
  out_.append(')');
}

/// What stands to the left of an assignment.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_target(const Expression& target) {
  switch (target.kind) {
    case ExpressionKind::sequence:
      out_.append("py::tie(");
      separate(as<typename S::Sequence>(target).elements, ", ", [this](auto&& element) { emit_target(*element); });
      return out_.append(')');
    case ExpressionKind::prefixed:
      out_.append("py::rest(");
      emit_target(as<typename S::Prefixed>(target).value);
      return out_.append(')');
    default: return emit(target);
  }
}

}  // namespace bursar::translate
