// What the threads of a ledger amount to by name, read while they may be written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/render.h"
#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {

struct ThreadTotals {
  Name name;
  uint64_t threads;  // ended or alive
  uint64_t alive;    // as the slots have it: none is once the process has ended (is_over)
  FlowTotals flow;
};

/// Each name once, in no order: first those of ended threads, then those that only living threads have, then what counts without a
/// slot of its own: threads beyond the slots, threads after their end, and signal handlers within the heap. Cost: slots times kinds of threads.
class ThreadReader {
 public:
  explicit ThreadReader(const View& view) noexcept : view_(view) {}

  /// The next name, or false after the last one.
  [[nodiscard]] bool next(ThreadTotals& thread) noexcept;

 private:
  [[nodiscard]] bool has_ended_thread(const Name& name) const noexcept;
  [[nodiscard]] bool is_first_alive(size_t slot, const Name& name) const noexcept;
  void add_living(ThreadTotals& thread) const noexcept;

  const View& view_;
  size_t at_ = 0;  // of the kinds, then the slots
};

/// Whether the process of the ledger has ended.
constexpr bool is_over(Ending ending, Life life) noexcept {
  return life == Life::gone || ending == Ending::exited || ending == Ending::killed || ending == Ending::at_exit;
}

/// The kind of a thread's name, as the writer makes it: digits in a row become one `*`. `bytes` counts the room for the name, NUL included.
[[nodiscard]] Name thread_kind_name(const char* name, size_t bytes) noexcept;

}  // namespace bursar::ledger
