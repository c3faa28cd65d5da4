// The command line of translate. By getopt_long: what the process takes before the first file is a part of every figure, and a larger
// library would be most of it.
#pragma once

#include <stdexcept>
#include <string_view>

#include "bench/translate/run.h"

namespace bursar::translate {

/// What is wrong with the command line.
class BadArguments : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Arguments {
  RunOptions run;
  bool is_json = false;
  bool is_help = false;  // nothing else is told then
};

extern const std::string_view usage;

/// Throws BadArguments; std::system_error for a list that cannot be read.
[[nodiscard]] Arguments parse_arguments(int argument_count, char** argument_values);

}  // namespace bursar::translate
