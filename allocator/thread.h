// The few words of thread-local storage that the heap lives on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bursar {

class ThreadHeap;
struct BumpChunk;

enum class ThreadStage : uint8_t {
  unborn,  // has not allocated yet
  alive,   // has a heap
  ended,   // its heap was given up; what it still allocates comes from the shared heap
};

/// Initial-exec TLS, zero but for a pointer and a flag; at most 64 bytes, since it counts against the static surplus of every
/// process (LD_AUDIT, dlopen) and against small thread stacks.
struct Thread {
  ThreadHeap* active;      // where the fast path looks; the constant empty heap unless it may serve alone
  ThreadHeap* heap;        // owned by this thread; null unless alive
  BumpChunk* chunk;        // of the task arena in force, or null
  void* task;              // the handle of the current task, the account's; null outside all
  void* account;           // the account's: where this thread counts; null: elsewhere, or not at all
  void* counters;          // the same: its slot of the ledger
  bool is_inside;          // within a slow path, maybe holding a lock: a signal handler must not enter again
  bool lacks_account;      // `account` is null
  bool is_counting;        // within the account: a signal handler must count elsewhere
  bool serves_task_arena;  // small blocks come from `chunk`
  ThreadStage stage;
  uint8_t exit_rounds;   // how often the exit hook was called
  uint8_t frees_unborn;  // freed before it had a heap
  uint8_t exemptions;    // while not 0, no budget holds: within what tells of a refusal
  uint32_t task_tag;     // what the thread allocates belongs to this task, the account's; 0: not settled yet
  uint32_t base_tag;     // the same outside of all tasks with a handle

  void set_account(void* new_account, void* new_counters) noexcept {
    account = new_account;
    counters = new_counters;
    lacks_account = new_account == nullptr;
  }

  /// The four flags as one word. Who reads it when one of its bytes was written a moment ago waits until that is in the cache, so the
  /// short ways of the account also write it as a word.
  using Flags [[gnu::may_alias]] = uint32_t;
  static constexpr uint32_t only_inside = 1;
  [[nodiscard]] Flags& flags() noexcept;
};
static_assert(sizeof(Thread) <= 64);

inline Thread::Flags& Thread::flags() noexcept {
  static_assert(offsetof(Thread, is_inside) % sizeof(Flags) == 0);
  static_assert(offsetof(Thread, serves_task_arena) == offsetof(Thread, is_inside) + sizeof(Flags) - 1);
  return *reinterpret_cast<Flags*>(&is_inside);
}

extern __thread Thread thread __attribute__((tls_model("initial-exec")));

/// Says that the thread is inside the heap. The flag is a plain byte: only this thread and its signal handlers see it.
class InsideScope {
 public:
  InsideScope() noexcept {
    thread.is_inside = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  ~InsideScope() {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread.is_inside = false;
  }
  InsideScope(const InsideScope&) = delete;
  InsideScope& operator=(const InsideScope&) = delete;
};

}  // namespace bursar
