// A syntax tree as text like C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/translate/python_strings.h"
#include "bench/translate/scan.h"
#include "bench/translate/syntax.h"

namespace bursar::translate {

/// Writes a file's tree, whose names are resolved, once. What C++ has no word for is a function of the namespace py, or a word
/// in front of a block; variables of the module are module::x, names nobody binds py::x, names that are reserved in C++ get an underscore.
/// Throws what the memory throws.
template <typename Memory, typename Scan>
class Emitter {
  using S = Syntax<Memory>;
  using Expression = typename S::Expression;
  using ExpressionPointer = typename S::template Pointer<Expression>;
  using Statement = typename S::Statement;
  using Name = typename S::Name;
  using Block = typename S::Block;

 public:
  explicit Emitter(typename Memory::File& file) : file_(file), out_(file.output()) {}

  void emit(const typename S::Module& module) {
    out_.append("#include <py/py.h>\n\nnamespace module {\n\n");
    declare_variables(*module.scope);
    emit_lines(module.body);
    out_.append("\n}  // namespace module\n");
  }

 private:
  // ---- names and texts ----
  void emit_name(const Name& name) {
    out_.append(file_.view(name));
    if (file_.is_reserved(name)) out_.append('_');
  }
  void emit_name(const Name& name, const Binding* binding) {
    if (binding != nullptr && binding->resolution == Resolution::global) out_.append("module::");
    if (binding != nullptr && binding->resolution == Resolution::builtin) out_.append("py::");
    emit_name(name);
  }
  void emit_escaped(std::string_view text);
  void emit_escape(char byte);
  void emit_literal(std::string_view text) {
    out_.append('"');
    emit_escaped(text);
    out_.append('"');
  }
  void emit_number(std::string_view text);

  // ---- lists ----
  /// emit_one for each, the separator between them.
  template <typename List, typename EmitOne>
  void separate(const List& list, std::string_view separator, EmitOne emit_one) {
    bool is_first = true;
    for (auto&& element : list) {
      if (!is_first) out_.append(separator);
      is_first = false;
      emit_one(element);
    }
  }
  template <typename List>
  void emit_all(const List& list) {
    separate(list, ", ", [this](auto&& node) { emit(*node); });
  }

  // ---- expressions: emitter_expressions.h ----
  void emit(const Expression& expression);
  void emit(const ExpressionPointer& expression) { emit(*expression); }
  /// In parentheses where the text around it could take a part of it.
  void emit_operand(const ExpressionPointer& expression);
  void emit_object(const ExpressionPointer& expression);
  [[nodiscard]] static bool is_open(const Expression& expression);
  void emit_or_none(const ExpressionPointer& expression) {
    if (expression == nullptr) {
      out_.append("py::none");
    } else {
      emit(*expression);
    }
  }
  void emit(const typename S::String& string);
  void emit(const typename S::Dictionary& dictionary);
  void emit(const typename S::Comprehension& comprehension);
  void emit(const typename S::Unary& unary);
  void emit(const typename S::Binary& binary);
  void emit(const typename S::ComparisonChain& chain);
  void emit(const typename S::Logical& logical);
  void emit(const typename S::Conditional& conditional);
  void emit(const typename S::Lambda& lambda);
  void emit(const typename S::Prefixed& prefixed);
  void emit(const typename S::Slice& slice);
  void emit(const typename S::KeywordArgument& argument);
  void emit(const typename S::Walrus& walrus);
  void emit_constant(Constant value);
  template <typename Parameters>
  void emit_parameters(const Parameters& parameters);
  void emit_target(const Expression& target);
  void emit_target(const ExpressionPointer& target) { emit_target(*target); }

  // ---- statements: emitter_statements.h ----
  void begin_line() { out_.append(2 * indent_, ' '); }
  void end_line(std::string_view end = ";\n") { out_.append(end); }
  void declare_variables(typename S::Scope& scope);
  void emit_lines(const Block& block) {
    for (auto&& statement : block) {
      begin_line();
      emit(*statement);
    }
  }
  /// Behind a head: the block in braces, and no end of the line.
  void emit_block(const Block& block) {
    out_.append(" {\n");
    ++indent_;
    emit_lines(block);
    --indent_;
    begin_line();
    out_.append('}');
  }
  void emit_block_behind(std::string_view word, const Block& block) {
    if (block.empty()) return;
    out_.append(word);
    emit_block(block);
  }
  void emit(const Statement& statement);
  void emit_compound(const Statement& statement);
  void emit(const typename S::Assignment& assignment);
  void emit(const typename S::AugmentedAssignment& assignment);
  void emit(const typename S::AnnotatedAssignment& assignment);
  void emit(const typename S::Raise& statement);
  void emit(const typename S::Assert& statement);
  void emit(const typename S::Import& statement);
  void emit(const typename S::ImportFrom& statement);
  template <typename Names>
  void emit_declaration(std::string_view word, const Names& names);
  void emit(const typename S::If& statement);
  void emit(const typename S::While& statement);
  void emit(const typename S::For& statement);
  void emit(const typename S::With& statement);
  void emit(const typename S::Try& statement);
  void emit(const typename S::Function& function);
  void emit(const typename S::Class& definition);
  void emit(const typename S::Match& statement);
  template <typename Decorators>
  void emit_decorators(const Decorators& decorators);

  template <typename T>
  [[nodiscard]] static const T& as(const Expression& expression) {
    return static_cast<const T&>(expression);
  }
  template <typename T>
  [[nodiscard]] static const T& as(const Statement& statement) {
    return static_cast<const T&>(statement);
  }

  typename Memory::File& file_;
  typename Memory::Output& out_;
  std::size_t indent_ = 0;
};

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_escaped(std::string_view text) {
  while (true) {
    const std::size_t plain = Scan::find_within(text, byte_sets::NeedsEscape{});
    out_.append(text.substr(0, plain));
    if (plain == text.size()) return;
    emit_escape(text[plain]);
    text.remove_prefix(plain + 1);
  }
}

template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_escape(char byte) {
  out_.append('\\');
  switch (byte) {
    case '\n': return out_.append('n');
    case '\t': return out_.append('t');
    case '\r': return out_.append('r');
    case '"':
    case '\\': return out_.append(byte);
    default:
      // Always three digits: what follows may be one as well.
      for (const int shift : {6, 3, 0}) out_.append(static_cast<char>('0' + (byte >> shift & 7)));
  }
}

/// Separators are quotes in C++, and octal numbers have no letter.
template <typename Memory, typename Scan>
void Emitter<Memory, Scan>::emit_number(std::string_view text) {
  const bool is_imaginary = (text.back() | 0x20) == 'j';
  if (is_imaginary) out_.append("py::imaginary(");
  if (is_imaginary) text.remove_suffix(1);
  const bool is_octal = text.size() > 2 && (text[1] | 0x20) == 'o';
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (is_octal && index == 1) continue;
    out_.append(text[index] == '_' ? '\'' : text[index]);
  }
  if (is_imaginary) out_.append(')');
}

}  // namespace bursar::translate

#include "bench/translate/emitter_expressions.h"
#include "bench/translate/emitter_statements.h"
