// Text in columns, or one JSON object.
#include "tools/bursar/diff_render.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tools/bursar/columns.h"

namespace bursar::tool {
namespace {

using nlohmann::ordered_json;

constexpr size_t title_columns = 32;
constexpr size_t value_columns = 13;
constexpr size_t percent_columns = 11;

/// Told in text; all are in JSON.
constexpr size_t kinds_told_max = 20;
constexpr size_t rows_told_max = 12;

/// Beyond, a percentage is read no better than a factor.
constexpr double percent_told_max = 999;

/// Digit by digit as long as the columns have room.
std::string count_within(uint64_t count, uint64_t exact_max) {
  if (count <= exact_max) return count_text(count);
  const char* unit = " M";
  double value = static_cast<double>(count) / 1e6;
  for (const char* next : {" G", " T", " P"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return value < 1000 ? fmt::format("{:.3g}{}", value, unit) : count_text(static_cast<uint64_t>(value)) + unit;
}

std::string value_text(Unit unit, uint64_t value) {
  switch (unit) {
    case Unit::count: break;
    case Unit::bytes: return size_text(value);
    case Unit::nanoseconds: return time_text(value);
  }
  return count_within(value, 999'999'999);
}

std::string growth_text(const Figure& figure) {
  if (figure.a == figure.b) return "=";
  if (figure.a < figure.b) return fmt::format("+{}", value_text(figure.unit, figure.b - figure.a));
  return fmt::format("-{}", value_text(figure.unit, figure.a - figure.b));
}

std::string percent_text(const Figure& figure) {
  const auto percent = percent_grown(figure);
  if (!percent) return "new";
  if (*percent > percent_told_max) return fmt::format("x {}", count_within(figure.b / figure.a, 999'999));
  return figure.a == figure.b ? "" : fmt::format("{:+.1f} %", *percent);
}

std::string in_colour(const std::string& text, const Figure& figure, Colours colours) {
  if (colours == Colours::no || figure.a == figure.b) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", figure.a < figure.b ? 31 : 32, text);
}

std::string cells_of(const Figure& figure, Colours colours) {
  const std::string growth = fitted(growth_text(figure), value_columns, Align::right) +
                             fitted(percent_text(figure), percent_columns, Align::right);
  return fitted(value_text(figure.unit, figure.a), value_columns, Align::right) +
         fitted(value_text(figure.unit, figure.b), value_columns, Align::right) +
         in_colour(growth.substr(0, growth.find_last_not_of(' ') + 1), figure, colours) + '\n';
}

std::string line_of(const std::string& title, const Figure& figure, Colours colours) {
  return fitted(title, title_columns) + cells_of(figure, colours);
}

std::string header_of(const char* title) {
  return fmt::format("{}{:>13}{:>13}{:>13}\n", fitted(title, title_columns), "A", "B", "growth");
}

const char* mark_of(Presence presence) {
  switch (presence) {
    case Presence::in_both: break;
    case Presence::only_in_b: return " (new)";
    case Presence::only_in_a: return " (gone)";
  }
  return "";
}

std::string shown_name(const Group& group) {
  const std::string mark = mark_of(group.presence);
  return shortened(displayable(group.name), title_columns - 3 - mark.size()) + mark;
}

std::string left_out_text(size_t count) {
  return count == 0 ? "" : fmt::format("  {} without changes of note\n", count_text(count));
}

std::string more_text(size_t count, size_t told_max) {
  return count <= told_max ? "" : fmt::format("  and {} more (--json has all)\n", count_text(count - told_max));
}

uint64_t figure_in_a(const Group& group, std::string_view key) {
  const auto found =
      std::find_if(group.figures.begin(), group.figures.end(), [&](const Figure& each) { return each.key == key; });
  return found == group.figures.end() ? 0 : found->a;
}

/// What is not there any more needs no columns.
std::string gone_text(const Group& kind) {
  const uint64_t tasks = figure_in_a(kind, "tasks");
  const uint64_t allocations = figure_in_a(kind, "allocations");
  return fmt::format("  {} (gone): {} task{}, {} allocation{}, {} handed out\n", displayable(kind.name),
                     count_text(tasks), tasks == 1 ? "" : "s", count_text(allocations), allocations == 1 ? "" : "s",
                     size_text(figure_in_a(kind, "allocated_bytes")));
}

/// A block of lines for each kind: its figures that changed.
std::string kinds_text(std::vector<Group> kinds, uint64_t bytes_min, Colours colours) {
  const size_t left_out = leave_out_noise(kinds, bytes_min);
  if (kinds.empty()) return "";
  std::string text = fmt::format("\n{}", header_of("task kinds"));
  for (size_t i = 0; i < std::min(kinds.size(), kinds_told_max); ++i) {
    const Group& kind = kinds[i];
    if (kind.presence == Presence::only_in_a) {
      text += gone_text(kind);
      continue;
    }
    text += fmt::format("  {}{}\n", displayable(kind.name), mark_of(kind.presence));
    for (const Figure& figure : kind.figures) {
      if (figure.a != figure.b) text += line_of(fmt::format("    {}", figure.title), figure, colours);
    }
  }
  return text + more_text(kinds.size(), kinds_told_max) + left_out_text(left_out);
}

/// A line for each: the bytes handed out, and behind them what the last figure grew by.
std::string rows_text(const char* title, const char* last_title, std::vector<Group> groups, uint64_t bytes_min,
                      Colours colours) {
  const size_t left_out = leave_out_noise(groups, bytes_min);
  if (groups.empty()) return "";
  std::string header = header_of(title);
  header.pop_back();
  std::string text = fmt::format("\n{}{:>11}{:>16}\n", header, "", last_title);
  for (size_t i = 0; i < std::min(groups.size(), rows_told_max); ++i) {
    const Group& group = groups[i];
    const auto allocated = std::find_if(group.figures.begin(), group.figures.end(),
                                        [](const Figure& figure) { return figure.unit == Unit::bytes; });
    std::string line = fitted(fmt::format("  {}", shown_name(group)), title_columns) +
                       fitted(value_text(Unit::bytes, allocated->a), value_columns, Align::right) +
                       fitted(value_text(Unit::bytes, allocated->b), value_columns, Align::right);
    const std::string growth = fitted(growth_text(*allocated), value_columns, Align::right) +
                               fitted(percent_text(*allocated), percent_columns, Align::right);
    const Figure& last = group.figures.back();
    text += line + in_colour(growth, *allocated, colours) +
            in_colour(fitted(growth_text(last), 16, Align::right), last, colours) + '\n';
  }
  return text + more_text(groups.size(), rows_told_max) + left_out_text(left_out);
}

std::string side_text(char letter, const Snapshot& side) {
  return fmt::format("{}  {} (process {})  {}\n", letter, displayable(base_name(side.program)), side.process_id,
                     displayable(side.path.native()));
}

ordered_json json_of(const Figure& figure) {
  const auto percent = percent_grown(figure);
  ordered_json json{{"a", figure.a}, {"b", figure.b}};
  json["growth"] = static_cast<int64_t>(figure.b - figure.a);
  json["percent"] = percent ? ordered_json(*percent) : ordered_json();
  return json;
}

ordered_json json_of(const Group& group) {
  constexpr const char* presences[] = {"both", "new", "gone"};
  ordered_json json{{"name", displayable(group.name)}, {"in", presences[static_cast<size_t>(group.presence)]}};
  for (const Figure& figure : group.figures) json[figure.key] = json_of(figure);
  return json;
}

ordered_json json_of(std::vector<Group> groups, uint64_t bytes_min) {
  leave_out_noise(groups, bytes_min);
  ordered_json json = ordered_json::array();
  for (const Group& group : groups) json.push_back(json_of(group));
  return json;
}

ordered_json json_of(const Snapshot& side) {
  return {{"file", displayable(side.path.native())},
          {"program", displayable(side.program)},
          {"process_id", side.process_id}};
}

}  // namespace

std::string text_of(const Sides& sides, const Comparison& comparison, uint64_t bytes_min, Colours colours) {
  std::string text = side_text('A', sides.a) + side_text('B', sides.b) + "\n" + header_of("");
  for (const Figure& figure : comparison.totals) {
    if ((figure.a | figure.b) != 0) text += line_of(fmt::format("  {}", figure.title), figure, colours);
  }
  return text + kinds_text(comparison.kinds, bytes_min, colours) +
         rows_text("size classes, handed out", "live", comparison.size_classes, bytes_min, colours) +
         rows_text("threads, handed out", "threads", comparison.threads, bytes_min, colours);
}

std::string json_of(const Sides& sides, const Comparison& comparison, uint64_t bytes_min,
                    const std::vector<Excess>& excesses) {
  ordered_json json{{"a", json_of(sides.a)}, {"b", json_of(sides.b)}};
  for (const Figure& figure : comparison.totals) json["totals"][figure.key] = json_of(figure);
  json["kinds"] = json_of(comparison.kinds, bytes_min);
  json["size_classes"] = json_of(comparison.size_classes, bytes_min);
  json["threads"] = json_of(comparison.threads, bytes_min);
  json["exceeded"] = ordered_json::array();
  for (const Excess& excess : excesses) {
    ordered_json each{{"figure", excess.figure.key}};
    each["kind"] = excess.kind.empty() ? ordered_json() : ordered_json(displayable(excess.kind));
    each.update(json_of(excess.figure));
    json["exceeded"].push_back(each);
  }
  return json.dump(2) + "\n";
}

std::string text_of(const Excess& excess) {
  const Figure& figure = excess.figure;
  const std::string of = excess.kind.empty() ? "" : fmt::format(" of {}", displayable(excess.kind));
  return fmt::format("{}{} grew from {} to {} ({})", figure.key, of, value_text(figure.unit, figure.a),
                     value_text(figure.unit, figure.b), figure.a == 0 ? "from nothing" : percent_text(figure));
}

}  // namespace bursar::tool
