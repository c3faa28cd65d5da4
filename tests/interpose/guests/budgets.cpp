// Budgets, by the C and the C++ API: what is refused, how it is told, and what is not refused.
#include "bursar/budget.h"

#include <malloc.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <thread>
#include <typeinfo>
#include <vector>

#include "bursar/task.h"
#include "counted.h"
#include "expect.h"

namespace {

/// Blocks of one size until there are no more; how many.
size_t fill(std::vector<void*>& blocks, size_t bytes) {
  const size_t before = blocks.size();
  while (blocks.size() < blocks.capacity()) {
    void* block = std::malloc(bytes);
    if (block == nullptr) return blocks.size() - before;
    blocks.push_back(block);
  }
  guest_failed(__FILE__, __LINE__, "malloc never fails");
}

/// Reserved outside of the task, so that it costs the task nothing.
std::vector<void*> room_for(size_t count) {
  std::vector<void*> blocks;
  blocks.reserve(count);
  return blocks;
}

void release(std::vector<void*>& blocks) {
  for (void* block : blocks) std::free(block);
  blocks.clear();
}

}  // namespace

CASE_WITH(malloc_gives_null_with_enomem_at_the_very_byte, bursar_only) {
  counted();
  std::vector<void*> blocks = room_for(5000);
  bursar::Task task("greedy");
  EXPECT(task.set_budget(64 * KIB));
  errno = 0;
  EXPECT(fill(blocks, 64) == 1024);
  EXPECT(errno == ENOMEM);
  EXPECT(std::malloc(1) == nullptr);
  std::free(blocks.back());
  blocks.pop_back();
  EXPECT(fill(blocks, 64) == 1);
  release(blocks);
  EXPECT(fill(blocks, 64) == 1024);
  release(blocks);
}

CASE_WITH(a_large_block_is_refused_at_once, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(MIB));
  EXPECT(std::malloc(opaque(GIB)) == nullptr);
  void* block = std::malloc(opaque(700 * KIB));
  EXPECT(block != nullptr);
  EXPECT(std::malloc(opaque(700 * KIB)) == nullptr);
  std::free(block);
  block = std::malloc(opaque(700 * KIB));
  EXPECT(block != nullptr);
  std::free(block);
}

CASE_WITH(every_call_of_the_family_is_refused, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(MIB));
  const size_t bytes = opaque(2 * MIB);
  errno = 0;
  EXPECT(std::calloc(bytes, 1) == nullptr && errno == ENOMEM);
  EXPECT(std::aligned_alloc(64, bytes) == nullptr);
  EXPECT(memalign(4096, bytes) == nullptr);
  EXPECT(std::realloc(nullptr, bytes) == nullptr);
  EXPECT(std::calloc(2, bytes) == nullptr);
  void* block = &errno;
  EXPECT(posix_memalign(&block, 64, bytes) == ENOMEM);
  EXPECT(operator new(bytes, std::nothrow) == nullptr);
  EXPECT(operator new(bytes, std::align_val_t(64), std::nothrow) == nullptr);
}

CASE_WITH(a_refused_realloc_leaves_the_block, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(MIB));
  auto* block = static_cast<unsigned char*>(std::malloc(600 * KIB));
  EXPECT(block != nullptr);
  std::memset(block, 7, 600 * KIB);
  EXPECT(std::realloc(block, opaque(4 * MIB)) == nullptr);
  EXPECT(errno == ENOMEM);
  EXPECT(all_bytes_are(block, 7, 600 * KIB) != 0);
  std::free(block);
}

CASE_WITH(operator_new_tells_who_wanted_what, bursar_only) {
  counted();
  std::vector<void*> blocks = room_for(5000);
  bursar::Task task("GET /search");
  task.label("q=everything");
  EXPECT(task.set_budget(64 * KIB));
  (void)fill(blocks, 64);
  bool is_caught = false;
  try {
    (void)operator new(opaque(1000));
  } catch (const bursar::BudgetExceeded& error) {
    is_caught = true;
    EXPECT(std::strcmp(error.task(), "GET /search") == 0);
    EXPECT(std::strcmp(error.label(), "q=everything") == 0);
    EXPECT(error.limit_bytes() == 64 * KIB);
    EXPECT(error.live_bytes() == 64 * KIB);
    EXPECT(error.wanted_bytes() >= 1000 && error.wanted_bytes() < 1100);
    const char* start = "bursar: task 'GET /search' (q=everything) over its budget of 64.0 KiB: 64.0 KiB live, ";
    EXPECT(std::strncmp(error.what(), start, std::strlen(start)) == 0);
    EXPECT(std::strstr(error.what(), " wanted; most in blocks of 64 B (64.0 KiB)") != nullptr);
  }
  EXPECT(is_caught);
  release(blocks);
}

