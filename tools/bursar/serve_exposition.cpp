// The two text formats.
#include "tools/bursar/serve_exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace bursar::tool {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before the mark off the front.
std::string_view cut(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view part = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool equals_without_case(std::string_view left, std::string_view right) {
  const auto lower = [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A')) : character;
  };
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

/// The weight of a media range by its parameters; 1 where they say nothing, 0 where they cannot be read.
double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = cut(parameters, ';');
    if (parameter.substr(0, 2) != "q=" && parameter.substr(0, 2) != "Q=") continue;
    double weight = 0;
    std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), weight);
    return weight;
  }
  return 1;
}

const char* type_name_of(FamilyType type, Dialect dialect) {
  switch (type) {
    case FamilyType::counter: return "counter";
    case FamilyType::gauge: return "gauge";
    case FamilyType::histogram: return "histogram";
    case FamilyType::info: return dialect == Dialect::openmetrics ? "info" : "gauge";
  }
  return "unknown";
}

/// How long the UTF-8 character at the front is; 0 where there is none. What is no UTF-8 would make a scrape fail
/// whole.
size_t character_length(std::string_view text) {
  const auto at = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool is_overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool is_outside = (lead == 0xed && at(1) >= 0xa0) || (lead == 0xf4 && at(1) >= 0x90);
  return is_overlong || is_outside ? 0 : length;
}

/// What would steer a terminal on which somebody looks at it. None is allowed in OpenMetrics but the end of a line.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

void append_escaped(std::string& text, std::string_view value) {
  while (!value.empty()) {
    const size_t length = character_length(value);
    if (length == 0) {
      text += "\xef\xbf\xbd";
    } else if (is_control(value.substr(0, length))) {
      text += '?';
    } else {
      if (value[0] == '"' || value[0] == '\\') text += '\\';
      text += value.substr(0, length);
    }
    value.remove_prefix(std::max<size_t>(length, 1));
  }
}

}  // namespace

Dialect dialect_for(std::string_view accept) {
  double openmetrics = 0;
  double prometheus = 0;
  while (!accept.empty()) {
    std::string_view range = cut(accept, ',');
    const std::string_view type = cut(range, ';');
    double& weight = equals_without_case(type, "application/openmetrics-text") ? openmetrics : prometheus;
    const bool is_known = &weight == &openmetrics || equals_without_case(type, "text/plain");
    if (is_known) weight = std::max(weight, weight_of(range));
  }
  return openmetrics > 0 && openmetrics >= prometheus ? Dialect::openmetrics : Dialect::prometheus;
}

const char* content_type_of(Dialect dialect) {
  return dialect == Dialect::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}

void Exposition::open(const Family& family) {
  family_ = family;
  // A family is named without its suffix in the one, as its samples in the other.
  const std::string name = fmt::format("{}{}", family.name, dialect_ == Dialect::openmetrics ? "" : suffix());
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type_name_of(family.type, dialect_));
  if (dialect_ == Dialect::openmetrics && *family.unit != '\0')
    text_ += fmt::format("# UNIT {} {}\n", name, family.unit);
}

std::string_view Exposition::suffix() const {
  if (family_.type == FamilyType::counter) return "_total";
  return family_.type == FamilyType::info ? "_info" : "";
}

void Exposition::add(const Labels& labels, uint64_t value) { add_sample(suffix(), labels, fmt::format("{}", value)); }

void Exposition::add(const Labels& labels, double value) { add_sample(suffix(), labels, fmt::format("{}", value)); }

/// Bounds are written as the floating-point numbers that they are, since a reader takes them as text.
void Exposition::add(const Labels& labels, const HistogramCounts& histogram) {
  Labels with_bound = labels;
  with_bound.push_back({"le", ""});
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const std::string bound = i < histogram.bounds.size() ? fmt::format("{}.0", histogram.bounds[i]) : "+Inf";
    with_bound.back().value = bound;
    add_sample("_bucket", with_bound, fmt::format("{}", histogram.counts[i]));
  }
  add_sample("_count", labels, fmt::format("{}", histogram.counts.back()));
  add_sample("_sum", labels, fmt::format("{}", histogram.sum));
}

void Exposition::add_sample(std::string_view suffix, const Labels& labels, std::string_view value) {
  text_.append(family_.name).append(suffix);
  const char* separator = "{";
  for (const Label& label : labels) {
    text_.append(separator).append(label.name).append("=\"");
    append_escaped(text_, label.value);
    text_ += '"';
    separator = ",";
  }
  text_.append(labels.empty() ? " " : "} ").append(value).append("\n");
}

std::string Exposition::close() && {
  if (dialect_ == Dialect::openmetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace bursar::tool
