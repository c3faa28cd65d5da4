// A C++ unit that is heavy for a compiler: many standard headers, and templates instantiated PARTS times (-DPARTS=N).
#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <charconv>
#include <complex>
#include <deque>
#include <forward_list>
#include <functional>
#include <iomanip>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <optional>
#include <queue>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace {

template <int Part>
struct Key {
  int value;
  friend auto operator<=>(const Key&, const Key&) = default;
};

template <int Part>
struct Hash {
  std::size_t operator()(const Key<Part>& key) const { return std::hash<int>{}(key.value) + Part; }
};

// Containers of types of this part's own, so that nothing is shared between parts.
template <int Part>
long fill() {
  std::map<Key<Part>, std::vector<Key<Part>>> ordered;
  std::unordered_map<Key<Part>, std::set<Key<Part>>, Hash<Part>> hashed;
  std::deque<std::pair<Key<Part>, std::string>> queue;
  for (int i = 0; i < 100; ++i) {
    const Key<Part> key{i * Part % 31};
    ordered[key].push_back({i});
    hashed[key].insert({i});
    queue.emplace_back(key, std::to_string(i));
  }
  std::sort(queue.begin(), queue.end());
  std::stable_sort(queue.begin(), queue.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::accumulate(ordered.begin(), ordered.end(), 0L,
                         [](long sum, const auto& entry) { return sum + static_cast<long>(entry.second.size()); }) +
         static_cast<long>(hashed.size() + queue.front().second.size());
}

template <int Part, std::size_t... Index>
long visit_all(std::index_sequence<Index...>) {
  using Value = std::variant<std::array<Key<Part>, Index + 1>...>;
  std::vector<Value> values;
  (values.push_back(std::array<Key<Part>, Index + 1>{}), ...);
  long sum = 0;
  for (const Value& value : values) {
    sum += std::visit([](const auto& keys) { return static_cast<long>(keys.size()); }, value);
  }
  return sum;
}

template <int Part>
long weigh_all() {
  std::vector<Key<Part>> keys(64, Key<Part>{Part});
  std::optional<std::tuple<Key<Part>, std::string, double>> kept;
  std::function<long(Key<Part>)> weigh = [&](Key<Part> key) { return kept ? key.value : key.value * 2L; };
  std::erase_if(keys, [](Key<Part> key) { return key.value % 2 != Part % 2; });
  long sum = 0;
  for (Key<Part> key : std::span(keys).first(keys.size() / 2)) {
    sum += weigh(key);
    kept.emplace(Key<Part>{static_cast<int>(sum)}, "part", 0.5 * Part);
  }
  return sum;
}

// A template only so that no part means no regular expression.
template <int Part>
long match() {
  return std::regex_match(std::to_string(Part), std::regex("[0-9]+(a|b)*", std::regex::optimize)) ? 1 : 0;
}

template <int... Part>
long all(std::integer_sequence<int, Part...>) {
  return (0 + ... +
          (fill<Part>() + visit_all<Part>(std::make_index_sequence<5>{}) + weigh_all<Part>() + match<Part>()));
}

}  // namespace

int main() { std::cout << all(std::make_integer_sequence<int, PARTS>{}) << '\n'; }
