// Uses arenas, pools and interners, prints what bursar_metrics_read has of them as JSON, and ends: runtime_figures HOW.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "bursar/arena.h"
#include "bursar/arena_pool.h"
#include "bursar/bursar.h"
#include "bursar/interner.h"
#include "bursar/object_pool.h"

namespace {

/// A round takes 2 texts in, saves 12,000 bytes, hands out 101 blocks of arenas, and has 18 hits and 2 misses of pools.
void work() {
  bursar::Arena arena;
  for (int number = 0; number < 100; ++number) static_cast<void>(arena.allocate(1000));
  arena.release();
  {
    bursar::ObjectPool<int> objects;
    for (int number = 0; number < 10; ++number) static_cast<void>(*objects.acquire(number));
    bursar::ArenaPool arenas;
    for (int number = 0; number < 9; ++number) static_cast<void>(arenas.checkout());
    static_cast<void>(arenas.checkout()->allocate(8));
  }
  bursar::Interner interner;
  std::thread([&] {
    for (int round = 0; round < 3'001; ++round) static_cast<void>(interner.intern("four"));
    static_cast<void>(interner.intern("other"));
  }).join();
}

void print() {
  bursar_metrics all{};
  static_cast<void>(bursar_metrics_read(&all, sizeof all));
  std::printf(
      "{\"interned_strings\": %ld, \"interner_saved_bytes\": %ld, \"arena_bytes\": %ld, \"arena_allocations\": %ld, "
      "\"pool_hits\": %ld, \"pool_misses\": %ld, \"cache_hits\": %ld, \"cache_misses\": %ld}\n",
      static_cast<long>(all.interned_strings), static_cast<long>(all.interner_saved_bytes),
      static_cast<long>(all.arena_bytes), static_cast<long>(all.arena_allocations), static_cast<long>(all.pool_hits),
      static_cast<long>(all.pool_misses), static_cast<long>(all.cache_hits), static_cast<long>(all.cache_misses));
  std::fflush(stdout);
}

/// In a child, and waits for it.
template <typename Work>
void in_child(Work child) {
  const pid_t process_id = fork();
  if (process_id == 0) {
    child();
    std::exit(0);
  }
  int status = 0;
  if (process_id < 0 || waitpid(process_id, &status, 0) != process_id || status != 0) std::abort();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view how = count == 2 ? arguments[1] : "";
  work();
  if (how == "print_in_child") in_child(print);
  if (how == "work_in_child") in_child(work);
  if (how == "child_takes_back") in_child([] { bursar_metrics_count(BURSAR_ARENA_BYTES, -1'000); });
  print();
  if (how == "kill") std::raise(SIGKILL);
  if (how == "wait") static_cast<void>(std::getchar());
  return 0;
}
