// Tasks that the program does not declare: threads, and turns of event loops.
#pragma once

#include "interpose/account/options.h"

namespace bursar::task_sources {

/// Pre: recording; once.
void start(const Options& options) noexcept;

/// The calling thread has an account from here on. Pre: recording; not inside.
void begin_thread() noexcept;

/// It ends, outside of all tasks with a handle. Pre: not inside.
void end_thread() noexcept;

/// The process is at the end of exit(), which this thread called: as if it ended. A task with a handle that it is in goes on. The other
/// threads may still run.
void end_process() noexcept;

}  // namespace bursar::task_sources
