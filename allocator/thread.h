// The few words of thread-local storage that the heap lives on.
#pragma once

#include <cstdint>

namespace bursar {

class ThreadHeap;
struct BumpChunk;

enum class ThreadStage : uint8_t {
  unborn,  // has not allocated yet
  alive,   // has a heap
  ended,   // its heap was given up; what it still allocates comes from the shared heap
};

/// Initial-exec TLS, zero but for one pointer; at most 64 bytes, since it counts against the static surplus of every
/// process (LD_AUDIT, dlopen) and against small thread stacks.
struct Thread {
  ThreadHeap* active;  // where the fast path looks; the constant empty heap unless it may serve alone
  ThreadHeap* heap;    // owned by this thread; null unless alive
  BumpChunk* chunk;    // of the task arena in force, or null
  void* task;          // the innermost task, the account's
  ThreadStage stage;
  bool is_inside;          // within a slow path, maybe holding a lock: a signal handler must not enter again
  bool serves_task_arena;  // small blocks come from `chunk`
  uint8_t exit_rounds;     // how often the exit hook was called
  uint8_t frees_unborn;    // freed before it had a heap
  bool is_counting;        // within the account: a signal handler must count elsewhere
};
static_assert(sizeof(Thread) <= 64);

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
