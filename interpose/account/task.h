// Tasks: named pieces of work, nested within a thread.
#pragma once

#include <cstdint>

namespace bursar::task {

/// The number of the calling thread's current task, as bump blocks carry it; 0 outside of any.
[[nodiscard]] uint32_t current_number() noexcept;

/// The calling thread ends: it leaves all tasks and its bump chunk. Those that it began and nobody else is in end. Pre: not inside.
void end_all() noexcept;

/// In a new child of a process that keeps no account: the tasks of other threads are gone.
void begin_child() noexcept;

}  // namespace bursar::task
