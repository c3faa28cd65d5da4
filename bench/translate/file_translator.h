// One file after the other through all the steps: read, tokenize, parse, resolve, write. The variants are its two parameters.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/translate/emitter.h"
#include "bench/translate/file_result.h"
#include "bench/translate/parser.h"
#include "bench/translate/python_tokenizer.h"
#include "bench/translate/resolver.h"
#include "bursar/task.h"

namespace bursar::translate {

/// For one thread.
template <typename Memory, typename Scan>
class FileTranslator {
 public:
  explicit FileTranslator(typename Memory::Shared& shared) : workspace_(shared) {}

  /// Translates a file as a task of its own; the text goes to the sink. Throws std::system_error for one that cannot be read.
  FileResult translate(const std::string& path, TextSink& sink) {
    Task task("translate");
    task.label(path.substr(path.rfind('/') + 1).c_str());
    const auto start = Clock::now();
    typename Memory::File file(workspace_);
    const std::string_view source = without_byte_order_mark(file.read(path));
    const auto middle = Clock::now();
    FileResult result;
    translate_source(file, source, sink, result);
    result.translate_ns = nanoseconds(Clock::now() - middle);
    result.read_ns = nanoseconds(middle - start);
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] static std::uint64_t nanoseconds(Clock::duration duration) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
  }

  void translate_source(typename Memory::File& file, std::string_view source, TextSink& sink, FileResult& result) {
    auto tokens = file.tokens(source);
    PythonTokenizer<Scan, typename Memory::Tokens> tokenizer(source, tokens);
    const TokenizerFault fault = tokenizer.tokenize();
    result.counts.files = 1;
    result.counts.bytes = source.size();
    result.counts.tokens = tokens.count();
    if (fault != TokenizerFault::none) {
      // Without an end there is no statement to be sure of: such a file has no text.
      result.fault = text_of(fault);
      result.fault_line = tokenizer.fault_line();
      return;
    }
    Parser<Memory, Scan> parser(tokens, file);
    typename Syntax<Memory>::Module module = parser.parse();
    add(parser.counts(), result.counts);
    if (parser.nesting_fault_line() != 0) {
      result.fault = nesting_fault;
      result.fault_line = parser.nesting_fault_line();
    }
    Resolver<Memory> resolver(file);
    resolver.resolve(module);
    result.counts.names_resolved = resolver.names();
    file.output().begin(sink, source.size());
    Emitter<Memory, Scan>(file).emit(module);
    result.counts.output_bytes = file.output().end();
  }

  static void add(const ParserCounts& of_parser, Counts& counts) {
    counts.statements = of_parser.statements;
    counts.opaque_statements = of_parser.opaque_statements;
    counts.nodes = of_parser.nodes;
    counts.copies_avoided = of_parser.copies_avoided;
    counts.copies_made = of_parser.copies_made;
  }

  typename Memory::Workspace workspace_;
};

}  // namespace bursar::translate
