// The formats, and writing of the file.
#include "tools/bursar/export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tools/bursar/fault.h"
#include "tools/bursar/file_descriptor.h"
#include "tools/bursar/report.h"

namespace bursar::tool {
namespace {

std::string openmetrics_of(const std::filesystem::path& path) { return report_now(path, ledger::Format::openmetrics); }
std::string json_of(const std::filesystem::path& path) { return report_now(path, ledger::Format::json); }

const ExportFormat& format_named(const std::string& name) {
  const auto& formats = export_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& each) { return name == each.name; });
  if (found != formats.end()) return *found;
  std::string names;
  for (const ExportFormat& each : formats) names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  throw Fault(fmt::format("export: there is no format {}; there are: {}", name, names));
}

[[noreturn]] void refuse(const std::string& path) {
  throw Fault(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

void write_into(const FileDescriptor& file, const std::string& text, const std::string& path) {
  if (!write_all(file.number(), text)) refuse(path);
}

/// A collector that reads the file meanwhile gets all of the old one or all of the new one.
void replace_file(const std::filesystem::path& path, const std::string& text, const std::string& named) {
  std::string beside = path.native() + ".XXXXXX";
  FileDescriptor file(mkostemp(beside.data(), O_CLOEXEC));
  if (!file.is_open()) refuse(named);
  const mode_t mask = umask(0);
  umask(mask);
  const bool written = fchmod(file.number(), 0666 & ~mask) == 0 && write_all(file.number(), text);
  if (!written || rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    (void)unlink(beside.c_str());
    errno = error;
    refuse(named);
  }
}

/// What is there and is no file, as a pipe or a terminal, is written to as it is.
void write_output(const std::string& named, const std::string& text) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::weakly_canonical(named, error);
  const auto status = std::filesystem::status(named, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
    return replace_file(path.empty() ? std::filesystem::path(named) : path, text, named);
  }
  const FileDescriptor file(open(named.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) refuse(named);
  write_into(file, text, named);
}

}  // namespace

const std::vector<ExportFormat>& export_formats() {
  static const std::vector<ExportFormat> formats{
      {"openmetrics", "for Prometheus and what reads its format", openmetrics_of},
      {"json", "one object with all figures", json_of},
  };
  return formats;
}

int export_ledger(const ExportOptions& options) {
  const ExportFormat& format = format_named(options.format);
  const std::string text = format.text_of(ledger_named(options.target));
  if (!options.output.empty()) {
    write_output(options.output, text);
  } else if (!write_all(STDOUT_FILENO, text)) {
    throw Fault(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  }
  return 0;
}

}  // namespace bursar::tool
