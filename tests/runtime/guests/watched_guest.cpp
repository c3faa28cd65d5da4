// Cuts 1,000 blocks from an arena, or reads one after a reset: for the tools that watch programs.
#include <cstdio>
#include <cstring>

#include "bursar/arena.h"
#include "bursar/object_pool.h"

namespace {

[[gnu::noinline]] void* cut_from_the_arena(bursar::Arena& arena) { return arena.allocate(100); }

struct Object {
  int number = 0;
  char rest[60] = {};
};

[[gnu::noinline]] bursar::PooledObject<Object> take_from_the_pool(bursar::ObjectPool<Object>& pool) {
  return pool.acquire();
}

}  // namespace

int main(int count, char** arguments) {
  const bool reads_after_reset = count > 1 && std::strcmp(arguments[1], "read-after-reset") == 0;
  const bool reads_after_release = count > 1 && std::strcmp(arguments[1], "read-after-release") == 0;
  bursar::Arena arena;
  volatile char* last = nullptr;
  for (int number = 0; number < 1000; ++number) {
    last = static_cast<char*>(cut_from_the_arena(arena));
    *last = 'x';
  }
  bursar::ObjectPool<Object> pool;
  volatile int* released = nullptr;
  for (int number = 0; number < 500; ++number) released = &take_from_the_pool(pool)->number;
  if (reads_after_reset) {
    arena.reset();
    std::printf("%d\n", *last);
  }
  if (reads_after_release) std::printf("%d\n", *released);
  return 0;
}
