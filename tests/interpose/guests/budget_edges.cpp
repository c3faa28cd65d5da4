// Budgets where blocks change their size, threads have no counters, processes fork, and texts take long.
#include <pthread.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <new>
#include <typeinfo>

#include "bursar/budget.h"
#include "bursar/task.h"
#include "counted.h"
#include "expect.h"

CASE_WITH(a_smaller_block_is_never_refused, bursar_only) {
  counted();
  bursar::Task task("shrinking");
  void* large = std::malloc(opaque(900'000));
  void* medium = std::malloc(opaque(60'000));
  EXPECT(large != nullptr && medium != nullptr);
  EXPECT(task.set_budget(500'000));
  large = std::realloc(large, opaque(1000));
  EXPECT(large != nullptr);
  EXPECT(task.set_budget(66'000));
  medium = std::realloc(medium, opaque(20'000));
  EXPECT(medium != nullptr);
  std::free(large);
  std::free(medium);
}

namespace {
int times_asked;
bursar_budget_answer allow(const bursar_budget_event*, void*) {
  ++times_asked;
  return BURSAR_BUDGET_ALLOW;
}
}  // namespace

CASE_WITH(a_growing_block_is_asked_for_once, bursar_only) {
  counted();
  bursar::set_budget_handler(allow, nullptr);
  bursar::Task task("growing");
  EXPECT(task.set_budget(100 * KIB));
  void* block = std::malloc(opaque(60 * KIB));
  void* behind = std::malloc(opaque(100));
  block = std::realloc(block, opaque(200 * KIB));
  EXPECT(block != nullptr && times_asked == 1);
  std::free(block);
  std::free(behind);
}

namespace {
bursar_budget_answer fork_here(const bursar_budget_event*, void*) {
  (void)fork();
  return BURSAR_BUDGET_REFUSE;
}
}  // namespace

CASE_WITH(a_fork_in_a_handler_leaves_both_their_budget, bursar_only) {
  counted();
  bursar::set_budget_handler(fork_here, nullptr);
  const pid_t parent = getpid();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(MIB));
  EXPECT(std::malloc(opaque(4 * MIB)) == nullptr);
  bursar::set_budget_handler(nullptr);
  const bool is_refused = std::malloc(opaque(64 * MIB)) == nullptr;
  if (getpid() != parent) _exit(is_refused ? 7 : 1);
  int status = 0;
  EXPECT(is_refused && wait(&status) > 0 && status == 7 << 8);
}

CASE_WITH(more_threads_than_have_counters_have_budgets, bursar_only) {
  counted();
  constexpr int threads = 300;
  static pthread_barrier_t all_there;
  static std::atomic<int> refused{0};
  EXPECT(pthread_barrier_init(&all_there, nullptr, threads) == 0);
  bursar::set_budget_handler(
      [](const bursar_budget_event*, void*) {
        void* block = std::malloc(opaque(2 * MIB));
        EXPECT(block != nullptr);
        std::free(block);
        return BURSAR_BUDGET_REFUSE;
      },
      nullptr);
  const auto work = [](void*) -> void* {
    void* first = std::malloc(opaque(8));
    pthread_barrier_wait(&all_there);
    bursar::Task task("greedy");
    EXPECT(task.set_budget(MIB));
    if (std::malloc(opaque(4 * MIB)) == nullptr) refused.fetch_add(1);
    task.end();
    std::free(first);
    pthread_barrier_wait(&all_there);
    return nullptr;
  };
  pthread_attr_t small;
  EXPECT(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 128 * KIB) == 0);
  static pthread_t pool[threads];
  for (pthread_t& thread : pool) EXPECT(pthread_create(&thread, &small, work, nullptr) == 0);
  for (pthread_t thread : pool) EXPECT(pthread_join(thread, nullptr) == 0);
  EXPECT(refused == threads);
}

CASE_WITH(who_is_refused_without_an_exception_takes_no_text_away, bursar_only) {
  counted();
  bursar::Task task("greedy");
  void* block = std::malloc(opaque(40 * KIB));
  EXPECT(task.set_budget(64 * KIB));
  for (int i = 0; i < 100; ++i) EXPECT(operator new(opaque(MIB), std::nothrow) == nullptr);
  for (int i = 0; i < 100; ++i) EXPECT(operator new[](opaque(MIB), std::align_val_t(64), std::nothrow) == nullptr);
  bool is_told = false;
  try {
    (void)operator new(opaque(MIB));
  } catch (const bursar::BudgetExceeded& error) {
    is_told = std::strstr(error.what(), "; most in ") != nullptr;
  }
  EXPECT(is_told);
  std::free(block);
}

CASE_WITH(of_many_texts_in_a_row_not_all_have_a_list_of_many_blocks, bursar_only) {
  counted();
  constexpr size_t others = 200'000;
  auto* kept = static_cast<void**>(std::malloc(others * sizeof(void*)));
  for (size_t i = 0; i < others; ++i) kept[i] = std::malloc(opaque(32));
  bursar::Task task("greedy");
  void* block = std::malloc(opaque(40 * KIB));
  EXPECT(task.set_budget(64 * KIB));
  size_t lists = 0;
  for (int i = 0; i < 1000; ++i) {
    try {
      (void)operator new(opaque(MIB));
    } catch (const bursar::BudgetExceeded& error) {
      EXPECT(std::strstr(error.what(), "1.00 MiB wanted") != nullptr);
      if (std::strstr(error.what(), "; most in ") != nullptr) ++lists;
    }
  }
  EXPECT_AT_LEAST(lists, 1);
  EXPECT_AT_MOST(lists, 500);
  std::free(block);
  for (size_t i = 0; i < others; ++i) std::free(kept[i]);
  std::free(kept);
}

namespace {
bursar::Task* limited;
void lift_the_budget() {
  EXPECT(limited->set_budget(0));
  std::set_new_handler(nullptr);
}
}  // namespace

CASE_WITH(the_refusal_before_a_new_handler_is_not_told_after_it, bursar_only) {
  counted();
  bursar::Task task("greedy");
  limited = &task;
  EXPECT(task.set_budget(64 * KIB));
  std::set_new_handler(lift_the_budget);
  bool is_plain = false;
  try {
    (void)operator new(opaque(size_t{1} << 47));  // more than there are addresses
  } catch (const std::bad_alloc& error) {
    is_plain = typeid(error) == typeid(std::bad_alloc);
  }
  EXPECT(is_plain);
}
