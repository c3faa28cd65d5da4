// What lives of a task, and of the process, at this moment.
#pragma once

#include <cstdint>

#include "interpose/account/ledger_format.h"

namespace bursar::account {

/// What the threads that are in a task did in it since they entered: what no table of tasks knows yet (ledger_format.h I5).
struct Staying {
  uint64_t allocations;
  int64_t live_bytes;
  int64_t high;  // the highest live_bytes of any of the threads, from 0 at its entry
};

/// Pre of all: recording. Exact where no other thread allocates meanwhile. Cost: a look at every slot in use.
[[nodiscard]] Staying staying_in(ledger::Tag tag) noexcept;

/// As far as the record knows, which may be less than none: a thread that stays in the task may free what another allocated in it.
[[nodiscard]] int64_t known_live_bytes_of(const ledger::Task& task) noexcept;

/// Pre: `tag` is that of the record.
[[nodiscard]] uint64_t live_bytes_of(const ledger::Task& task, ledger::Tag tag) noexcept;

[[nodiscard]] uint64_t live_bytes_of_process() noexcept;

/// What is read while it is written may seem less than nothing.
[[nodiscard]] constexpr uint64_t not_negative(int64_t bytes) noexcept {
  return bytes < 0 ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace bursar::account
