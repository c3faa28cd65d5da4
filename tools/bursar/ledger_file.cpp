// Reading and checking of ledgers.
#include "tools/bursar/ledger_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "tools/bursar/fault.h"
#include "tools/bursar/hand_over.h"
#include "tools/bursar/ledger_owner.h"
#include "tools/bursar/ledger_path.h"

namespace bursar::tool {
namespace {

using ledger::Header;
using ledger::Slot;
using ledger::Task;
using ledger::TaskKind;
using ledger::View;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& fault) {
  throw Fault(fmt::format("{}: {}", path.native(), fault));
}

bool is_named_as_ledger(std::string_view name) {
  if (name.substr(0, ledger_prefix.size()) == ledger_prefix) name.remove_prefix(ledger_prefix.size());
  return parse_process_name(name).has_value();
}

/// Of a directory of `bursar run --ledgers`, one of its ledgers is meant.
[[noreturn]] void refuse_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path first;
  for (auto at = std::filesystem::directory_iterator(path, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const bool is_earlier = first.empty() || at->path() < first;
    if (is_earlier && is_named_as_ledger(at->path().filename().native())) first = at->path();
  }
  if (first.empty()) refuse(path, "is a directory, and has no ledger in it");
  refuse(path, fmt::format("is a directory: name one of the ledgers in it, such as {}", first.native()));
}

/// Opens without waiting: a FIFO without a writer would never open.
FileDescriptor open_regular(const std::filesystem::path& path, int flags) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags));
  if (!file.is_open()) refuse(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (fstat(file.number(), &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) refuse_directory(path);
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
  if (bytes == 0) refuse(path, "is empty: its process had no room for it there, or ended before it had begun");
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

bool fits(const ledger::Table& table, uint64_t file_bytes, size_t entry_bytes, size_t entries_max) {
  return table.entry_bytes == entry_bytes && table.entry_count <= entries_max && table.offset >= sizeof(Header) &&
         table.offset <= file_bytes && table.entry_count * uint64_t{entry_bytes} <= file_bytes - table.offset;
}

void check_sizes(const std::filesystem::path& path, const Header& header) {
  const bool as_here = header.header_bytes == sizeof(Header) &&
                       header.size_class_count <= ledger::size_class_capacity &&
                       fits(header.slots, header.file_bytes, sizeof(Slot), ledger::slot_count) &&
                       fits(header.kinds, header.file_bytes, sizeof(TaskKind), ledger::kind_count) &&
                       fits(header.tasks, header.file_bytes, sizeof(Task), ledger::task_record_count);
  if (!as_here) refuse(path, "is damaged: the sizes in its header do not fit its version");
  if (std::memchr(header.program, '\0', sizeof header.program) == nullptr) {
    refuse(path, "is damaged: the program's name has no end");
  }
}

void check_state(const std::filesystem::path& path, const Header& header) {
  switch (header.state.load(std::memory_order_acquire)) {
    case ledger::State::running:
    case ledger::State::exited:
    case ledger::State::dropped: return;
    case ledger::State::starting: refuse(path, "holds nothing: its process has not begun to count, or never did");
  }
  refuse(path, "is damaged: its state is none that there is");
}

/// The file is longer than what is read of it, so its length is looked at on its own.
void check_length(const FileDescriptor& file, const std::filesystem::path& path, uint64_t file_bytes) {
  struct stat status {};
  if (fstat(file.number(), &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  const auto bytes = static_cast<uint64_t>(status.st_size);
  if (bytes < file_bytes) refuse(path, fmt::format("is cut short: it has {} bytes of {}", bytes, file_bytes));
  if (bytes > file_bytes)
    refuse(path, fmt::format("is damaged: it has {} bytes, its header says {}", bytes, file_bytes));
}

/// The entries in use; holes read as zeros.
template <typename Entry>
std::unique_ptr<Entry[]> read_table(const FileDescriptor& file, const std::filesystem::path& path,
                                    const ledger::Table& table, const ledger::Counter& used, size_t& count) {
  count = std::min<uint64_t>(used.load(std::memory_order_relaxed), table.entry_count);
  auto entries = std::make_unique<Entry[]>(count);
  const size_t wanted = count * sizeof(Entry);
  if (read_at(file, path, entries.get(), wanted, table.offset) != wanted) refuse(path, "was cut short just now");
  return entries;
}

}  // namespace

LedgerFile LedgerFile::read(const std::filesystem::path& path) { return read(open_regular(path, 0), path); }

LedgerFile LedgerFile::read_found(const std::filesystem::path& path) {
  const FileDescriptor file = open_regular(path, O_NOFOLLOW);
  LedgerFile result = read(file, path);
  struct stat status {};
  if (fstat(file.number(), &status) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  const uint32_t process_id = result.header().process_id;
  if (!may_tell_of(process_id, status.st_uid, path)) {
    refuse(path, fmt::format("is not believed: it belongs to user {}, and tells of process {}, which is another's",
                             status.st_uid, process_id));
  }
  return result;
}

LedgerFile LedgerFile::read(const FileDescriptor& file, const std::filesystem::path& path) {
  LedgerFile result;
  result.header_ = std::make_unique<Header>();
  Header& header = *result.header_;
  const size_t bytes = read_at(file, path, &header, sizeof header, 0);
  check_kind(path, header, bytes);
  check_state(path, header);
  check_sizes(path, header);
  check_length(file, path, header.file_bytes);

  View& view = result.view_;
  view.header = &header;
  // Slots last: what a thread has not handed to the tables yet is rather missed than told twice.
  result.kinds_ = read_table<TaskKind>(file, path, header.kinds, header.kinds_used, view.kind_count);
  result.tasks_ = read_table<Task>(file, path, header.tasks, header.tasks_used, view.task_count);
  result.slots_ = read_table<Slot>(file, path, header.slots, header.slots_used, view.slot_count);
  view.slots = result.slots_.get();
  view.kinds = result.kinds_.get();
  view.tasks = result.tasks_.get();
  finish_hand_over(view, result.slots_.get(), result.tasks_.get());
  return result;
}

}  // namespace bursar::tool
