// translate: Python sources to text like C++, with the memory and the scan of one's choice.
#include <cstdio>
#include <exception>
#include <string>

#include "bench/translate/arguments.h"
#include "bench/translate/report.h"
#include "bench/translate/run.h"

namespace {

using namespace bursar::translate;  // NOLINT(google-build-using-namespace)

std::string text_for(const Arguments& arguments) {
  if (arguments.is_help) return std::string(usage);
  const RunReport report = run(arguments.run);
  return arguments.is_json ? to_json(report) : to_text(report);
}

int fail(const char* what) {
  constexpr int exit_cannot = 2;
  std::fprintf(stderr, "translate: %s\n", what);
  return exit_cannot;
}

}  // namespace

int main(int argument_count, char** argument_values) {
  try {
    std::fputs(text_for(parse_arguments(argument_count, argument_values)).c_str(), stdout);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
  if (std::fflush(stdout) != 0) return fail("cannot write to standard output");
  return 0;
}
