// A ledger as it stands in a file now: checked, so that whatever is in the file can be reported.
#pragma once

#include <filesystem>
#include <memory>

#include "interpose/account/ledger_format.h"

namespace bursar::tool {

/// A copy, not a mapping: a file that another process cuts short under a mapping ends its reader by SIGBUS.
///   I1  magic, version and sizes are those of ledger_format.h
///   I2  the header's state is not `starting`; program ends with a NUL; class_count <= size_class_capacity
///   I3  slots() has min(slots_used, slot_count) slots, which is slots_used: nobody writes the copy
class LedgerFile {
 public:
  /// Throws a Fault that says what is wrong with the file.
  static LedgerFile read(const std::filesystem::path& path);

  [[nodiscard]] const ledger::Header& header() const noexcept { return *header_; }
  [[nodiscard]] const ledger::Slot* slots() const noexcept { return slots_.get(); }

 private:
  LedgerFile() = default;

  std::unique_ptr<ledger::Header> header_;
  std::unique_ptr<ledger::Slot[]> slots_;
};

}  // namespace bursar::tool
