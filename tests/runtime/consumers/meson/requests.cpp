// Handles requests: each takes a connection from a pool and an arena from another.
#include <bursar/arena_pool.h>
#include <bursar/object_pool.h>

#include <cstdio>

namespace {

struct Connection {
  int number = 0;
  char buffer[4096] = {};
};

}  // namespace

int main() {
  bursar::ObjectPool<Connection> connections;
  bursar::ArenaPool arenas;
  for (int number = 0; number < 100; ++number) {
    const auto connection = connections.acquire(number);
    const auto arena = arenas.checkout();
    static_cast<void>(arena->copy("a header of the request"));
  }
  const auto stats = connections.stats();
  std::printf("%llu hits, %llu misses\n", static_cast<unsigned long long>(stats.hits),
              static_cast<unsigned long long>(stats.misses));
  return stats.misses == 1 && arenas.stats().misses == 1 ? 0 : 1;
}
