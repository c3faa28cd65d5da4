// Tasks: named pieces of work, nested within a thread.
#include "interpose/account/task.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "allocator/bump.h"
#include "allocator/thread.h"
#include "bursar/bursar.h"
#include "interpose/account/account.h"
#include "interpose/account/current_task.h"
#include "interpose/account/standard_error.h"
#include "interpose/account/task_handles.h"
#include "interpose/account/task_tables.h"
#include "interpose/export.h"
#include "interpose/process.h"

namespace bursar::task {
namespace {

using account::handles::Entry;
using account::handles::Handle;
using account::handles::try_find;
using ledger::Tag;

namespace handles = account::handles;
namespace tables = account::tables;

Handle handle_of(const bursar_task* task) noexcept { return reinterpret_cast<Handle>(task); }
bursar_task* pointer_of(Handle handle) noexcept { return reinterpret_cast<bursar_task*>(handle); }

Handle current() noexcept { return reinterpret_cast<Handle>(thread.task); }

/// A thread can be in tasks from its first call until its end, but for handlers that interrupted it inside.
bool may_be_in_tasks() noexcept {
  if (thread.stage == ThreadStage::unborn && !thread.is_inside) process::begin_thread();
  if (thread.stage != ThreadStage::alive || thread.is_inside || thread.is_counting) return false;
  account::notice_fork();
  return true;
}

/// One that no thread has been in since the fork that made this process is begun here.
Tag tag_of(Entry& entry) noexcept {
  Tag tag = entry.tag.load(std::memory_order_relaxed);
  if (tag != 0) return tag;
  tag = tables::begin_task(entry.kind.load(std::memory_order_relaxed));
  // Another thread may come to it at the same time.
  if (Tag theirs = 0; !entry.tag.compare_exchange_strong(theirs, tag, std::memory_order_relaxed)) {
    tables::drop_task(tag);
    return theirs;
  }
  if (entry.has_budget.load(std::memory_order_relaxed)) {
    (void)tables::set_budget(tag, entry.budget_bytes.load(std::memory_order_relaxed));
  }
  return tag;
}

/// The thread goes on in a task whose threads count it already; in none for 0. Pre: inside.
void go_on_in(Handle handle) noexcept {
  Entry* entry = try_find(handle);
  thread.task = entry == nullptr ? nullptr : pointer_of(handle);
  const bool uses_arena = entry != nullptr && entry->uses_arena.load(std::memory_order_relaxed);
  if (uses_arena || thread.serves_task_arena) {
    bump::rest_chunk();
    thread.serves_task_arena = uses_arena;
    process::choose_fast_path();
  }
  if (account::is_recording) account::go_to(entry == nullptr ? account::base_tag() : tag_of(*entry));
}

/// Pre: inside; no thread is in it.
void end_left(Handle handle) noexcept {
  const Entry* entry = try_find(handle);
  if (entry == nullptr) return;
  const Tag tag = entry->tag.load(std::memory_order_relaxed);
  if (handles::try_end(handle) && account::is_recording && tag != 0) tables::end_task(tag);
}

/// The thread goes back to the task that the ended one was begun in, unless another thread is in it: then that is where the work was
/// handed over from, and no place for this one. Pre: inside; nobody else is in the current task.
void end_current() noexcept {
  const Handle ended = current();
  const Entry* entry = try_find(ended);
  const Handle outer_handle = entry == nullptr ? 0 : entry->outer.load(std::memory_order_relaxed);
  const Entry* outer = try_find(outer_handle);
  const bool is_shared = outer != nullptr && outer->threads_in.load(std::memory_order_relaxed) > 1;
  if (is_shared) handles::leave(outer_handle);
  go_on_in(is_shared ? 0 : outer_handle);
  end_left(ended);
}

/// Each fault is told once in the life of a process.
struct Fault {
  const char* line;
  size_t length;
  std::atomic<bool> is_told{false};

  template <size_t bytes>
  explicit constexpr Fault(const char (&text)[bytes]) noexcept : line(text), length(bytes - 1) {}

