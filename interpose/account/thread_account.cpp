// What a thread counts: its entry into tasks and its way out, its limits, its life.
#include "interpose/account/thread_account.h"

#include <algorithm>

#include "allocator/heap_registry.h"
#include "allocator/os.h"
#include "allocator/thread.h"
#include "allocator/units.h"
#include "interpose/account/account.h"
#include "interpose/account/counting.h"
#include "interpose/account/task_tables.h"
#include "interpose/account/thread_kinds.h"

namespace bursar::account {
namespace {

using ledger::book;
using ledger::Flow;
using ledger::flush_bytes;
using ledger::Header;
using ledger::Tag;

/// One for each slot; that of slot 0, which all threads share, is never used.
constinit ThreadAccount* accounts = nullptr;
constinit bool are_wiped_by_kernel = false;
constexpr size_t accounts_bytes = ledger::slot_count * sizeof(ThreadAccount);

/// The allocations at which a thread's name is looked at: each time twice as many as before, then after as many again. So under a former name
/// it counts no more than it did before it had the new one, or this step.
constexpr uint64_t first_name_look = 1;
constexpr uint64_t name_look_step_max = 4096;

/// After so many allocations it is looked at no more but at the thread's end, unless names make tasks: sandboxes that are entered meanwhile kill
/// for questions that they do not know. Most are entered by the first thread of a process, which has its program's name, so that one is
/// looked at as it begins and never again.
constexpr uint64_t last_name_look = 4096;

constinit NameLook on_new_name = nullptr;

/// Where a name makes a task, it is looked at after each of the first allocations, since it is mostly given when a thread has made some.
constexpr uint64_t settling_allocations = 64;

/// Lower than all live bytes: whatever comes next is a rise above it, and passes it as a limit.
constexpr int64_t below_all = INT64_MIN / 2;

uint64_t get(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }
int64_t get(const std::atomic<int64_t>& counter) noexcept { return counter.load(std::memory_order_relaxed); }

void copy(Flow& to, const Flow& from) noexcept {
  set(to.allocations, get(from.allocations));
  set(to.frees, get(from.frees));
  set(to.allocated_bytes, get(from.allocated_bytes));
  set(to.freed_bytes, get(from.freed_bytes));
}

PlainFlow since(const Flow& now, const Flow& then) noexcept {
  return {get(now.allocations) - get(then.allocations), get(now.frees) - get(then.frees),
          get(now.allocated_bytes) - get(then.allocated_bytes), get(now.freed_bytes) - get(then.freed_bytes)};
}

/// What the thread did in its task, in bytes that live; own blocks only.
int64_t live_of_stay(const ThreadAccount& account, int64_t live) noexcept {
  const Slot& slot = *account.slot;
  const int64_t at_entry = static_cast<int64_t>(get(slot.at_entry.allocated_bytes) - get(slot.at_entry.freed_bytes));
  return live - at_entry + static_cast<int64_t>(get(slot.foreign_freed_bytes));
}

/// By how much live bytes may still rise before a budget is spent, that of the task or that of the process. INT64_MAX without one. `live` is of the
/// thread.
int64_t left_of_budget(const ThreadAccount& account, int64_t live) noexcept {
  const int64_t of_process = left_of_process();
  const int64_t unflushed = live - get(account.slot->flushed_bytes);
  const int64_t of_task = tables::headroom_of(tag_of(account));
  return std::min(of_process == INT64_MAX ? INT64_MAX : of_process - unflushed,
                  of_task == INT64_MAX ? INT64_MAX : of_task - live_of_stay(account, live));
}

/// What was highest is kept for process and task, so that live_high may begin anew.
void keep_highs(ThreadAccount& account) noexcept {
  Slot& slot = *account.slot;
  const int64_t live_high = get(slot.live_high);
  if (live_high > get(slot.process_high)) set(slot.process_high, live_high);
  const int64_t high_of_stay = live_of_stay(account, live_high);
  if (high_of_stay > get(slot.task_high)) set(slot.task_high, high_of_stay);
}

/// The header hears of all that the thread did, and the peak with it.
void flush(ThreadAccount& account) noexcept {
  keep_highs(account);
  Slot& slot = *account.slot;
  const int64_t live = live_bytes_of(slot);
  const int64_t flushed = get(slot.flushed_bytes);
  const int64_t before = book.header().live_bytes.fetch_add(live - flushed, std::memory_order_relaxed);
  raise_peak(before + get(slot.process_high) - flushed);
  set(slot.flushed_bytes, live);
  set(slot.process_high, live);
  set_live_high(account, live);
}

/// Downwards sooner, so that there is always a stretch of freed bytes in which nobody has to look at live bytes (A3).
constexpr int64_t flush_bytes_downwards = flush_bytes / 2;

bool is_flush_due(const ThreadAccount& account) noexcept {
  const int64_t change = live_bytes_of(*account.slot) - get(account.slot->flushed_bytes);
  return change >= flush_bytes || change <= -flush_bytes_downwards;
}

void enter(ThreadAccount& account, Tag tag) noexcept {
  Slot& slot = *account.slot;
  // What is in no table by now was of other tasks.
  set(slot.foreign_frees, 0);
  set(slot.foreign_freed_bytes, 0);
  copy(slot.at_entry, slot.all);
  set(slot.task_high, 0);
  slot.tag.store(tag, std::memory_order_relaxed);
  set_live_high(account, live_bytes_of(slot));
  renew_limit(account);
}

uint64_t allocations_of_thread(const ThreadAccount& account) noexcept {
  return get(account.slot->all.allocations) - get(account.slot->at_thread_start.allocations);
}

bool is_name_looked_at(const ThreadAccount& account) noexcept {
  const Header& header = book.header();
  if (header.task_source == ledger::TaskSource::thread || header.task_source == ledger::TaskSource::loop) return true;
  const bool is_first = account.slot->thread_id.load(std::memory_order_relaxed) == header.process_id;
  return !is_first && allocations_of_thread(account) <= last_name_look;
}

bool is_settling(const ThreadAccount& account) noexcept {
  return on_new_name != nullptr && allocations_of_thread(account) < settling_allocations;
}

/// The next allocation takes the long way, wherever live bytes are.
void watch_next(ThreadAccount& account) noexcept {
  keep_highs(account);
  set_live_high(account, below_all);
  account.limit = below_all;
}

void look_at_name(ThreadAccount& account) noexcept {
  char name[os::thread_name_bytes];
  os::thread_name(name);
  static_assert(os::thread_name_bytes == ledger::thread_name_bytes);
  if (name[0] == '\0' || __builtin_strncmp(account.slot->thread_name, name, sizeof(name)) == 0) return;
  __builtin_memcpy(account.slot->thread_name, name, sizeof(name));
  if (on_new_name != nullptr) on_new_name(account, name);
}

ThreadAccount* take_account() noexcept {
  Slot& slot = book.take_slot();
  const auto index = static_cast<size_t>(&slot - book.slots());
  if (index == 0 || accounts == nullptr) return nullptr;
  accounts[index] = {};
  accounts[index].slot = &slot;
  return &accounts[index];
}

}  // namespace

ThreadAccount* current_thread_account() noexcept {
  auto* account = thread.is_counting ? nullptr : static_cast<ThreadAccount*>(thread.account);
  return account == nullptr || account->slot == nullptr ? nullptr : account;
}

void move_to(ThreadAccount& account, Tag tag) noexcept {
  keep_highs(account);
  Slot& slot = *account.slot;
  Stay stay{since(slot.all, slot.at_entry), get(slot.task_high), &slot.at_entry};
  stay.flow.frees -= get(slot.foreign_frees);
  stay.flow.freed_bytes -= get(slot.foreign_freed_bytes);
  if ((stay.flow.allocations | stay.flow.frees) != 0) tables::count_stay(tag_of(account), stay);
  enter(account, tag);
}

void call_on_new_name(NameLook look) noexcept { on_new_name = look; }

void renew_limit(ThreadAccount& account) noexcept {
  Slot& slot = *account.slot;
  const int64_t live = live_bytes_of(slot);
  const int64_t flushed = get(slot.flushed_bytes);
  account.limit = flushed + flush_bytes - 1;
  account.freed_mark = get(slot.all.allocated_bytes) - static_cast<uint64_t>(flushed - flush_bytes + 1);
  const int64_t left = left_of_budget(account, live);
  if (left != INT64_MAX && live + left < account.limit) account.limit = live + left;
  if (get(slot.live_high) > account.limit) [[unlikely]] {
    keep_highs(account);
    set_live_high(account, live);
  }
  if (is_settling(account)) [[unlikely]]
    watch_next(account);
}

void pass_limit(ThreadAccount& account) noexcept {
  look_at_name_in_time(account);
  if (is_flush_due(account)) {
    flush(account);
    const Tag tag = tag_of(account);
    // A task with a record or a budget is told too: its peak, and what is left for the other threads in it.
    const bool is_watched = ledger::record_of(tag) != 0 || tables::headroom_of(tag) != INT64_MAX;
    if (is_watched) return move_to(account, tag);
  }
  renew_limit(account);
}

bool is_over_budget(const ThreadAccount& account, uint64_t bytes) noexcept {
  return !fits(left_of_budget(account, live_bytes_of(*account.slot)), bytes);
}

int64_t left_of_process() noexcept {
  const Header& header = book.header();
  if (header.task_source != ledger::TaskSource::process || header.budget_bytes == 0) return INT64_MAX;
  return static_cast<int64_t>(header.budget_bytes) - header.live_bytes.load(std::memory_order_relaxed);
}

void begin_foreign_free(ThreadAccount& account, Tag tag, uint64_t usable_bytes) noexcept {
  keep_highs(account);
  add(account.slot->foreign_frees, 1);
  add(account.slot->foreign_freed_bytes, usable_bytes);
  tables::count_foreign_free(tag, usable_bytes);
}

void end_foreign_free(ThreadAccount& account, uint64_t usable_bytes) noexcept {
  set_live_high(account, live_bytes_of(*account.slot));
  // The thread has less live, but no more is left of the budget of its own task. The next flush comes no later for it.
  account.limit -= static_cast<int64_t>(usable_bytes);
  note_fall(account);
}

void raise_peak(int64_t live_bytes) noexcept {
  Header& header = book.header();
  const auto live = static_cast<uint64_t>(live_bytes < 0 ? 0 : live_bytes);
  uint64_t peak = header.peak_live_bytes.load(std::memory_order_relaxed);
  while (live > peak) {
    if (!header.peak_live_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) continue;
    header.peak_live_ns.store(os::now_ns() - header.started_ns, std::memory_order_relaxed);
    return;
  }
}

void begin_thread_account() noexcept {
  ThreadHeap& heap = *thread.heap;
  if (heap.account == nullptr) heap.account = take_account();
  auto* account = static_cast<ThreadAccount*>(heap.account);
  if (account == nullptr) {
    book.slot(0).threads.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Slot& slot = *account->slot;
  copy(slot.at_thread_start, slot.all);
  account->next_name_look = static_cast<uint32_t>(get(slot.all.allocations) + first_name_look);
  slot.thread_name[0] = '\0';
  look_at_name(*account);
  add(slot.threads, 1);
  slot.thread_id.store(os::thread_id(), std::memory_order_relaxed);
  enter(*account, current_tag());
  thread.set_account(account, &slot);
}

void end_thread_account(ThreadAccount& account) noexcept {
  flush(account);
  move_to(account, ledger::tag_of_kind(ledger::kind_outside));
  look_at_name(account);
  Slot& slot = *account.slot;
  thread_kinds::add(slot.thread_name, since(slot.all, slot.at_thread_start), slot.at_thread_start);
  slot.tag.store(0, std::memory_order_relaxed);
  slot.thread_id.store(0, std::memory_order_relaxed);
  thread.set_account(nullptr, nullptr);
}

void look_at_name_in_time(ThreadAccount& account) noexcept {
  const auto past =
      static_cast<int32_t>(static_cast<uint32_t>(get(account.slot->all.allocations)) - account.next_name_look);
  if (past < 0) [[likely]]
    return;
  if (is_name_looked_at(account)) look_at_name(account);
  const uint64_t so_far = allocations_of_thread(account);
  uint64_t next = first_name_look;
  while (next <= so_far && next < name_look_step_max) next *= 2;
  if (next <= so_far) next = so_far + name_look_step_max;
  if (is_settling(account)) next = so_far + 1;
  account.next_name_look = static_cast<uint32_t>(get(account.slot->all.allocations) - so_far + next);
}

void start_thread_accounts() noexcept {
  const size_t bytes = round_up(accounts_bytes, os::page_bytes());
  void* memory = os::reserve(bytes);
  if (memory == nullptr) return;
  if (!os::commit(memory, bytes)) {
    (void)os::release(memory, bytes);
    return;
  }
  are_wiped_by_kernel = os::wipe_in_child(memory, bytes);
  accounts = static_cast<ThreadAccount*>(memory);
}

void note_child_of_threads() noexcept {
  if (accounts != nullptr && !are_wiped_by_kernel) __builtin_memset(accounts, 0, accounts_bytes);
}

void forget_thread_accounts() noexcept {
  for (ThreadHeap* heap = heap_registry.first(); heap != nullptr; heap = heap->next_registered) heap->account = nullptr;
  thread.set_account(nullptr, nullptr);
}

}  // namespace bursar::account
