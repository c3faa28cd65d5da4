// Budgets for C++: the exception of an allocation that its task may not make, and who is asked before.
#pragma once

#include <bursar/bursar.h>

#include <cstddef>
#include <new>
#include <type_traits>

namespace bursar {

/// What BudgetExceeded tells, as the library fills it in.
struct BudgetFacts {
  size_t limit_bytes;
  size_t live_bytes;
  size_t wanted_bytes;
  char task[64];
  char label[48];
  char text[400];
};

/// Thrown by operator new where the budget of the task does not allow the block. The program may free and go on: there is memory, the task has
/// had its share. malloc and its relatives give null with ENOMEM for it. A std::new_handler is called first, as for any other lack of memory.
///
/// The library makes the object by hand, so what is here is what it looks like in memory (interpose/budget_exception.cpp). A plain std::bad_alloc
/// comes in its place in programs with another C++ library than libstdc++, or with one that bursar's operator new does not replace: linked into
/// the program (-static-libstdc++ beside a preloaded bursar), or loaded only when it runs.
class BudgetExceeded : public std::bad_alloc {
 public:
  explicit BudgetExceeded(const BudgetFacts& facts) noexcept : facts_(facts) {}

  /// Names task, label, limit, live bytes, the size wanted and the size classes that hold the most.
  [[nodiscard]] const char* what() const noexcept override { return facts_.text; }

  [[nodiscard]] size_t limit_bytes() const noexcept { return facts_.limit_bytes; }
  [[nodiscard]] size_t live_bytes() const noexcept { return facts_.live_bytes; }
  [[nodiscard]] size_t wanted_bytes() const noexcept { return facts_.wanted_bytes; }

  /// The kind of the task, or the program's name where the process is the task.
  [[nodiscard]] const char* task() const noexcept { return facts_.task; }
  /// Which task of the kind, or "".
  [[nodiscard]] const char* label() const noexcept { return facts_.label; }

 private:
  BudgetFacts facts_;
};
static_assert(sizeof(BudgetExceeded) == sizeof(std::bad_alloc) + sizeof(BudgetFacts));

/// Asks `handler` before an allocation is refused: see bursar_set_budget_handler. Null asks nobody. Does nothing without bursar.
inline void set_budget_handler(bursar_budget_handler handler, void* context = nullptr) noexcept {
  if (bursar_set_budget_handler != nullptr) bursar_set_budget_handler(handler, context);
}

/// The same for whatever can be called with an event. It is not copied: it has to live as long as it is asked, and may be called by
/// several threads at once. Throwing out of it ends the program.
template <typename Handler>
requires std::is_invocable_r_v<bursar_budget_answer, Handler&, const bursar_budget_event&>
void set_budget_handler(Handler& handler) noexcept {
  set_budget_handler(
      [](const bursar_budget_event* event, void* context) noexcept -> bursar_budget_answer {
        return (*static_cast<Handler*>(context))(*event);
      },
      static_cast<void*>(&handler));
}

}  // namespace bursar
