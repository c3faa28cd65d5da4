// C++ objects that allocate and free while their thread or the process is going away.
#include <malloc.h>

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "expect.h"

namespace {

struct Late {
  std::vector<std::string> texts;
  std::map<int, std::string> table;

  void fill() {
    for (int i = 0; i < 200; ++i) {
      texts.push_back(std::string(static_cast<size_t>(i) * 10, 'x'));
      table[i] = texts.back();
    }
  }
  ~Late() {
    for (const auto& [index, text] : table) EXPECT(text.size() == static_cast<size_t>(index) * 10);
    std::ostringstream stream;
    for (const std::string& text : texts) stream << text;
    EXPECT(stream.str().size() == (texts.empty() ? 0 : 199000));
    auto another = std::make_unique<std::vector<std::string>>(texts);
    texts.clear();
    table.clear();
    EXPECT(another->empty() || another->back().size() == 1990);
  }
};

thread_local Late of_the_thread;
thread_local std::unique_ptr<Late> second_of_the_thread;
Late of_the_process;
std::vector<std::unique_ptr<Late>> handed_over;

struct AllocatesInConstructor {
  std::string text;
  AllocatesInConstructor() : text(5000, 'a') {}
  ~AllocatesInConstructor() { EXPECT(text.size() == 5000); }
} early_object;

void work() {
  of_the_thread.fill();
  second_of_the_thread = std::make_unique<Late>();
  second_of_the_thread->fill();
}

}  // namespace

CASE(thread_local_objects_of_threads) {
  for (int i = 0; i < 50; ++i) std::thread(work).join();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

CASE(thread_local_objects_of_the_first_thread) { work(); }

CASE(static_objects_of_the_process) {
  of_the_process.fill();
  static Late local;
  local.fill();
  EXPECT(early_object.text.size() == 5000);
}

CASE(static_objects_filled_by_threads_that_are_gone) {
  std::thread([] { of_the_process.fill(); }).join();
  for (int i = 0; i < 20; ++i)
    std::thread([] {
      handed_over.push_back(std::make_unique<Late>());
      handed_over.back()->fill();
    }).join();
}

CASE(thread_local_objects_leave_nothing_behind) {
  for (int i = 0; i < 20; ++i) std::thread(work).join();
  const size_t before = resident_bytes();
  for (int i = 0; i < 500; ++i) std::thread(work).join();
  EXPECT_AT_MOST(resident_bytes(), before + 12 * MIB);
}
