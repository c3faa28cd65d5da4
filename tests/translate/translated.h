// Translates a source with one of the variants, step by step, for the tests of the steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/translate/emitter.h"
#include "bench/translate/parser.h"
#include "bench/translate/python_tokenizer.h"
#include "bench/translate/resolver.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"
#include "bench/translate/standard_memory.h"

namespace bursar::translate {

struct Translated {
  TokenizerFault fault = TokenizerFault::none;
  ParserCounts counts;
  std::uint64_t names = 0;
  std::uint32_t nesting_fault_line = 0;
  std::string text;
  std::size_t pieces = 0;
};

class TextKeeper final : public TextSink {
 public:
  explicit TextKeeper(Translated& result) : result_(result) {}
  void take(std::string_view piece) override {
    result_.text += piece;
    ++result_.pieces;
  }

 private:
  Translated& result_;
};

template <typename Memory, typename Scan>
Translated translated_by(std::string_view source) {
  typename Memory::Shared shared(1);
  typename Memory::Workspace workspace(shared);
  typename Memory::File file(workspace);
  const std::string padded = std::string(source) + std::string(source_tail_bytes, '\0');
  const std::string_view text = std::string_view(padded).substr(0, source.size());
  Translated result;
  auto tokens = file.tokens(text);
  result.fault = PythonTokenizer<Scan, typename Memory::Tokens>(text, tokens).tokenize();
  if (result.fault != TokenizerFault::none) return result;
  Parser<Memory, Scan> parser(tokens, file);
  auto module = parser.parse();
  result.counts = parser.counts();
  result.nesting_fault_line = parser.nesting_fault_line();
  Resolver<Memory> resolver(file);
  resolver.resolve(module);
  result.names = resolver.names();
  TextKeeper keeper(result);
  file.output().begin(keeper, text.size());
  Emitter<Memory, Scan>(file).emit(module);
  (void)file.output().end();
  return result;
}

/// By the variant with all that the runtime has.
inline Translated translated(std::string_view source) { return translated_by<RuntimeMemory, SimdScan>(source); }

/// The lines of the module without what stands around them, and without the declaration of its variables.
inline std::string body_of(std::string_view text) {
  constexpr std::string_view head = "namespace module {\n\n";
  constexpr std::string_view tail = "\n}  // namespace module\n";
  text.remove_prefix(text.find(head) + head.size());
  text.remove_suffix(tail.size());
  if (text.starts_with("py::object ")) text.remove_prefix(text.find('\n') + 1);
  return std::string(text);
}
inline std::string body(std::string_view source) { return body_of(translated(source).text); }

}  // namespace bursar::translate
