// What a thread keeps beside its slot in the ledger, where only its process sees it: its limits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/ledger_format.h"

namespace bursar::account {

/// As ledger::Flow, plainly.
struct PlainFlow {
  uint64_t allocations;
  uint64_t frees;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;

  [[nodiscard]] int64_t live_bytes() const noexcept { return static_cast<int64_t>(allocated_bytes - freed_bytes); }
};

/// An allocation that a budget did not allow.
struct Refusal {
  ledger::Tag tag;  // of the task; 0: nothing was refused
  uint64_t limit_bytes;
  uint64_t live_bytes;
  uint64_t wanted_bytes;
};

/// One per slot; written by the thread that has it. A ledger file is shared with the parent after a fork, who goes on counting in it; so of
/// this a child finds nothing but zero, which lets neither an allocation nor a free pass before the child has a ledger of its own.
///
///   A1  room is slot->live_high - live_bytes_of(*slot); while it is not negative, nothing has to be looked at when live bytes rise
///   A2  a new high above limit takes the slow way, where budget and flush are looked at
///   A3  freed bytes beyond freed_mark take it too. Before, live bytes cannot have fallen to the next flush downwards
struct alignas(64) ThreadAccount {
  int64_t room;
  uint64_t freed_mark;      // of slot->all.freed_bytes
  int64_t limit;            // of live_bytes_of(*slot): the next flush upwards, or what the budget leaves
  ledger::Slot* slot;       // null in a child that has no ledger of its own yet
  uint32_t next_name_look;  // the low bits of slot->all.allocations at which the thread's name is looked at again
  Refusal refusal;          // the last one, until operator new has told of it
};

/// Of own blocks less what was freed of others'.
[[nodiscard]] inline int64_t live_bytes_of(const ledger::Slot& slot) noexcept {
  return static_cast<int64_t>(slot.all.allocated_bytes.load(std::memory_order_relaxed) -
                              slot.all.freed_bytes.load(std::memory_order_relaxed));
}

/// The task that the thread is in.
[[nodiscard]] inline ledger::Tag tag_of(const ThreadAccount& account) noexcept {
  return account.slot->tag.load(std::memory_order_relaxed);
}

/// What a thread did in a task from its entry until it left: own blocks only.
struct Stay {
  PlainFlow flow;
  int64_t high;                      // of live bytes, from 0 at the entry
  ledger::Flow* at_entry = nullptr;  // rises by each figure as soon as the tables have it
};

/// The calling thread's, or null while it has none (no heap, within the account already, or in a child without a ledger).
[[nodiscard]] ThreadAccount* current_thread_account() noexcept;

/// The thread leaves its task and enters another: what it did is handed to the tables (tables.h, count_stay). Pre: recording; the thread
/// has an account and is inside. Cost: some dozen additions.
void move_to(ThreadAccount& account, ledger::Tag tag) noexcept;

/// Called when a thread is found to have another name than at the look before; within the call that is counted, where it may move the thread's
/// account. One for the process. Pre: one thread.
using NameLook = void (*)(ThreadAccount& account, const char* name) noexcept;
void call_on_new_name(NameLook look) noexcept;

/// The headroom of the task has changed: its limit is looked at anew. Pre: as move_to.
void renew_limit(ThreadAccount& account) noexcept;

}  // namespace bursar::account
