// One file after the other through all the steps: read, tokenize. The variants are its two parameters.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/translate/file_result.h"
#include "bench/translate/python_tokenizer.h"
#include "bursar/task.h"

namespace bursar::translate {

/// For one thread.
template <typename Memory, typename Scan>
class FileTranslator {
 public:
  explicit FileTranslator(typename Memory::Shared& shared) : workspace_(shared) {}

  /// Translates a file as a task of its own and hands the text to `take`. Throws std::system_error for one that cannot be read.
  template <typename Take>
  FileResult translate(const std::string& path, Take take) {
    Task task("translate");
    task.label(path.substr(path.rfind('/') + 1).c_str());
    const auto start = Clock::now();
    typename Memory::File file(workspace_);
    const std::string_view source = without_byte_order_mark(file.read(path));
    const auto middle = Clock::now();
    FileResult result;
    const std::string_view text = translate_source(file, source, result);
    result.translate_ns = nanoseconds(Clock::now() - middle);
    result.read_ns = nanoseconds(middle - start);
    take(text);
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] static std::uint64_t nanoseconds(Clock::duration duration) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
  }

  std::string_view translate_source(typename Memory::File& file, std::string_view source, FileResult& result) {
    auto tokens = file.tokens(source);
    const TokenizerFault fault = PythonTokenizer<Scan, typename Memory::Tokens>(source, tokens).tokenize();
    result.counts.files = 1;
    result.counts.bytes = source.size();
    result.counts.tokens = tokens.size();
    if (fault != TokenizerFault::none) {
      result.fault = text_of(fault);
      result.fault_line = tokens.line(tokens.size() - 1);
    }
    return {};
  }

  typename Memory::Workspace workspace_;
};

}  // namespace bursar::translate
