// Reading both sides, telling, judging.
#include "tools/bursar/diff.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tools/bursar/diff_input.h"
#include "tools/bursar/diff_render.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/report.h"

namespace bursar::tool {
namespace {

Colours colours_of_output() {
  const char* without = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool wanted = (without == nullptr || *without == '\0') && terminal != nullptr && *terminal != '\0' &&
                      std::string_view(terminal) != "dumb";
  return wanted && isatty(STDOUT_FILENO) != 0 ? Colours::yes : Colours::no;
}

}  // namespace

int diff(const DiffOptions& options) {
  const Snapshot a = read_side(options.a);
  const Snapshot b = read_side(options.b);
  const Comparison comparison = compare(a, b);
  std::vector<Excess> excesses;
  if (options.fail_over_percent) {
    excesses = excesses_of(comparison, {*options.fail_over_percent, options.bytes_min, options.only});
  }
  const std::string text = options.format == DiffFormat::json
                               ? json_of({a, b}, comparison, options.bytes_min, excesses)
                               : text_of({a, b}, comparison, options.bytes_min, colours_of_output());
  if (!write_all(STDOUT_FILENO, text))
    throw Fault(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  std::string lines;
  for (const Excess& excess : excesses) {
    lines += fmt::format("bursar: {}, more than {:g} % allow\n", text_of(excess), *options.fail_over_percent);
  }
  (void)write_all(STDERR_FILENO, lines);
  return excesses.empty() ? 0 : exit_status_grown;
}

}  // namespace bursar::tool