CASE_WITH(operator_new_throws_a_bad_alloc, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(64 * KIB));
  bool is_caught = false;
  try {
    (void)operator new(opaque(MIB), std::align_val_t(64));
  } catch (const std::bad_alloc& error) {
    is_caught = true;
    EXPECT(dynamic_cast<const bursar::BudgetExceeded*>(&error) != nullptr);
    EXPECT(typeid(error) == typeid(bursar::BudgetExceeded));
    EXPECT(std::strstr(error.what(), "'greedy'") != nullptr);
  }
  EXPECT(is_caught);
}

CASE_WITH(the_exception_may_be_copied_and_go_to_another_thread, bursar_only) {
  counted();
  std::exception_ptr kept;
  {
    bursar::Task task("greedy");
    EXPECT(task.set_budget(64 * KIB));
    try {
      (void)operator new(opaque(MIB));
    } catch (const bursar::BudgetExceeded& error) {
      const bursar::BudgetExceeded copy = error;
      EXPECT(copy.limit_bytes() == 64 * KIB && std::strcmp(copy.what(), error.what()) == 0);
      kept = std::current_exception();
    }
  }
  std::thread([&] {
    bool is_caught = false;
    try {
      std::rethrow_exception(kept);
    } catch (const std::exception& error) {
      is_caught = dynamic_cast<const bursar::BudgetExceeded*>(&error) != nullptr;
    }
    EXPECT(is_caught);
  }).join();
}

CASE_WITH(a_lack_of_memory_is_no_spent_budget, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(64 * KIB));
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  EXPECT(task.set_budget(0));
  bool is_caught = false;
  try {
    (void)operator new(opaque(SIZE_MAX / 4));
  } catch (const bursar::BudgetExceeded&) {
  } catch (const std::bad_alloc&) {
    is_caught = true;
  }
  EXPECT(is_caught);
}

namespace {
std::vector<void*>* cache;
int handler_calls;
void empty_cache() {
  ++handler_calls;
  release(*cache);
  std::set_new_handler(nullptr);
}
}  // namespace

CASE_WITH(a_new_handler_is_called_first, bursar_only) {
  counted();
  std::vector<void*> blocks = room_for(5000);
  cache = &blocks;
  bursar::Task task("caching");
  EXPECT(task.set_budget(64 * KIB));
  (void)fill(blocks, 64);
  std::set_new_handler(empty_cache);
  void* block = operator new(opaque(1000));
  EXPECT(block != nullptr && handler_calls == 1);
  operator delete(block);
}

CASE_WITH(other_tasks_and_what_is_outside_go_on, bursar_only) {
  counted();
  bursar::Task outer("outer");
  bursar::Task greedy("greedy");
  EXPECT(greedy.set_budget(64 * KIB));
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  {
    const bursar::TaskSwitch switched(outer);
    void* block = std::malloc(opaque(MIB));
    EXPECT(block != nullptr);
    std::free(block);
  }
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  std::thread([] {
    void* block = std::malloc(opaque(MIB));
    EXPECT(block != nullptr);
    std::free(block);
  }).join();
  greedy.end();
  void* block = std::malloc(opaque(MIB));
  EXPECT(block != nullptr);
  std::free(block);
}

CASE_WITH(what_others_free_may_be_had_again, bursar_only) {
  counted();
  std::vector<void*> blocks = room_for(5000);
  bursar::Task task("greedy");
  EXPECT(task.set_budget(64 * KIB));
  (void)fill(blocks, 64);
  // A thread outside of all tasks frees half of it.
  void* kept[512];
  std::memcpy(kept, blocks.data(), sizeof kept);
  blocks.erase(blocks.begin(), blocks.begin() + 512);
  pthread_t thread;
  const auto free_all = [](void* list) -> void* {
    for (int i = 0; i < 512; ++i) std::free(static_cast<void**>(list)[i]);
    return nullptr;
  };
  {
    const bursar::TaskSwitch outside(nullptr);
    EXPECT(pthread_create(&thread, nullptr, free_all, kept) == 0);
    EXPECT(pthread_join(thread, nullptr) == 0);
  }
  EXPECT(fill(blocks, 64) == 512);
  release(blocks);
}

