// The writer of the ledger: where the counters of this process live.
#pragma once

#include "interpose/account/ledger_format.h"
#include "interpose/account/ledger_view.h"
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

  [[nodiscard]] TaskKind& kind(size_t index) const noexcept { return kinds_[index]; }
  [[nodiscard]] Task& task(size_t index) const noexcept { return tasks_[index]; }

  /// A slot for one more thread; slot 0 when all are taken, or there is no memory for more.
  [[nodiscard]] Slot& take_slot() noexcept;

  /// Puts memory behind a kind (a task), all zero, and raises kinds_used (tasks_used) to it. False when there is none, or the table of this ledger is
  /// shorter: then nothing of it may be touched. Thread safe. The indices come in order.
  [[nodiscard]] bool try_use_kind(size_t index) noexcept;
  [[nodiscard]] bool try_use_task(size_t index) noexcept;

  [[nodiscard]] View view() const noexcept;

 private:
  [[nodiscard]] bool begin(const Options& options, const char* program, Header* where) noexcept;
  [[nodiscard]] bool map_file(const char* pattern, const char* program, Header* where) noexcept;
  [[nodiscard]] const char* fill_file(int descriptor, Header* where) noexcept;
  [[nodiscard]] bool try_ready(size_t table_index, const Table& table, size_t index, uint32_t at_once) noexcept;

  bool is_shared_ = false;  // a file, not memory of the process's own
  bool is_filled_ = false;  // with memory behind all of it from the start

  Header* header_ = nullptr;
  Slot* slots_ = nullptr;
  TaskKind* kinds_ = nullptr;
  Task* tasks_ = nullptr;
  std::atomic<uint32_t> ready_[3]{};  // entries of slots, kinds, tasks that have memory behind them
};

/// The ledger of this process. Pre of all that touches it: recording.
extern constinit Ledger book;

}  // namespace bursar::ledger
