// The life of the process and of each of its threads, as far as the heap has part in it.
#include "interpose/process.h"

#include <pthread.h>

#include <atomic>
#include <climits>

#include "allocator/fork_guard.h"
#include "allocator/heap_registry.h"
#include "allocator/os.h"
#include "allocator/report.h"
#include "allocator/settings.h"
#include "allocator/thread.h"
#include "allocator/units.h"
#include "interpose/account/account.h"
#include "interpose/account/environment.h"
#include "interpose/account/options.h"
#include "interpose/account/report_at_exit.h"
#include "interpose/account/standard_error.h"
#include "interpose/account/task.h"
#include "interpose/account/task_sources.h"
#include "interpose/loop/presence.h"

namespace bursar::process {
namespace {

enum Start : uint32_t { not_started, starting, started };

constinit std::atomic<uint32_t> start_state{not_started};
constinit Options options{};
constinit pthread_key_t exit_key{};
constinit bool has_exit_key = false;

/// Called as the thread's data of our key is destroyed. Other keys' destructors may still allocate, in this round and in
/// the ones after; arming the key again in each round but the last makes ours the last there is a right to.
void on_thread_exit(void*) noexcept {
  ++thread.exit_rounds;
  if (thread.exit_rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(exit_key, &thread) == 0) return;
  task::end_all();
  task_sources::end_thread();
  if (account::is_recording) account::end_thread();
  heap_registry.detach_thread();
}

/// The forking thread itself puts the child in order, before it can start others there. It takes no lock that it could hold,
/// and there is no handler before the fork: what the parent's other threads hold then, stdio locks among it, they may need the
/// heap to let go of.
void in_child() noexcept {
  if (!fork_guard.is_wiped_by_kernel()) fork_guard.note_child();
  account::note_child();
  if (thread.is_inside) return;
  const InsideScope inside;
  heap_registry.notice_fork();
  account::notice_fork();
  if (!account::is_recording) task::begin_child();
  standard_error::forget_copy();
}

void start_process() noexcept {
  if (os::page_bytes() > granule_bytes) report_page_size(os::page_bytes());
  standard_error::note();
  char value[2 * path_bytes_max];
  switch (environment::read("BURSAR", value, sizeof(value))) {
    case environment::Found::yes: options::parse(value, options); break;
    case environment::Found::too_long: options::complain_of_length(); break;
    case environment::Found::no: break;
  }
  settings = options.heap;
  fork_guard.start();
  (void)pthread_atfork(nullptr, nullptr, in_child);
  has_exit_key = pthread_key_create(&exit_key, on_thread_exit) == 0;
  char program[path_bytes_max];
  environment::read_program(program, sizeof(program));
  account::start(options, program);
  if (account::is_recording) task_sources::start(options);
  if (options.task_source == ledger::TaskSource::loop) loop::tell_if_missing();
  if (account::is_recording) report_at_exit::arm(options);
}

/// One thread starts the process; others that come meanwhile wait.
void ensure_started() noexcept {
  if (start_state.load(std::memory_order_acquire) == started) [[likely]]
    return;
  uint32_t expected = not_started;
  if (start_state.compare_exchange_strong(expected, starting, std::memory_order_acquire)) {
    start_process();
    start_state.store(started, std::memory_order_release);
    return;
  }
  constexpr uint32_t look_again_ms = 1;
  while (start_state.load(std::memory_order_acquire) != started) {
    os::wait_while(&start_state, starting, look_again_ms);
  }
}

}  // namespace

void begin_thread() noexcept {
  {
    const InsideScope inside;
    ensure_started();
  }
  if (!heap_registry.attach_thread()) return;
  if (account::is_recording) account::begin_thread();
  if (account::is_recording) task_sources::begin_thread();
  {
    const InsideScope inside;  // it takes the heap's lock
    choose_fast_path();
  }
  // May allocate for keys beyond the first 32, which the heap can serve by now.
  if (has_exit_key) (void)pthread_setspecific(exit_key, &thread);
}

/// Programs that never allocate are told of bad options and have an account too.
[[gnu::constructor]] static void start_at_the_latest() noexcept { begin_thread(); }

void choose_fast_path() noexcept {
  const bool is_counting = account::is_recording;
  if (thread.heap != nullptr) is_counting ? thread.heap->close_to_frees() : thread.heap->open_to_frees();
  const bool is_open = !is_counting && !thread.serves_task_arena && thread.heap != nullptr;
  thread.active = is_open ? thread.heap : const_cast<ThreadHeap*>(&empty_heap);
}

bool tasks_use_arenas() noexcept { return options.tasks_use_arenas; }

}  // namespace bursar::process
