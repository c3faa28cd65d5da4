// Tasks: named pieces of work, nested within a thread.
#include "interpose/account/task.h"

#include <atomic>
#include <cstddef>

#include "allocator/bump.h"
#include "allocator/heap.h"
#include "allocator/os.h"
#include "allocator/text.h"
#include "allocator/thread.h"
#include "bursar/bursar.h"
#include "interpose/export.h"
#include "interpose/process.h"

/// The handle of the C API, in a block of the heap that the account does not count.
///
///   I1  outer is the task that was innermost when this one began; its thread has not ended it
///   I2  uses_arena is what this task asked for; a task within a task with an arena has one only if it asks itself
struct bursar_task {
  bursar_task* outer;
  uint32_t number;
  bool uses_arena;
};

namespace bursar::task {
namespace {

constinit std::atomic<uint32_t> tasks_begun{0};
constinit std::atomic<bool> told_of_stray_end{false};

bursar_task* innermost() noexcept { return static_cast<bursar_task*>(thread.task); }

/// Opens or closes the thread's fast path as its innermost task wants it.
void enter(bursar_task* task) noexcept {
  thread.task = task;
  const InsideScope inside;
  bump::rest_chunk();
  thread.serves_task_arena = task != nullptr && task->uses_arena;
  process::choose_fast_path();
}

/// The task that was ended, for comparison only: it is gone.
const bursar_task* end_innermost() noexcept {
  bursar_task* ended = innermost();
  enter(ended->outer);
  heap::deallocate(ended, Caller::free);
  return ended;
}

bool is_nested_here(const bursar_task* task) noexcept {
  for (const bursar_task* at = innermost(); at != nullptr; at = at->outer) {
    if (at == task) return true;
  }
  return false;
}

void tell_of_stray_end() noexcept {
  if (told_of_stray_end.exchange(true, std::memory_order_relaxed)) return;
  constexpr char line[] = "bursar: bursar_task_end: not a task that this thread began and has not ended; ignored\n";
  os::write_to(os::standard_error, line, sizeof(line) - 1);
}

}  // namespace

uint32_t current_number() noexcept {
  const bursar_task* task = innermost();
  return task == nullptr ? 0 : task->number;
}

void end_all() noexcept {
  while (innermost() != nullptr) end_innermost();
  const InsideScope inside;
  bump::leave_chunk();
}

}  // namespace bursar::task

using namespace bursar;

BURSAR_EXPORT bursar_task* bursar_task_begin(const char* name, unsigned flags) {
  (void)name;  // tells the kind of the task to an account by task, which is not kept yet
  if (thread.stage == ThreadStage::unborn && !thread.is_inside) process::begin_thread();
  if (thread.stage != ThreadStage::alive || thread.is_inside) return nullptr;
  auto* task = static_cast<bursar_task*>(heap::allocate(sizeof(bursar_task), block_alignment, Zeroed::no));
  if (task == nullptr) return nullptr;
  const bool uses_arena = (flags & BURSAR_TASK_ARENA) != 0 || process::tasks_use_arenas();
  uint32_t number = task::tasks_begun.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number == bump_freed) number = 1;
  *task = {task::innermost(), number, uses_arena};
  task::enter(task);
  return task;
}

BURSAR_EXPORT void bursar_task_end(bursar_task* task) {
  if (task == nullptr) return;
  if (!task::is_nested_here(task)) return task::tell_of_stray_end();
  while (task::end_innermost() != task) {
  }
}