CASE_WITH(threads_of_one_task_share_its_budget, bursar_only) {
  counted();
  constexpr size_t threads = 4;
  constexpr size_t limit = 4 * MIB;
  auto task = bursar::Task::detached("shared");
  EXPECT(task.set_budget(limit));
  std::atomic<size_t> blocks{0};
  std::vector<std::thread> pool;
  for (size_t i = 0; i < threads; ++i) {
    pool.emplace_back([&] {
      void* first = nullptr;
      const bursar::TaskSwitch switched(task);
      while (true) {
        auto** block = static_cast<void**>(std::malloc(1024));
        if (block == nullptr) break;
        *block = first;
        first = block;
        blocks.fetch_add(1);
      }
      sched_yield();
      while (first != nullptr) {
        void* next = *static_cast<void**>(first);
        std::free(first);
        first = next;
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  EXPECT_AT_LEAST(blocks.load(), limit / 1024 - threads * 16);
  const auto second = [&] {
    const bursar::TaskSwitch switched(task);
    void* block = std::malloc(opaque(3 * MIB));
    EXPECT(block != nullptr);
    std::free(block);
  };
  std::thread(second).join();
}

CASE_WITH(a_budget_may_be_raised_and_taken_away, bursar_only) {
  counted();
  bursar::Task task("greedy");
  EXPECT(task.set_budget(64 * KIB));
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  EXPECT(task.set_budget(2 * MIB));
  void* block = std::malloc(opaque(MIB));
  EXPECT(block != nullptr);
  EXPECT(std::malloc(opaque(2 * MIB)) == nullptr);
  EXPECT(task.set_budget(0));
  void* other = std::malloc(opaque(20 * MIB));
  EXPECT(other != nullptr);
  std::free(other);
  std::free(block);
}

CASE_WITH(what_is_no_task_has_no_budget, bursar_only) {
  counted();
  EXPECT(bursar_task_set_budget(nullptr, MIB) == EINVAL);
  bursar::Task task("short");
  bursar_task* handle = task.handle();
  task.end();
  EXPECT(bursar_task_set_budget(handle, MIB) == EINVAL);
}

CASE_WITH(without_an_account_there_is_no_budget, bursar_only | uncounted) {
  bursar::Task task("greedy");
  EXPECT(bursar_task_set_budget(task.handle(), MIB) == ENOTSUP);
  EXPECT(!task.set_budget(MIB));
  void* block = std::malloc(opaque(2 * MIB));
  EXPECT(block != nullptr);
  std::free(block);
}

CASE(without_bursar_tasks_are_nothing) {
  if (bursar_task_begin != nullptr) return;
  bursar::Task task("nothing");
  task.label("at all");
  EXPECT(task.handle() == nullptr && !task.set_budget(1));
  const bursar::TaskSwitch switched(task);
  auto other = bursar::Task::detached("nothing");
  other = std::move(task);
  bursar::set_budget_handler(nullptr);
}

CASE_WITH(a_setting_gives_every_task_its_budget, bursar_only) {
  under("budget=1M");
  void* outside = std::malloc(opaque(2 * MIB));
  EXPECT(outside != nullptr);
  bursar::Task task("greedy");
  EXPECT(std::malloc(opaque(2 * MIB)) == nullptr);
  bursar::Task rich("rich");
  EXPECT(rich.set_budget(8 * MIB));
  void* block = std::malloc(opaque(2 * MIB));
  EXPECT(block != nullptr);
  std::free(block);
  std::free(outside);
}

CASE_WITH(the_process_may_be_the_task, bursar_only) {
  under("tasks=process,budget=16M");
  EXPECT(std::malloc(opaque(32 * MIB)) == nullptr);
  void* block = std::malloc(opaque(10 * MIB));
  EXPECT(block != nullptr);
  std::thread([] { EXPECT(std::malloc(opaque(10 * MIB)) == nullptr); }).join();
  bool is_caught = false;
  try {
    (void)operator new(opaque(10 * MIB));
  } catch (const bursar::BudgetExceeded& error) {
    is_caught = true;
    EXPECT(error.limit_bytes() == 16 * MIB);
    EXPECT(std::strstr(error.what(), "most in large blocks (10.") != nullptr);
  }
  EXPECT(is_caught);
  std::free(block);
  block = std::malloc(opaque(10 * MIB));
  EXPECT(block != nullptr);
  std::free(block);
}

namespace {

struct Asked {
  bursar_budget_answer answer = BURSAR_BUDGET_REFUSE;
  int calls = 0;
  size_t wanted_bytes = 0;
  bursar_task* task = nullptr;

  bursar_budget_answer operator()(const bursar_budget_event& event) {
    ++calls;
    wanted_bytes = event.wanted_bytes;
    task = event.task;
    // More than the budget leaves: a refusal would come back here.
    void* block = std::malloc(opaque(MIB));
    EXPECT(block != nullptr);
    std::free(block);
    std::string text = std::string(event.kind) + event.label + std::string(1000, 'x');
    EXPECT(text.find("greedy42x") == 0 && event.limit_bytes == 64 * KIB);
    return answer;
  }
};

}  // namespace

CASE_WITH(a_handler_is_asked_and_may_allocate, bursar_only) {
  counted();
  static Asked asked;
  bursar::set_budget_handler(asked);
  bursar::Task task("greedy");
  task.label("42");
  EXPECT(task.set_budget(64 * KIB));
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  EXPECT(asked.calls == 1 && asked.wanted_bytes >= MIB && asked.task == task.handle());
  asked.answer = BURSAR_BUDGET_ALLOW;
  void* block = std::malloc(opaque(MIB));
  EXPECT(block != nullptr && asked.calls == 2);
  std::free(block);
  bursar::set_budget_handler(nullptr);
  EXPECT(std::malloc(opaque(MIB)) == nullptr && asked.calls == 2);
}

CASE_WITH(a_handler_may_raise_the_budget, bursar_only) {
  counted();
  bursar::set_budget_handler(
      [](const bursar_budget_event* event, void*) {
        EXPECT(bursar_task_set_budget(event->task, event->limit_bytes + 2 * MIB) == 0);
        return BURSAR_BUDGET_ALLOW;
      },
      nullptr);
  bursar::Task task("growing");
  EXPECT(task.set_budget(64 * KIB));
  void* first = std::malloc(opaque(MIB));
  void* second = std::malloc(opaque(MIB / 2));
  EXPECT(first != nullptr && second != nullptr);
  bursar::set_budget_handler(nullptr);
  EXPECT(std::malloc(opaque(MIB)) == nullptr);
  std::free(first);
  std::free(second);
}

CASE_WITH(a_handler_may_free, bursar_only) {
  counted();
  static std::vector<void*> blocks = room_for(5000);
  bursar::Task task("caching");
  EXPECT(task.set_budget(64 * KIB));
  (void)fill(blocks, 64);
  bursar::set_budget_handler(
      [](const bursar_budget_event*, void*) {
        release(blocks);
        return BURSAR_BUDGET_ALLOW;
      },
      nullptr);
  void* block = std::malloc(opaque(32 * KIB));
  EXPECT(block != nullptr);
  bursar::set_budget_handler(nullptr);
  EXPECT(std::malloc(opaque(48 * KIB)) == nullptr);
  std::free(block);
}

CASE_WITH(many_threads_are_asked_at_once, bursar_only) {
  counted();
  static std::atomic<size_t> calls{0};
  bursar::set_budget_handler(
      [](const bursar_budget_event* event, void* context) {
        // The unwinder of a static program wants memory, too, but does without.
        static_cast<std::atomic<size_t>*>(context)->fetch_add(event->wanted_bytes >= MIB ? 1 : 0);
        EXPECT(event->limit_bytes == 64 * KIB);
        return BURSAR_BUDGET_REFUSE;
      },
      &calls);
  std::vector<std::thread> pool;
  for (int i = 0; i < 8; ++i) {
    pool.emplace_back([] {
      for (int round = 0; round < 200; ++round) {
        bursar::Task task("greedy");
        EXPECT(task.set_budget(64 * KIB));
        EXPECT(std::malloc(opaque(MIB)) == nullptr);
        try {
          (void)operator new(opaque(MIB));
          guest_failed(__FILE__, __LINE__, "operator new does not throw");
        } catch (const bursar::BudgetExceeded&) {
        }
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  EXPECT_AT_MOST(calls, 8 * 200 * 2);
  EXPECT_AT_LEAST(calls, 8 * 200 * 2);
}
