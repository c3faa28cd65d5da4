// A C++ unit heavy in templates: most of the compiler's time goes to its own allocation.
#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

template <std::size_t N>
struct Fibonacci {
  static constexpr unsigned long long value = Fibonacci<N - 1>::value + Fibonacci<N - 2>::value;
};
template <>
struct Fibonacci<0> {
  static constexpr unsigned long long value = 0;
};
template <>
struct Fibonacci<1> {
  static constexpr unsigned long long value = 1;
};

template <std::size_t... I>
constexpr auto fibonacci_table(std::index_sequence<I...>) {
  return std::array{Fibonacci<I>::value...};
}

template <int Tag>
struct Shape {
  int side = Tag;
  [[nodiscard]] double area() const { return side * side * (Tag % 3 + 1) * 0.5; }
};

template <typename Sequence>
struct ShapesOf;
template <int... Tags>
struct ShapesOf<std::integer_sequence<int, Tags...>> {
  using type = std::variant<Shape<Tags>...>;
  static type make(int tag) {
    static constexpr std::array<type (*)(), sizeof...(Tags)> makers{+[]() -> type { return Shape<Tags>{}; }...};
    return makers.at(static_cast<std::size_t>(tag))();
  }
};
using Shapes = ShapesOf<std::make_integer_sequence<int, 25>>;

double total_area() {
  std::vector<Shapes::type> shapes;
  for (int i = 0; i < 4000; ++i) shapes.push_back(Shapes::make(i % 25));
  return std::accumulate(shapes.begin(), shapes.end(), 0.0, [](double sum, const Shapes::type& shape) {
    return sum + std::visit([](const auto& one) { return one.area(); }, shape);
  });
}

std::size_t words() {
  const std::regex word("([a-z]+)([0-9]*)");
  std::map<std::string, std::unordered_map<std::string, std::unique_ptr<int>>> table;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = "word" + std::to_string(i % 97) + " other" + std::to_string(i % 31);
    for (std::sregex_iterator match(text.begin(), text.end(), word), end; match != end; ++match) {
      auto& slot = table[(*match)[1]][(*match)[2]];
      slot = std::make_unique<int>(slot ? *slot + 1 : 1);
    }
  }
  return std::accumulate(table.begin(), table.end(), std::size_t{0},
                         [](std::size_t sum, const auto& entry) { return sum * 31 + entry.second.size(); });
}

int sorted_tuples() {
  std::vector<std::tuple<int, std::string, std::function<int(int)>>> rows;
  for (int i = 0; i < 2000; ++i) rows.emplace_back(i * 7919 % 2003, std::to_string(i), [i](int n) { return n + i; });
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  return std::get<2>(rows[1000])(1);
}

}  // namespace

int main() {
  constexpr auto table = fibonacci_table(std::make_index_sequence<90>{});
  std::cout << table.back() << ' ' << total_area() << ' ' << words() << ' ' << sorted_tuples() << '\n';
}
