// The report a process writes about itself when it ends.
#include "interpose/account/report_at_exit.h"

#include <fcntl.h>

#include "allocator/os.h"
#include "allocator/text.h"
#include "interpose/account/account.h"
#include "interpose/account/render.h"
#include "interpose/account/standard_error.h"
#include "interpose/account/task_sources.h"

namespace bursar::report_at_exit {
namespace {

constinit const Options* armed_options = nullptr;

ledger::Format format_of(StatsFormat format) noexcept {
  switch (format) {
    case StatsFormat::json: return ledger::Format::json;
    case StatsFormat::openmetrics: return ledger::Format::openmetrics;
    case StatsFormat::text:
    case StatsFormat::off: break;
  }
  return ledger::Format::text;
}

/// Where the report goes: the file that `out=` names, or standard error when there is none or it cannot be written; negative when that is gone.
int open_output(const Options& options, const char* program) noexcept {
  if (options.out[0] == '\0') return standard_error::descriptor();
  char path[path_bytes_max];
  const char* named = options.out;
  int descriptor = -1;
  if (options::expand_path(options.out, program, path, sizeof(path))) {
    named = path;
    descriptor = os::create_file(path, O_TRUNC);
  }
  if (descriptor >= 0) return descriptor;
  Text<path_bytes_max + 128> line;
  line.add("bursar: report file ").add(named).add(" cannot be written; the report follows here\n");
  standard_error::write(line.data(), line.length());
  return standard_error::descriptor();
}

void write_sink(void* context, const char* text, size_t bytes) noexcept {
  os::write_to(*static_cast<int*>(context), text, bytes);
}

/// Runs after the program's own exit handlers and destructors: the library is loaded before all but libc. What
/// is freed later still is not in the report, but in the ledger.
[[gnu::destructor]] void at_exit() noexcept {
  task_sources::end_process();
  account::finish();
  if (armed_options == nullptr || armed_options->stats == StatsFormat::off) return;
  if (account::ledger() == nullptr) return;  // of a child that found no memory for one
  const ledger::Ledger& book = *account::ledger();
  const os::Usage usage = os::usage();
  ledger::ExitFacts facts{};
  facts.exit_status = -1;
  facts.wall_ns = book.header().ended_ns.load(std::memory_order_relaxed);
  facts.user_ns = usage.user_ns;
  facts.system_ns = usage.system_ns;
  facts.peak_rss_bytes = usage.peak_rss_bytes;
  facts.page_faults = usage.page_faults;
  int descriptor = open_output(*armed_options, book.header().program);
  if (descriptor < 0) return;
  const ledger::Sink sink{write_sink, &descriptor};
  ledger::render_report(book.view(), facts, format_of(armed_options->stats), sink);
  // Left open: standard error may be it, and stdio writes what it still holds after all destructors.
}

}  // namespace

void arm(const Options& options) noexcept {
  armed_options = &options;
  if (options.stats == StatsFormat::off || options.out[0] != '\0') return;
  standard_error::keep_copy();
}

}  // namespace bursar::report_at_exit
