// Printing of reports.
#include "tools/bursar/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "interpose/account/render_numbers.h"
#include "interpose/account/render_totals.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/host_ledgers.h"
#include "tools/bursar/ledger_path.h"
#include "tools/bursar/process_status.h"
#include "tools/bursar/report_directory.h"
#include "tools/bursar/snapshot.h"

namespace bursar::tool {

ledger::Sink sink_into(std::string& text) {
  return {
      .write = [](void* context, const char* part,
                  size_t bytes) { static_cast<std::string*>(context)->append(part, bytes); },
      .context = &text,
  };
}

std::string report_of(const LedgerFile& ledger, const ledger::ExitFacts& facts, ledger::Format format) {
  std::string text;
  ledger::render_report(ledger.view(), facts, format, sink_into(text));
  return text;
}

namespace {

ledger::ExitFacts facts_of(const LedgerFile& file, const std::filesystem::path& path) {
  ledger::ExitFacts facts;
  const auto state = file.header().state.load(std::memory_order_acquire);
  const bool is_at_end = state == ledger::State::exited;
  const ProcessStatus process = is_at_end ? ProcessStatus{} : process_status_of(file.header(), path);
  facts.life = process.is_alive ? ledger::Life::alive : ledger::Life::gone;
  facts.peak_rss_bytes = process.peak_rss_bytes;
  if (process.is_alive) facts.wall_ns = ledger::difference(monotonic_ns(), file.header().started_ns);
  return facts;
}

/// Nobody knows when a process that did not get to its end was over; a ledger may tell until when it went on. Behind the line that says so.
void tell_last_activity(std::string& text, const LedgerFile& file) {
  const uint64_t last_ns = last_seen_ns(file.view());
  const size_t line_end = text.find('\n', text.find("\n  gone before its end") + 1);
  if (file.header().state.load(std::memory_order_acquire) != ledger::State::running || last_ns == 0) return;
  if (line_end == std::string::npos) return;
  text.insert(line_end + 1,
              fmt::format("  last activity {:>15}    of which the ledger has the time; it may have gone on\n",
                          ledger::duration_text(last_ns).c_str()));
}

}  // namespace

std::filesystem::path ledger_named(const std::string& word) {
  std::error_code error;
  const auto process = word.find('.') == std::string::npos ? parse_process_name(word) : std::nullopt;
  if (!process || std::filesystem::exists(std::filesystem::symlink_status(word, error))) return word;
  return find_ledger(process->process_id);
}

std::string report_now(const std::filesystem::path& path, ledger::Format format) {
  const LedgerFile file = LedgerFile::read(path);
  const ledger::ExitFacts facts = facts_of(file, path);
  std::string text = report_of(file, facts, format);
  if (format == ledger::Format::text && facts.life == ledger::Life::gone) tell_last_activity(text, file);
  return text;
}

bool is_directory(const std::string& word) {
  std::error_code error;
  return std::filesystem::is_directory(word, error);
}

int report(const ReportOptions& options) {
  const std::string text = is_directory(options.target) ? report_directory(options.target, options.format)
                                                        : report_now(ledger_named(options.target), options.format);
  if (!write_all(STDOUT_FILENO, text))
    throw Fault(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return 0;
}

bool write_all(int file_descriptor, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = write(file_descriptor, text.data() + done, text.size() - done);
    if (count > 0) {
      done += static_cast<size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace bursar::tool
