// What do hash maps of strings cost that fill, are looked up, lose half of their entries, fill again and end?
#include <string>
#include <unordered_map>

#include "work.h"

namespace {

constexpr long rounds_full = 4;
constexpr uint32_t entries_full = 120 * 1000;

using Map = std::unordered_map<std::string, std::string>;

Arguments arguments;

std::string key_of(uint32_t number) {
  // Half of the keys are short enough for std::string to hold within.
  return (number % 2 == 0 ? "k" : "session/of/user/number/") + std::to_string(number);
}

void fill(Map& map, Random& random, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; ++i)
    map[key_of(i)] = std::string(next_size(&random, 3, 8), static_cast<char>(i % 64 + 32));
}

void look_up(const Map& map, Random& random, uint32_t entries) {
  for (uint32_t i = 0; i < entries / 2; ++i) {
    const uint32_t number = next_below(&random, entries);
    const auto found = map.find(key_of(number));
    check(found != map.end() && found->second.front() == static_cast<char>(number % 64 + 32), "a map lost an entry");
  }
}

void work(int index) {
  Random random = random_of(static_cast<uint64_t>(index));
  const auto entries = static_cast<uint32_t>(scaled_share(&arguments, entries_full)) + 1;
  for (long round = scaled_share(&arguments, rounds_full); round > 0; --round) {
    Map map;
    fill(map, random, 0, entries);
    look_up(map, random, entries);
    for (uint32_t i = 0; i < entries; i += 2) map.erase(key_of((i + next_below(&random, 2)) % entries));
    fill(map, random, 0, entries);
    look_up(map, random, entries);
  }
}

}  // namespace

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
