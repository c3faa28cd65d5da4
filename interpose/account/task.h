// Tasks: named pieces of work, nested within a thread.
#pragma once

#include <cstdint>

namespace bursar::task {

/// The number of the calling thread's innermost task, as bump blocks carry it; 0 outside of any.
[[nodiscard]] uint32_t current_number() noexcept;

/// Ends all that the calling thread has begun and leaves its bump chunk. Pre: not inside.
void end_all() noexcept;

}  // namespace bursar::task
