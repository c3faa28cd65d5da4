// The writer of the ledger: where the counters of this process live.
#pragma once

#include "interpose/account/ledger_format.h"
#include "interpose/account/options.h"

namespace bursar::ledger {

/// The counters of the process. In the file that `ledger=` names, or, when there is none or it cannot be had (said once on
/// stderr), in memory of their own.
class Ledger {
 public:
  /// Opens the ledger of a new process. False when there is no memory at all for it.
  [[nodiscard]] bool open(const Options& options, const char* program) noexcept;

  /// In a forked child: lets go of the parent's ledger for one of its own, all zero, at the same address. False, and told on stderr,
  /// when there is no memory for as much as the parent had.
  [[nodiscard]] bool begin_child(const Options& options, const char* program) noexcept;

  [[nodiscard]] Header& header() const noexcept { return *header_; }
  [[nodiscard]] Slot& slot(size_t index) const noexcept { return slots_[index]; }
  [[nodiscard]] const Slot* slots() const noexcept { return slots_; }

  /// A slot for one more thread; slot 0 when all are taken.
  [[nodiscard]] Slot& take_slot() noexcept;

 private:
  [[nodiscard]] static bool map_file(const char* pattern, const char* program, void* where) noexcept;

  bool is_shared_ = false;  // a file, not memory of the process's own

  Header* header_ = nullptr;
  Slot* slots_ = nullptr;
};

}  // namespace bursar::ledger
