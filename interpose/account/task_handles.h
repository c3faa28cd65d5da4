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
///   H1  generation is odd while a task has the entry; the rest means something only then
///   H2  threads_in counts the threads whose current task it is, or that are in one begun within it
struct Entry {
  std::atomic<Handle> outer;  // the task it was begun in, if that lives; else a handle that is stale, or 0
  std::atomic<uint64_t> budget_bytes;
  std::atomic<const void*> begun_by;  // identity of the thread, while that lives
  std::atomic<uint32_t> generation;
  std::atomic<uint32_t> threads_in;
  std::atomic<ledger::Tag> tag;  // 0: not counted in this process yet
  std::atomic<uint16_t> kind;
  std::atomic<bool> uses_arena;
  std::atomic<bool> has_budget;
};
static_assert(sizeof(Entry) == 40);

/// How many tasks there can be at a time, and one more.
inline constexpr uint32_t entry_count = 1U << 16;

/// A new task within `outer`, which the calling thread is in (H2), as it is in the new one; 0 when there are too many. Thread safe. Cost: an
/// atomic exchange.
[[nodiscard]] Handle begin(Handle outer, const void* begun_by) noexcept;

/// True for the one caller that ends it. The entry is another task's then, at any moment.
[[nodiscard]] bool try_end(Handle handle) noexcept;

/// The entry of a task that lives; null for every other number.
[[nodiscard]] Entry* try_find(Handle handle) noexcept;

/// The calling thread is in the task, and in those that it is within, or no longer.
void enter(Handle handle) noexcept;
void leave(Handle handle) noexcept;

/// True when `inner` is `outer`, or was begun in it, or in one begun in it.
[[nodiscard]] bool is_within(Handle inner, Handle outer) noexcept;

/// In a new child: the tasks that other threads were in are gone; of the others none has a tag. `current` is the task of the one thread.
void begin_child(Handle current) noexcept;

}  // namespace bursar::account::handles
