// Reading of /proc.
#include "tools/bursar/process_status.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cstring>
#include <ctime>
#include <optional>
#include <sstream>
#include <string>

#include "tools/bursar/file_descriptor.h"
#include "tools/bursar/ledger_path.h"

namespace bursar::tool {
namespace {

constexpr uint64_t ns_per_second = 1'000'000'000;

/// A process's age is known by ticks, and its ledger begins a moment after it.
constexpr uint64_t tolerance_ns = ns_per_second / 10;

uint64_t now_ns(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * ns_per_second + static_cast<uint64_t>(now.tv_nsec);
}

/// Files of /proc that are asked for here are short.
std::string contents_of(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  char bytes[4096];
  const ssize_t count = file.is_open() ? read(file.number(), bytes, sizeof bytes) : -1;
  return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : std::string();
}

struct Age {
  uint64_t ns;
  bool is_unreaped;
};

/// None where there is no process of this id.
std::optional<Age> age_of(uint32_t process_id) {
  const std::string stat = contents_of(fmt::format("/proc/{}/stat", process_id));
  // The name in parentheses may have any characters.
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 2));
  std::string state;
  std::string skipped;
  fields >> state;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  uint64_t start_ticks = 0;
  if (!(fields >> start_ticks)) return std::nullopt;
  const auto ticks_per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  const uint64_t start_ns = start_ticks / ticks_per_second * ns_per_second +
                            start_ticks % ticks_per_second * ns_per_second / ticks_per_second;
  const uint64_t now = now_ns(CLOCK_BOOTTIME);
  return Age{.ns = now > start_ns ? now - start_ns : 0, .is_unreaped = state == "Z" || state == "X"};
}

uint64_t peak_rss_of(uint32_t process_id) {
  const std::string status = contents_of(fmt::format("/proc/{}/status", process_id));
  const size_t at = status.find("\nVmHWM:");
  if (at == std::string::npos) return 0;
  return std::strtoull(status.c_str() + at + std::strlen("\nVmHWM:"), nullptr, 10) * 1024;
}

uint64_t rss_of(uint32_t process_id) {
  std::istringstream fields(contents_of(fmt::format("/proc/{}/statm", process_id)));
  uint64_t size = 0;
  uint64_t resident_pages = 0;
  fields >> size >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

template <typename Number>
bool read_number(const FileDescriptor& file, size_t offset, Number& number) {
  return pread(file.number(), &number, sizeof number, static_cast<off_t>(offset)) == sizeof number;
}

/// Whether the same process has begun this ledger later.
bool is_younger(const std::filesystem::path& path, const ledger::Header& than) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  uint32_t process_id = 0;
  uint64_t started_ns = 0;
  return file.is_open() && read_number(file, offsetof(ledger::Header, process_id), process_id) &&
         read_number(file, offsetof(ledger::Header, started_ns), started_ns) && process_id == than.process_id &&
         started_ns > than.started_ns;
}

/// A ledger gets the first number that is free (the writer's lives_max are a thousand): those of programs before it may have been removed.
bool has_younger(const std::filesystem::path& path, const ledger::Header& header) {
  constexpr unsigned generations_max = 1000;
  const unsigned own = generation_of(path);
  for (unsigned generation = 0; generation < generations_max; ++generation) {
    if (generation == own) continue;
    const std::filesystem::path other = with_generation(path, generation);
    const bool is_there = access(other.c_str(), F_OK) == 0;
    if (!is_there && generation > own) return false;
    if (is_there && is_younger(other, header)) return true;
  }
  return false;
}

}  // namespace

uint64_t monotonic_ns() { return now_ns(CLOCK_MONOTONIC); }

ProcessStatus process_status_of(const ledger::Header& header, const std::filesystem::path& path) {
  const std::optional<Age> age = header.process_id == 0 ? std::nullopt : age_of(header.process_id);
  const uint64_t now = monotonic_ns();
  if (!age || header.started_ns > now) return {};
  const uint64_t ledger_age = now - header.started_ns;
  if (age->ns + tolerance_ns < ledger_age || has_younger(path, header)) return {};
  if (age->is_unreaped) return {.has_id = true};
  return {.is_alive = true,
          .has_id = true,
          .rss_bytes = rss_of(header.process_id),
          .peak_rss_bytes = peak_rss_of(header.process_id)};
}

}  // namespace bursar::tool
