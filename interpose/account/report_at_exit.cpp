// The report a process writes about itself when it ends.
#include "interpose/account/report_at_exit.h"

#include <fcntl.h>

#include "allocator/os.h"
#include "allocator/text.h"
#include "interpose/account/account.h"
#include "interpose/account/render.h"

namespace bursar::report_at_exit {
namespace {

constinit const Options* armed_options = nullptr;

/// Standard error as the program found it. Many programs close theirs before they end (all of coreutils do), so a copy is
/// kept; when somebody closed that too, and another file has its number, nothing is written there.
constinit int kept_descriptor = -1;
constinit os::FileIdentity kept_identity{};

int standard_error_of_start() noexcept {
  const bool is_kept = kept_identity.inode != 0 && os::identity_of(kept_descriptor) == kept_identity;
  return is_kept ? kept_descriptor : os::standard_error;
}

ledger::Format format_of(StatsFormat format) noexcept {
  switch (format) {
    case StatsFormat::json: return ledger::Format::json;
    case StatsFormat::openmetrics: return ledger::Format::openmetrics;
    case StatsFormat::text:
    case StatsFormat::off: break;
  }
  return ledger::Format::text;
}

/// Where the report goes: the file that `out=` names, or standard error when there is none or it cannot be written.
int open_output(const Options& options, const char* program) noexcept {
  if (options.out[0] == '\0') return standard_error_of_start();
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
  const int error = standard_error_of_start();
  os::write_to(error, line.data(), line.length());
  return error;
}

void write_sink(void* context, const char* text, size_t bytes) noexcept {
  os::write_to(*static_cast<int*>(context), text, bytes);
}

/// Runs after the program's own exit handlers and destructors: the library is loaded before all but libc. What
/// is freed later still is not in the report, but in the ledger.
[[gnu::destructor]] void at_exit() noexcept {
  account::finish();
  if (armed_options == nullptr || armed_options->stats == StatsFormat::off) return;
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
  const ledger::Sink sink{write_sink, &descriptor};
  ledger::render_report(book.header(), book.slots(), facts, format_of(armed_options->stats), sink);
  // Left open: standard error may be it, and stdio writes what it still holds after all destructors.
}

}  // namespace

void arm(const Options& options) noexcept {
  armed_options = &options;
  if (options.stats == StatsFormat::off || options.out[0] != '\0') return;
  kept_identity = os::identity_of(os::standard_error);
  kept_descriptor = os::duplicate(os::standard_error);
}

void forget_in_child() noexcept {
  if (kept_descriptor >= 0 && standard_error_of_start() == kept_descriptor) os::close_file(kept_descriptor);
  kept_identity = {};
}

}  // namespace bursar::report_at_exit
