// Text that Prometheus and its relatives read: families, samples, labels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::tool {

/// OpenMetrics 1.0, or what came before it: Prometheus's text format 0.0.4. The samples are the same.
enum class Dialect : unsigned char { prometheus, openmetrics };

/// What a client prefers, by the Accept header of its request.
[[nodiscard]] Dialect dialect_for(std::string_view accept);

[[nodiscard]] const char* content_type_of(Dialect dialect);

enum class FamilyType : unsigned char { counter, gauge, histogram, info };

struct Family {
  const char* name;  // without the suffixes that its type brings
  FamilyType type;
  const char* unit;  // "" for none
  const char* help;
};

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::vector<Label>;

/// How many values were at most so large; the last count is that of all.
struct HistogramCounts {
  std::vector<uint64_t> bounds;  // ascending, inclusive
  std::vector<uint64_t> counts;  // cumulative; one more than bounds
  uint64_t sum = 0;
};

class Exposition {
 public:
  explicit Exposition(Dialect dialect) : dialect_(dialect) {}

  /// The samples that follow are of this family, which does not come again.
  void open(const Family& family);

  void add(const Labels& labels, uint64_t value);
  void add(const Labels& labels, double value);
  void add(const Labels& labels, const HistogramCounts& histogram);

  /// The whole text.
  [[nodiscard]] std::string close() &&;

 private:
  void add_sample(std::string_view suffix, const Labels& labels, std::string_view value);
  [[nodiscard]] std::string_view suffix() const;

  Dialect dialect_;
  Family family_{};
  std::string text_;
};

}  // namespace bursar::tool
