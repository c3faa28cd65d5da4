// The account of a process: counts every call when BURSAR asks for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/heap.h"
#include "interpose/account/ledger.h"
#include "interpose/account/options.h"

namespace bursar::account {

using ledger::Call;

/// True when calls are counted. Set before the first block and never changed, so that no block is freed that was not
/// counted. Read on slow exits only: while it is true, every call leaves the fast path.
extern constinit bool is_recording;

/// Opens the account if the options ask for it. Pre: the process has one thread and has not allocated.
void start(const Options& options, const char* program) noexcept;

/// Gives the calling thread its counters, which it shares where there are none left. Pre: recording, the thread has a heap.
void begin_thread() noexcept;

/// The thread ends: what it did is counted to its name, and its counters go to the next. What it still does is counted in slot 0.
void end_thread() noexcept;

/// In a new child, where the kernel does not tell that it is one.
void note_child() noexcept;

/// In a new child: goes on in a ledger of its own. Called by whoever counts; called early by the forking thread, before there
/// are others.
void notice_fork() noexcept;

/// What the calling thread allocates belongs to this task. Pre: recording.
[[nodiscard]] ledger::Tag current_tag() noexcept;

/// False when the budget of the thread's task does not allow so many bytes more: then the allocation fails. May call back the program.
/// Pre: recording.
[[nodiscard]] bool allows(size_t bytes) noexcept;

/// One block handed out; it gets its tag. Pre: recording. Cost: some twenty instructions, no lock.
void count_allocation(Call call, size_t requested_bytes, const heap::BlockInfo& block) noexcept;

/// One block taken back by a call of free or delete, or, for `Call::realloc`, as the old one of a realloc (then the call
/// itself is not counted again).
void count_free(Call call, const heap::BlockInfo& block) noexcept;

/// A call that changed no block: a realloc that found its block large enough.
void count_call(Call call) noexcept;

/// Null unless recording.
[[nodiscard]] const ledger::Ledger* ledger() noexcept;

/// Writes what is only known at the end into the ledger and, when asked for, the report.
void finish() noexcept;

}  // namespace bursar::account
