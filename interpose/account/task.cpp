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
using account::handles::try_find_entered;
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

/// The last of a task that has ended. Pre: inside.
void finish(Handle handle) noexcept {
  const Tag tag = try_find_entered(handle)->tag.load(std::memory_order_relaxed);
  handles::give_back(handle);
  if (account::is_recording && tag != 0) tables::end_task(tag);
}

void finish_if_last(handles::Rest rest, Handle handle) noexcept {
  if (rest == handles::Rest::entry) finish(handle);
}

/// The thread leaves its current task for one whose threads count it already; for none with 0. Pre: inside.
void go_on_in(Handle handle) noexcept {
  const Handle former = current();
  Entry* entry = try_find_entered(handle);
  thread.task = entry == nullptr ? nullptr : pointer_of(handle);
  const bool uses_arena = entry != nullptr && entry->uses_arena.load(std::memory_order_relaxed);
  if (uses_arena || thread.serves_task_arena) {
    bump::rest_chunk();
    thread.serves_task_arena = uses_arena;
    process::choose_fast_path();
  }
  if (account::is_recording) account::go_to(entry == nullptr ? account::base_tag() : tag_of(*entry));
  finish_if_last(handles::leave(former), former);
}

/// Where the thread goes on after the end of a task that it was in: in the one that this was begun in. Not where another thread is in that, unless
/// this one began the task: then the work was handed over from there, and it is no place for this thread.
Handle next_after(Handle ended) noexcept {
  const Entry* entry = try_find_entered(ended);
  const Handle outer_handle = handles::outer_of(ended);
  const Entry* outer = try_find(outer_handle);
  if (entry == nullptr || outer == nullptr) return 0;
  const bool is_own = entry->begun_by.load(std::memory_order_relaxed) == &thread;
  return is_own || outer->threads() == 0 ? outer_handle : 0;
}

/// Ends a task that the thread is in, with all in between. Pre: inside; the current task is within `last`.
void end_from_current(Handle last) noexcept {
  const Handle next = next_after(last);
  Handle ended = 0;
  for (Handle at = current(); at != 0 && ended != last;) {
    ended = at;
    at = handles::outer_of(at);
    finish_if_last(handles::end(ended), ended);
  }
  go_on_in(handles::try_enter(next) ? next : 0);
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

}  // namespace

uint32_t current_number() noexcept { return static_cast<uint32_t>(current() & 0xffff); }

void end_all() noexcept {
  const InsideScope inside;
  Handle at = current();
  go_on_in(0);
  while (at != 0) {
    const Handle left = at;
    at = handles::outer_of(at);
    const Entry* entry = try_find(left);
    const bool is_own = entry != nullptr && entry->begun_by.load(std::memory_order_relaxed) == &thread;
    if (is_own && entry->threads() == 0) finish_if_last(handles::end(left), left);
  }
  bump::leave_chunk();
}

void begin_child() noexcept { handles::begin_child(current()); }

}  // namespace bursar::task

using namespace bursar;

BURSAR_EXPORT bursar_task* bursar_task_begin(const char* kind, unsigned flags) {
  if (!task::may_be_in_tasks()) return nullptr;
  const InsideScope inside;
  const task::Handle outer = task::try_find(task::current()) == nullptr ? 0 : task::current();
  const task::Handle handle = task::handles::begin(outer, &thread);
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
  if (task::try_find(handle) == nullptr) return task::no_task.tell();
  if (task::handles::is_within(task::current(), handle)) return task::end_from_current(handle);
  task::finish_if_last(task::handles::end(handle), handle);
}

BURSAR_EXPORT bursar_task* bursar_task_switch(bursar_task* next) {
  if (!task::may_be_in_tasks()) return nullptr;
  const InsideScope inside;
  bursar_task* told = task::pointer_of(task::try_find(task::current()) == nullptr ? 0 : task::current());
  const task::Handle handle = task::handle_of(next);
  if (next != nullptr && next == told) return told;
  task::go_on_in(task::handles::try_enter(handle) ? handle : 0);
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
