// Reading and checking of ledgers.
#include "tools/bursar/ledger_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "tools/bursar/fault.h"
#include "tools/bursar/file_descriptor.h"

namespace bursar::tool {
namespace {

using ledger::Header;
using ledger::Slot;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& fault) {
  throw Fault(fmt::format("{}: {}", path.native(), fault));
}

/// Opens without waiting: a FIFO without a writer would never open.
FileDescriptor open_regular(const std::filesystem::path& path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) refuse(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (fstat(file.number(), &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) refuse(path, "is not a regular file, so it is no ledger");
  return file;
}

/// As many of the bytes as the file has.
size_t read_at(const FileDescriptor& file, const std::filesystem::path& path, void* to, size_t bytes, size_t offset) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count =
        pread(file.number(), static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(offset + done));
    if (count == 0) break;
    if (count > 0) {
      done += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
  }
  return done;
}

void check_kind(const std::filesystem::path& path, const Header& header, size_t bytes) {
  if (bytes < sizeof header.magic || std::memcmp(header.magic, ledger::magic, sizeof header.magic) != 0) {
    refuse(path, "is no ledger of bursar: it begins with other bytes");
  }
  if (bytes < sizeof header)
    refuse(path, fmt::format("is cut short: {} bytes of a header of {}", bytes, sizeof header));
  if (header.version != ledger::version) {
    refuse(path,
           fmt::format("is a ledger of version {}, and this bursar reads version {}: use the bursar that wrote it",
                       header.version, ledger::version));
  }
}

void check_sizes(const std::filesystem::path& path, const Header& header) {
  const bool as_here = header.header_bytes == sizeof(Header) && header.slot_bytes == sizeof(Slot) &&
                       header.slot_count == ledger::slot_count && header.file_bytes == ledger::file_bytes &&
                       header.size_class_count <= ledger::size_class_capacity &&
                       header.slots_used.load(std::memory_order_relaxed) <= ledger::slot_count;
  if (!as_here) refuse(path, "is damaged: the sizes in its header do not fit its version");
  if (std::memchr(header.program, '\0', sizeof header.program) == nullptr) {
    refuse(path, "is damaged: the program's name has no end");
  }
}

void check_state(const std::filesystem::path& path, const Header& header) {
  switch (header.state.load(std::memory_order_acquire)) {
    case ledger::State::running:
    case ledger::State::exited: return;
    case ledger::State::starting: refuse(path, "holds nothing: its process has not begun to count, or never did");
  }
  refuse(path, "is damaged: its state is none that there is");
}

/// The file is longer than what is read of it, so its length is looked at on its own.
void check_length(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(file.number(), &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (static_cast<size_t>(status.st_size) != ledger::file_bytes) {
    refuse(path, fmt::format("is damaged: it has {} bytes, a ledger {}", status.st_size, ledger::file_bytes));
  }
}

}  // namespace

LedgerFile LedgerFile::read(const std::filesystem::path& path) {
  const FileDescriptor file = open_regular(path);
  LedgerFile result;
  result.header_ = std::make_unique<Header>();
  Header& header = *result.header_;
  const size_t bytes = read_at(file, path, &header, sizeof header, 0);
  check_kind(path, header, bytes);
  check_sizes(path, header);
  check_state(path, header);
  check_length(file, path);

  const size_t used = header.slots_used.load(std::memory_order_relaxed);
  result.slots_ = std::make_unique<Slot[]>(used);
  const size_t wanted = used * sizeof(Slot);
  if (read_at(file, path, result.slots_.get(), wanted, sizeof header) != wanted) refuse(path, "was cut short just now");
  return result;
}

}  // namespace bursar::tool
