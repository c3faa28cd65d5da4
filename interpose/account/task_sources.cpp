// Tasks that the program does not declare: threads, and turns of event loops.
#include "interpose/account/task_sources.h"

#include <cstring>

#include "allocator/os.h"
#include "allocator/text.h"
#include "allocator/thread.h"
#include "interpose/account/account.h"
#include "interpose/account/current_task.h"
#include "interpose/account/kind_names.h"
#include "interpose/account/task_tables.h"
#include "interpose/export.h"
#include "interpose/process.h"

namespace bursar::task_sources {
namespace {

using account::AccountScope;
using ledger::Tag;
using ledger::TaskSource;

namespace tables = account::tables;

constinit TaskSource source = TaskSource::api;

/// The kind of a thread, or of its turns: its name without the digits that tell it from its like.
uint32_t kind_of_thread(const char* name, const char* suffix) noexcept {
  char starred[os::thread_name_bytes * 4];
  kind_names::clean_starred(name, starred, sizeof(starred));
  Text<ledger::kind_name_bytes> text;
  text.add(starred).add(suffix);
  return tables::kind_named(text.c_str());
}

/// The thread is outside of all tasks with a handle, so that its base is what it is in.
bool is_at_base() noexcept { return thread.task == nullptr; }

/// The name that a thread has when it first allocates may be that of the thread which made it. What it allocated under that name stays with
/// the kind of that name, and the task begins anew. Pre: within the account.
void settle_kind(account::ThreadAccount* own, const char* name) noexcept {
  const Tag provisional = thread.base_tag;
  const uint32_t kind = kind_of_thread(name, "");
  if (kind == ledger::kind_of(provisional)) return tables::set_label(provisional, name);
  const Tag settled = tables::begin_task_since(kind, tables::begun_ns_of(provisional));
  tables::set_label(settled, name);
  thread.base_tag = settled;
  if (is_at_base()) {
    thread.task_tag = settled;
    if (own != nullptr) account::move_to(*own, settled);
  }
  tables::drop_task(provisional);
}

bool has_open_base() noexcept { return thread.base_tag != 0; }

void close_base() noexcept {
  const Tag ended = thread.base_tag;
  thread.base_tag = 0;
  if (is_at_base()) account::go_to(account::base_tag());
  tables::end_task(ended);
}

/// A look at the name found another than before, in a call that the account counts.
void on_new_name(account::ThreadAccount& own, const char* name) noexcept {
  if (has_open_base()) settle_kind(&own, name);
}

void begin_turn() noexcept {
  const account::ThreadAccount* own = account::current_thread_account();
  char name[os::thread_name_bytes];
  if (own != nullptr && own->slot->thread_name[0] != '\0')
    memcpy(name, own->slot->thread_name, sizeof(name));
  else
    os::thread_name(name);
  thread.base_tag = tables::begin_task(kind_of_thread(name, ": turn"));
  account::go_to(thread.base_tag);
}

/// Turns are told of threads that wait for events at their base: who waits within a task has its reasons.
bool has_turns() noexcept {
  if (source != TaskSource::loop || !account::is_recording || thread.is_inside || thread.is_counting) return false;
  if (thread.stage == ThreadStage::unborn) process::begin_thread();
  if (thread.stage != ThreadStage::alive || !is_at_base()) return false;
  account::notice_fork();
  return true;
}

}  // namespace

void start(const Options& options) noexcept {
  source = options.task_source;
  if (source == TaskSource::thread) account::call_on_new_name(on_new_name);
}

void begin_thread() noexcept {
  if (source != TaskSource::thread || has_open_base()) return;
  const InsideScope inside;
  char name[os::thread_name_bytes];
  os::thread_name(name);
  thread.base_tag = tables::begin_task(kind_of_thread(name, ""));
  tables::set_label(thread.base_tag, name);
  if (is_at_base()) account::go_to(thread.base_tag);
}

void end_thread() noexcept {
  if (!account::is_recording || !has_open_base()) return;
  const InsideScope inside;
  if (source == TaskSource::thread) {
    char name[os::thread_name_bytes];
    os::thread_name(name);
    const AccountScope scope;
    settle_kind(scope.own(), name);
  }
  close_base();
}

void end_process() noexcept {
  // exit() may be called by a handler that interrupted the heap or the account.
  if (!account::is_recording || thread.is_inside || thread.is_counting || thread.stage != ThreadStage::alive) return;
  account::notice_fork();
  end_thread();
}

}  // namespace bursar::task_sources

using namespace bursar;

/// The thread is about to wait for events: its turn ends. Called by the library that stands before epoll_wait and its like.
BURSAR_EXPORT void bursar_loop_leave(void) {
  if (!task_sources::has_turns() || !task_sources::has_open_base()) return;
  const InsideScope inside;
  task_sources::close_base();
}

/// It came back with events: a turn begins.
BURSAR_EXPORT void bursar_loop_enter(void) {
  if (!task_sources::has_turns() || task_sources::has_open_base()) return;
  const InsideScope inside;
  task_sources::begin_turn();
}