  void tell() noexcept {
    if (!is_told.exchange(true, std::memory_order_relaxed)) standard_error::write(line, length);
  }
};

constinit Fault no_task{
    "bursar: bursar_task_end: no task has this handle: it was never given out, or has ended; ignored (end each "
    "once)\n"};
constinit Fault in_use{
    "bursar: bursar_task_end: another thread is in this task; ignored (let it switch to another before)\n"};

}  // namespace

uint32_t current_number() noexcept { return static_cast<uint32_t>(current() & 0xffff); }

void end_all() noexcept {
  const InsideScope inside;
  Handle at = current();
  go_on_in(0);
  for (Entry* entry = try_find(at); entry != nullptr; entry = try_find(at)) {
    const Handle left = at;
    at = entry->outer.load(std::memory_order_relaxed);
    const bool is_own = entry->begun_by.load(std::memory_order_relaxed) == &thread;
    const bool is_empty = entry->threads_in.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (is_own && is_empty) end_left(left);
  }
  bump::leave_chunk();
}

void begin_child() noexcept { handles::begin_child(current()); }

}  // namespace bursar::task

using namespace bursar;

BURSAR_EXPORT bursar_task* bursar_task_begin(const char* kind, unsigned flags) {
  if (!task::may_be_in_tasks()) return nullptr;
  const InsideScope inside;
  const task::Handle handle = task::handles::begin(task::current(), &thread);
  task::Entry* entry = task::try_find(handle);
  if (entry == nullptr) return nullptr;
  const bool uses_arena = (flags & BURSAR_TASK_ARENA) != 0 || process::tasks_use_arenas();
  entry->uses_arena.store(uses_arena, std::memory_order_relaxed);
  if (account::is_recording) {
    entry->kind.store(static_cast<uint16_t>(task::tables::kind_named(kind)), std::memory_order_relaxed);
  }
  task::go_on_in(handle);
  return task::pointer_of(handle);
}

BURSAR_EXPORT void bursar_task_end(bursar_task* ended) {
  if (ended == nullptr || !task::may_be_in_tasks()) return;
  const InsideScope inside;
  const task::Handle handle = task::handle_of(ended);
  const task::Entry* entry = task::try_find(handle);
  if (entry == nullptr) return task::no_task.tell();
  const bool is_here = task::handles::is_within(task::current(), handle);
  if (entry->threads_in.load(std::memory_order_relaxed) != (is_here ? 1 : 0)) return task::in_use.tell();
  if (!is_here) return task::end_left(handle);
  while (task::current() != 0 && task::try_find(handle) != nullptr) task::end_current();
}

BURSAR_EXPORT bursar_task* bursar_task_switch(bursar_task* next) {
  if (!task::may_be_in_tasks()) return nullptr;
  const InsideScope inside;
  const task::Handle former = task::current();
  bursar_task* told = task::try_find(former) == nullptr ? nullptr : task::pointer_of(former);
  if (next == told || (next != nullptr && task::try_find(task::handle_of(next)) == nullptr)) return told;
  task::handles::leave(former);
  task::handles::enter(task::handle_of(next));
  task::go_on_in(task::handle_of(next));
  return told;
}

BURSAR_EXPORT bursar_task* bursar_task_current(void) {
  return task::try_find(task::current()) == nullptr ? nullptr : task::pointer_of(task::current());
}

BURSAR_EXPORT void bursar_task_label(bursar_task* labelled, const char* label) {
  if (!account::is_recording || !task::may_be_in_tasks()) return;
  const InsideScope inside;
  task::Entry* entry = task::try_find(task::handle_of(labelled));
  if (entry != nullptr) task::tables::set_label(task::tag_of(*entry), label);
}

BURSAR_EXPORT int bursar_task_set_budget(bursar_task* limited, size_t bytes) {
  task::Entry* entry = task::try_find(task::handle_of(limited));
  if (entry == nullptr) return EINVAL;
  if (!account::is_recording || !task::may_be_in_tasks()) return ENOTSUP;
  const InsideScope inside;
  entry->budget_bytes.store(bytes, std::memory_order_relaxed);
  entry->has_budget.store(true, std::memory_order_relaxed);
  if (!task::tables::set_budget(task::tag_of(*entry), bytes)) return ENOTSUP;
  if (limited == task::pointer_of(task::current())) account::look_at_limit();
  return 0;
}
