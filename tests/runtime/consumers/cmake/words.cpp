// Counts words: the words and the map's nodes are in an arena, which is emptied for every line.
#include <bursar/arena_resource.h>

#include <cstdio>
#include <map>
#include <memory_resource>
#include <string_view>

int main() {
  bursar::Arena arena;
  int distinct = 0;
  for (const std::string_view line : {"a rose is a rose is a rose", "to be or not to be"}) {
    bursar::ArenaResource resource(arena);
    {
      std::pmr::map<std::string_view, int> counts(&resource);
      for (std::size_t begin = 0; begin < line.size();) {
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        ++counts[arena.copy(line.substr(begin, end - begin))];
        begin = end + 1;
      }
      distinct += static_cast<int>(counts.size());
    }
    arena.reset();
  }
  std::printf("%d distinct, %llu allocations, %llu calls of the heap\n", distinct,
              static_cast<unsigned long long>(arena.stats().total_allocations),
              static_cast<unsigned long long>(arena.stats().chunks_acquired));
  return distinct == 7 ? 0 : 1;
}
