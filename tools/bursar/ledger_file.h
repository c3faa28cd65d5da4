// A ledger as it stands in a file now: checked, so that whatever is in the file can be reported.
#pragma once

#include <filesystem>
#include <memory>

#include "interpose/account/ledger_view.h"
#include "tools/bursar/file_descriptor.h"

namespace bursar::tool {

/// A copy of what is in use, not a mapping: a file that another process cuts short under a mapping ends its reader by SIGBUS.
/// Not of one moment: what is counted while it is read may be missing in one table and be there in another.
///   I1  magic, version and the sizes of entries are those of ledger_format.h; the tables lay within the file
///   I2  the header's state is not `starting`; program ends with a NUL; class_count <= size_class_capacity
///   I3  the view has as many entries as the header says are used, and the tables have
class LedgerFile {
 public:
  /// Throws a Fault that says what is wrong with the file.
  static LedgerFile read(const std::filesystem::path& path);

  /// The same of a file that nobody named: also where it is a link, or where its owner may not tell of its process (may_tell_of).
  static LedgerFile read_found(const std::filesystem::path& path);

  [[nodiscard]] const ledger::Header& header() const noexcept { return *header_; }
  [[nodiscard]] const ledger::View& view() const noexcept { return view_; }

 private:
  LedgerFile() = default;

  static LedgerFile read(const FileDescriptor& file, const std::filesystem::path& path);

  // On the heap, so that the view stays true when this moves.
  std::unique_ptr<ledger::Header> header_;
  std::unique_ptr<ledger::Slot[]> slots_;
  std::unique_ptr<ledger::TaskKind[]> kinds_;
  std::unique_ptr<ledger::Task[]> tasks_;
  ledger::View view_{};
};

}  // namespace bursar::tool
