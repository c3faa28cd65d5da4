// The tasks of the process as its API names them, whether they are counted or not.
#pragma once

#include <atomic>
#include <cstdint>

#include "interpose/account/task_format.h"

namespace bursar::account::handles {

/// A number that no address can be and no other task ever has: | mark: 16 bits | generation: 32 | index: 16 |. 0 is none.
using Handle = uint64_t;

/// One task. Any thread may read it at any time, so all is atomic.
///
///   H1  state is | generation: 32 | has_ended: 1 | threads: 31 |. The generation is odd while a task has the entry; the rest means something
///       only then
///   H2  threads counts those whose current task it is, not those that are in one begun within it
///   H3  a task that has ended gives the entry back when no thread is in it (any more), by whoever brings that about
struct Entry {
  std::atomic<Handle> outer;  // the task it was begun in, if that lives; else a handle that is stale, or 0
  std::atomic<uint64_t> budget_bytes;
  std::atomic<const void*> begun_by;  // identity of the thread, while that lives
  std::atomic<uint64_t> state;
  std::atomic<ledger::Tag> tag;  // 0: not counted in this process yet
  std::atomic<uint16_t> kind;
  std::atomic<bool> uses_arena;
  std::atomic<bool> has_budget;

  [[nodiscard]] uint32_t threads() const noexcept {
    return static_cast<uint32_t>(state.load(std::memory_order_relaxed)) & 0x7fffffff;
  }
};
static_assert(sizeof(Entry) == 40);

/// How many tasks there can be at a time, and one more.
inline constexpr uint32_t entry_count = 1U << 16;

/// A new task within `outer`, which the calling thread is in; 0 when there are too many. Thread safe. Cost: an atomic exchange.
[[nodiscard]] Handle begin(Handle outer, const void* begun_by) noexcept;

/// The entry of a task that has not ended; null for every other number.
[[nodiscard]] Entry* try_find(Handle handle) noexcept;

/// The same, also where the task has ended while the calling thread was in it.
[[nodiscard]] Entry* try_find_entered(Handle handle) noexcept;

/// The task that this one was begun in; 0 where that is not known any more.
[[nodiscard]] Handle outer_of(Handle handle) noexcept;

/// What an end, or a leave, leaves behind.
enum class Rest : unsigned char {
  nothing,  // it is no task; or another task's end, or nobody's
  threads,  // it has ended, and goes when the last thread leaves it
  entry     // it has ended, and nobody is in it: the caller, and no other, is to give its entry back
};

/// Nobody comes in from here on. Thread safe; of several calls one ends it.
[[nodiscard]] Rest end(Handle handle) noexcept;

/// The calling thread is in the task from here on; false where it has ended.
[[nodiscard]] bool try_enter(Handle handle) noexcept;

/// The calling thread is not in the task any more. Pre: it was, or the handle is 0.
[[nodiscard]] Rest leave(Handle handle) noexcept;

/// Another task may have the entry. Pre: Rest::entry was answered to the caller.
void give_back(Handle handle) noexcept;

/// True when `inner` is `outer`, or was begun in it, or in one begun in it.
[[nodiscard]] bool is_within(Handle inner, Handle outer) noexcept;

/// In a new child: the tasks that other threads were in are gone, with those these were begun in; of the others none has a tag. `current` is the
/// task of the one thread, which stays with those that it was begun in.
void begin_child(Handle current) noexcept;

}  // namespace bursar::account::handles
