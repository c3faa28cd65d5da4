// What comes of translating one file.
#pragma once

#include <cstdint>
#include <string_view>

#include "bench/translate/report.h"
#include "bench/translate/syntax.h"
#include "bench/translate/tokens.h"

namespace bursar::translate {

struct FileResult {
  Counts counts;
  std::uint64_t read_ns = 0;
  std::uint64_t translate_ns = 0;
  std::string_view fault;  ///< empty: none
  std::uint32_t fault_line = 0;
};

inline constexpr std::string_view nesting_fault = "an expression nests more than 1000 levels deep";
static_assert(nesting_max == 1000);

[[nodiscard]] constexpr std::string_view text_of(TokenizerFault fault) {
  switch (fault) {
    case TokenizerFault::none: return {};
    case TokenizerFault::unindent_to_no_level: return "a line is indented as no line around it";
    case TokenizerFault::unended_string: return "a string does not end";
    case TokenizerFault::unended_statement: return "the file ends within a statement";
    case TokenizerFault::too_many_indents: return "more than 100 levels of indentation";
    case TokenizerFault::source_too_large: return "the file has 4 GiB or more";
  }
  return {};
}

}  // namespace bursar::translate
