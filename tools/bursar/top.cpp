// Reading once an interval, showing at once.
#include "tools/bursar/top.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "tools/bursar/fault.h"
#include "tools/bursar/file_stamp.h"
#include "tools/bursar/host_ledgers.h"
#include "tools/bursar/report.h"
#include "tools/bursar/top_terminal.h"
#include "tools/bursar/top_view.h"

namespace bursar::tool {
namespace {

using Clock = std::chrono::steady_clock;

/// A key is answered when the reading has ended.
constexpr uint64_t reading_ns_max = 250'000'000;

uint64_t now_ns() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

Scope scope_of(const TopOptions& options) {
  return options.target.empty() || is_directory(options.target) ? Scope::all : Scope::one;
}

/// Of all ledgers, the list counts those of other users into `of_others`. Of one ledger, the path stays the same, so that what follows it
/// in the same process is not taken for it.
Observer observer_of(const TopOptions& options, uint64_t& of_others) {
  const auto paths_of_all = [&options, &of_others] {
    HostScan scan = options.target.empty() ? scan_host() : scan_directory(options.target);
    of_others = scan.unreadable;
    std::vector<std::filesystem::path> paths;
    paths.reserve(scan.ledgers.size());
    for (LedgerName& ledger : scan.ledgers) paths.push_back(std::move(ledger.path));
    return paths;
  };
  if (scope_of(options) == Scope::all) return {paths_of_all, read_found_snapshot, stamp_of};
  const std::filesystem::path path = ledger_named(options.target);
  (void)read_snapshot(path);  // What cannot be read at the start is the user's mistake.
  return {[path] { return std::vector{path}; }, read_snapshot, stamp_of};
}

/// What is read for the view, and how often.
struct Source {
  Observer observer;
  const uint64_t& of_others;
  std::chrono::duration<double> interval;

  void feed(View& view) {
    std::vector<Subject> subjects = observer.observe(now_ns());
    view.take(std::move(subjects), of_others);
  }
};

int show_once(View& view, Source& source) {
  source.feed(view);
  std::this_thread::sleep_for(source.interval);
  source.feed(view);
  std::string text;
  for (const std::string& line : view.plain()) text += line + '\n';
  if (!write_all(STDOUT_FILENO, text))
    throw Fault(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return 0;
}

void show_live(View& view, Source& source) {
  Terminal terminal;
  auto next_reading = Clock::now();
  while (!view.wants_to_quit()) {
    if (Clock::now() >= next_reading) {
      if (!view.is_paused()) source.feed(view);
      next_reading = Clock::now() + std::chrono::duration_cast<Clock::duration>(source.interval);
    }
    terminal.draw(view.screen(terminal.width(), terminal.height()));
    const auto time_left = std::chrono::ceil<std::chrono::milliseconds>(next_reading - Clock::now());
    const Input input = terminal.wait(std::max(time_left, std::chrono::milliseconds(0)));
    if (input.event == Event::ended) return;
    if (input.event == Event::key) view.press(input.key);
  }
}

}  // namespace

int top(const TopOptions& options) {
  View view(scope_of(options), options.interval_seconds);
  uint64_t of_others = 0;
  Source source{observer_of(options, of_others), of_others, std::chrono::duration<double>(options.interval_seconds)};
  if (options.once) return show_once(view, source);
  source.observer.limit(now_ns, reading_ns_max);
  show_live(view, source);
  die_of_signal();
  return 0;
}

}  // namespace bursar::tool
