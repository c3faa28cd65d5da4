// The life of the process and of each of its threads, as far as the heap has part in it.
#pragma once

namespace bursar::process {

/// Starts the heap with the first call in the process, and gives the calling thread a heap of its own. Threads past their
/// end stay without one. Pre: not inside. Safe from any thread at any time, before constructors too.
void begin_thread() noexcept;

/// Opens the calling thread's fast path, or closes it: while calls are counted and within a task with an arena, every call
/// must leave it.
void choose_fast_path() noexcept;

/// True when tasks that do not say so themselves have bump arenas (arena=tasks).
[[nodiscard]] bool tasks_use_arenas() noexcept;

}  // namespace bursar::process
