// Printing of reports.
#include "tools/bursar/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/bursar/fault.h"

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
  ledger::render_report(ledger.header(), ledger.slots(), facts, format, sink_into(text));
  return text;
}

int report(const ReportOptions& options) {
  const std::string text = report_of(LedgerFile::read(options.file), ledger::ExitFacts{}, options.format);
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
