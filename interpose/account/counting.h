// What the account's own parts share: how a thread's counters are written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/fork_guard.h"
#include "interpose/account/ledger.h"
#include "interpose/account/thread_account.h"

namespace bursar::account {

using ledger::Counter;
using ledger::Slot;

/// Tells a child that it has no ledger of its own yet.
extern constinit ForkGuard fork_guard;

/// A relaxed load, which compilers fold into what is done with it: for the shortest ways alone.
template <class Value>
[[nodiscard, gnu::always_inline]] inline Value plain(const std::atomic<Value>& atomic) noexcept {
  using Plain [[gnu::may_alias]] = Value;
  return *reinterpret_cast<const Plain*>(&atomic);
}

/// Adds to a counter that this thread alone writes.
inline void add(Counter& counter, uint64_t amount) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// The same in one instruction, which compilers do not make of a load and a store of an atomic. The fence keeps them from making one of two
/// neighbours: adding in vectors takes more instructions.
[[gnu::always_inline]] inline void add_fast(Counter& counter, uint64_t amount) noexcept {
  using Plain [[gnu::may_alias]] = uint64_t;
  *reinterpret_cast<Plain*>(&counter) += amount;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

inline void set(Counter& counter, uint64_t value) noexcept { counter.store(value, std::memory_order_relaxed); }
inline void set(std::atomic<int64_t>& counter, int64_t value) noexcept {
  counter.store(value, std::memory_order_relaxed);
}

/// Adds to a counter of many what stood in a slot above `since`, which this thread alone writes. Nothing comes between the two: a process may
/// be killed at any moment, and what the ledger then has must be there once.
inline void hand_over(Counter& to, Counter& since, uint64_t amount) noexcept {
  if (amount == 0) return;
  const uint64_t after = since.load(std::memory_order_relaxed) + amount;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  to.fetch_add(amount, std::memory_order_relaxed);
  since.store(after, std::memory_order_relaxed);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/// Pre: the account is the calling thread's.
inline void add_allocation(ThreadAccount& account, uint64_t usable_bytes) noexcept {
  add_fast(account.slot->all.allocations, 1);
  add_fast(account.slot->all.allocated_bytes, usable_bytes);
  account.room -= static_cast<int64_t>(usable_bytes);
}
inline void add_free(ThreadAccount& account, uint64_t usable_bytes) noexcept {
  add_fast(account.slot->all.frees, 1);
  add_fast(account.slot->all.freed_bytes, usable_bytes);
  account.room += static_cast<int64_t>(usable_bytes);
}
inline void set_live_high(ThreadAccount& account, int64_t live) noexcept {
  set(account.slot->live_high, live);
  account.room = live - live_bytes_of(*account.slot);
}

/// Live bytes rose above all before: the peak is noted, and flush and budget are looked at when it is time.
void pass_limit(ThreadAccount& account) noexcept;
inline void note_rise(ThreadAccount& account) noexcept {
  if (account.room >= 0) return;
  const int64_t live = live_bytes_of(*account.slot);
  set_live_high(account, live);
  if (live > account.limit) [[unlikely]]
    pass_limit(account);
}

/// Live bytes fell.
inline void note_fall(ThreadAccount& account) noexcept {
  if (account.slot->all.freed_bytes.load(std::memory_order_relaxed) > account.freed_mark) [[unlikely]]
    pass_limit(account);
}

/// The thread frees a block of another task than it is in: around the counting of it.
void begin_foreign_free(ThreadAccount& account, ledger::Tag tag, uint64_t usable_bytes) noexcept;
void end_foreign_free(ThreadAccount& account, uint64_t usable_bytes) noexcept;

/// True when the headroom (task_tables.h) allows so many bytes.
constexpr bool fits(int64_t headroom, uint64_t bytes) noexcept {
  return headroom >= 0 && static_cast<uint64_t>(headroom) >= bytes;
}

/// By how much live bytes of the process may rise, as far as threads have flushed them, where the process is the task (tasks=process) and has a budget;
/// INT64_MAX else.
[[nodiscard]] int64_t left_of_process() noexcept;

/// True when so many bytes more pass the budget of the task that the thread is in, or that of the process.
[[nodiscard]] bool is_over_budget(const ThreadAccount& account, uint64_t bytes) noexcept;

/// The process's peak hears of what is live.
void raise_peak(int64_t live_bytes) noexcept;

/// The calling thread gets an account of its own, or, when there is none left, none; in both cases it is counted.
void begin_thread_account() noexcept;
void end_thread_account(ThreadAccount& account) noexcept;

/// The name of the thread is looked at, if it is time: names are given after the start, and mostly soon.
void look_at_name_in_time(ThreadAccount& account) noexcept;

/// Memory for the accounts of threads, which the kernel clears in a child. Without it all threads share slot 0. Pre: the process has one
/// thread.
void start_thread_accounts() noexcept;

/// In a new child: clears it where the kernel does not.
void note_child_of_threads() noexcept;

/// In a new child: no thread has an account. Pre: the process has no other threads.
void forget_thread_accounts() noexcept;

}  // namespace bursar::account
