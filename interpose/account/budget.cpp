// Budgets: whether a task may have one more block.
#include "interpose/account/budget.h"

#include <atomic>

#include "allocator/thread.h"
#include "bursar/bursar.h"
#include "interpose/account/kind_table.h"
#include "interpose/account/ledger.h"
#include "interpose/account/live_bytes.h"
#include "interpose/account/task_records.h"
#include "interpose/export.h"

namespace bursar::account {
namespace {

/// Whom the program wants to be asked.
struct Handler {
  bursar_budget_handler call;
  void* context;
};

/// The two words of a handler, which belong together. `sequence` is odd while they are written. A child that was forked meanwhile finds it
/// so for ever: it has no handler until it sets one.
class HandlerCell {
 public:
  [[nodiscard]] Handler read() const noexcept {
    for (int tries = 0; tries < tries_max; ++tries) {
      const uint32_t before = sequence_.load(std::memory_order_acquire);
      const Handler handler{call_.load(std::memory_order_relaxed), context_.load(std::memory_order_relaxed)};
      std::atomic_thread_fence(std::memory_order_acquire);  // pairs with the release store in write
      if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before) return handler;
    }
    return {};
  }

  void write(Handler handler) noexcept {
    uint32_t before = sequence_.load(std::memory_order_relaxed);
    for (int tries = 0; tries < tries_max; ++tries) {
      if (before % 2 == 0 && sequence_.compare_exchange_weak(before, before + 1, std::memory_order_acquire)) break;
      before = sequence_.load(std::memory_order_relaxed);
    }
    std::atomic_thread_fence(std::memory_order_release);
    call_.store(handler.call, std::memory_order_relaxed);
    context_.store(handler.context, std::memory_order_relaxed);
    sequence_.store((before | 1) + 1, std::memory_order_release);
  }

 private:
  static constexpr int tries_max = 100'000;  // far longer than two words take

  std::atomic<uint32_t> sequence_{0};
  std::atomic<bursar_budget_handler> call_{nullptr};
  std::atomic<void*> context_{nullptr};
};

constinit HandlerCell handler_cell;

/// What the budget of a task is, and how much of it is spent; no limit for what has none.
Refusal state_of_task(ledger::Tag tag) noexcept {
  const ledger::Task* task = records::try_find(tag);
  const uint64_t limit = task == nullptr ? 0 : task->budget_bytes.load(std::memory_order_relaxed);
  return {tag, limit, limit == 0 ? 0 : live_bytes_of(*task, tag), 0};
}

/// The same of the process, where that is the task: it holds the tasks that the program begins as well.
Refusal state_of_process() noexcept {
  const ledger::Header& header = ledger::book.header();
  const bool is_task = header.task_source == ledger::TaskSource::process && header.budget_bytes != 0;
  const ledger::Tag tag = ledger::tag_of_kind(ledger::kind_outside);
  return is_task ? Refusal{tag, header.budget_bytes, live_bytes_of_process(), 0} : Refusal{tag, 0, 0, 0};
}

bool is_over(const Refusal& state) noexcept {
  if (state.limit_bytes == 0) return false;
  return state.live_bytes > state.limit_bytes || state.wanted_bytes > state.limit_bytes - state.live_bytes;
}

bursar_budget_answer ask(const Refusal& refusal) noexcept {
  const Handler handler = handler_cell.read();
  if (handler.call == nullptr) return BURSAR_BUDGET_REFUSE;
  const ledger::Task* task = records::try_find(refusal.tag);
  const bursar_budget_event event{
      .task = static_cast<bursar_task*>(thread.task),
      .kind = kinds::name_of(ledger::kind_of(refusal.tag)),
      .label = task == nullptr ? "" : task->label,
      .limit_bytes = refusal.limit_bytes,
      .live_bytes = refusal.live_bytes,
      .wanted_bytes = refusal.wanted_bytes,
  };
  const BudgetExemption exemption;
  return handler.call(&event, handler.context);
}

}  // namespace

bool budget_allows(ledger::Tag tag, uint64_t bytes) noexcept {
  if (thread.exemptions != 0) return true;
  Refusal refusal = state_of_task(tag);
  refusal.wanted_bytes = bytes;
  if (!is_over(refusal)) {
    refusal = state_of_process();
    refusal.wanted_bytes = bytes;
  }
  if (!is_over(refusal)) return true;
  if (ask(refusal) == BURSAR_BUDGET_ALLOW) return true;
  if (ledger::TaskKind* kind = kinds::try_find(ledger::kind_of(refusal.tag)); kind != nullptr) {
    kind->refused_allocations.fetch_add(1, std::memory_order_relaxed);
  }
  // Looked up here: a handler may have forked, and the child has other accounts.
  if (ThreadAccount* account = current_thread_account(); account != nullptr) account->refusal = refusal;
  return false;
}

Refusal take_refusal() noexcept {
  ThreadAccount* account = current_thread_account();
  if (account == nullptr) return {};
  const Refusal refusal = account->refusal;
  account->refusal.tag = 0;
  return refusal;
}

// In the thread, not in its account: there are threads without, and a child has others than its parent.
BudgetExemption::BudgetExemption() noexcept { ++thread.exemptions; }
BudgetExemption::~BudgetExemption() { --thread.exemptions; }

}  // namespace bursar::account

BURSAR_EXPORT void bursar_set_budget_handler(bursar_budget_handler handler, void* context) {
  bursar::account::handler_cell.write({handler, context});
}
