// The ended tasks with the highest peaks and with the most allocations.
#include "interpose/account/worst_tasks.h"

#include "allocator/lock.h"
#include "interpose/account/ledger.h"

namespace bursar::account::worst_tasks {
namespace {

using ledger::WorstTask;
using ledger::WorstTasks;

constinit Lock changing;

/// What a task must exceed to belong in a list: the last one's value once the list is full. Only ever rises.
constinit std::atomic<uint64_t> peak_to_exceed{0};
constinit std::atomic<uint64_t> allocations_to_exceed{0};

bool belongs(const WorstTask& task) noexcept {
  return task.peak_live_bytes > peak_to_exceed.load(std::memory_order_relaxed) ||
         task.allocations > allocations_to_exceed.load(std::memory_order_relaxed);
}

/// One of the lists, by the figure that orders it.
struct List {
  WorstTask* tasks;
  uint32_t& count;
  uint64_t WorstTask::*figure;
  std::atomic<uint64_t>& to_exceed;
};

void insert(const List& list, const WorstTask& task) noexcept {
  if (task.*list.figure <= list.to_exceed.load(std::memory_order_relaxed)) return;
  if (list.count < WorstTasks::capacity) ++list.count;
  uint32_t at = list.count - 1;
  for (; at > 0 && list.tasks[at - 1].*list.figure < task.*list.figure; --at) list.tasks[at] = list.tasks[at - 1];
  list.tasks[at] = task;
  if (list.count < WorstTasks::capacity) return;
  list.to_exceed.store(list.tasks[WorstTasks::capacity - 1].*list.figure, std::memory_order_relaxed);
}

}  // namespace

void consider(const WorstTask& task) noexcept {
  if (!belongs(task)) [[likely]]
    return;
  const LockGuard guard(changing);
  WorstTasks& worst = ledger::book.header().worst;
  const uint32_t sequence = worst.sequence.load(std::memory_order_relaxed);
  worst.sequence.store(sequence + 1, std::memory_order_relaxed);
  // Pairs with a reader's: who sees anything of what follows sees the odd sequence as well.
  std::atomic_thread_fence(std::memory_order_release);
  insert({worst.by_peak, worst.by_peak_count, &WorstTask::peak_live_bytes, peak_to_exceed}, task);
  insert({worst.by_allocations, worst.by_allocations_count, &WorstTask::allocations, allocations_to_exceed}, task);
  worst.sequence.store(sequence + 2, std::memory_order_release);
}

void begin_child() noexcept {
  changing.reset();
  peak_to_exceed.store(0, std::memory_order_relaxed);
  allocations_to_exceed.store(0, std::memory_order_relaxed);
}

}  // namespace bursar::account::worst_tasks
