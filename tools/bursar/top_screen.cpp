// The lines of a screen: headings, as much of a table as fits, and the keys.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/bursar/columns.h"
#include "tools/bursar/top_view.h"

namespace bursar::tool {
namespace {

/// A screen lower than that gives up headings first, then the keys.
constexpr size_t height_for_all_headings = 12;
constexpr size_t height_for_panes = 6;
constexpr size_t height_for_footer = 4;

Style style_of(const Row& row) {
  if (!row.fault.empty()) return Style::fault;
  return row.is_over ? Style::faint : Style::plain;
}

/// The first capital or small letter of the title that is the key.
size_t offset_of_key(const Column& column) {
  const std::string_view title = column.title;
  const char small = column.key >= 'A' && column.key <= 'Z' ? static_cast<char>(column.key - 'A' + 'a') : column.key;
  const size_t offset = title.find(small);
  return offset == std::string_view::npos ? title.size() : offset;
}

Line header_of(const Table& table, const Layout& layout, Order order, size_t width) {
  Line line{layout.header_line(table), Style::header, 0, 0, {}};
  for (const Layout::Place& place : layout.places()) {
    const Column& column = table.columns[place.column];
    const size_t title = columns_of(column.title);
    const size_t start = place.start + (place.align == Align::right ? place.width - std::min(title, place.width) : 0);
    const size_t offset = offset_of_key(column);
    if (offset < title && start + offset < width) line.keys.push_back(start + offset);
    if (place.column != order.column || start >= width) continue;
    line.strong_start = start;
    line.strong_width = std::min(title, width - start);
  }
  return line;
}

/// As many whole hints as fit.
std::string hints_within(const std::vector<std::string>& hints, size_t width) {
  std::string line;
  for (const std::string& hint : hints) {
    std::string longer = line;
    if (!longer.empty()) longer += "  ";
    longer += hint;
    if (columns_of(longer) > width) break;
    line = std::move(longer);
  }
  return line;
}

std::string name_of_key(const Column& column) {
  return fmt::format("  {}            sort by {}", column.key, column.title);
}

}  // namespace

std::vector<Line> View::screen(size_t width, size_t height) {
  std::vector<Line> lines;
  if (width == 0 || height == 0) return lines;
  if (shows_help_) return help_screen(width, height);
  const size_t body = height >= height_for_footer ? height - 1 : height;
  add_headings(lines, width, height);
  if (shows_one() && subject() == nullptr) {
    lines.push_back({shortened(nothing_text(), width), Style::fault, 0, 0, {}});
  } else {
    add_table(lines, width, body);
  }
  lines.resize(body);
  if (body < height) lines.push_back(footer(width));
  return lines;
}

void View::add_headings(std::vector<Line>& lines, size_t width, size_t height) const {
  const auto add = [&](const std::string& text, Style style) {
    lines.push_back({shortened(text, width), style, 0, 0, {}});
  };
  const char* paused = is_paused_ ? "[paused]  " : "";
  if (!shows_one()) {
    if (height >= 3) add(paused + heading_of_processes(subjects_, of_others_), Style::heading);
    return;
  }
  if (subject() == nullptr) return;
  const auto headings = headings_of(*subject());
  if (height >= 3) add(paused + headings[0], Style::heading);
  if (height >= height_for_all_headings) {
    add(headings[1], Style::plain);
    add(headings[2], Style::plain);
  }
  if (is_gone_) {
    add("its ledger is gone; this is what it said last", Style::fault);
  } else if (!opened_subject_.fault.empty()) {
    add(displayable(opened_subject_.fault), Style::fault);
  }
  if (height >= height_for_panes) add(pane_line(), Style::plain);
}

std::string View::pane_line() const {
  std::string line;
  for (size_t pane = 0; pane < pane_names.size(); ++pane) {
    // The one that is shown comes first, so that it is seen however narrow the screen is.
    const size_t each = (static_cast<size_t>(pane_) + pane) % pane_names.size();
    line += pane == 0 ? fmt::format("[{}]", pane_names[each]) : fmt::format("  {}", pane_names[each]);
  }
  return line;
}

void View::add_table(std::vector<Line>& lines, size_t width, size_t height) {
  const Table shown = table();
  const Layout layout(shown, order().column, width);
  if (lines.size() + 1 < height) lines.push_back(header_of(shown, layout, order(), width));
  const size_t rows = height - std::min(height, lines.size());
  page_rows_ = std::max<size_t>(rows, 1);
  const size_t selected_row = row_of_id(shown, selected());
  size_t& first = first_shown_[shows_one() ? 1 + static_cast<size_t>(pane_) : 0];
  first = std::min(first, shown.rows.size() - std::min(shown.rows.size(), rows));
  if (selected_row < first) first = selected_row;
  if (rows != 0 && selected_row >= first + rows) first = selected_row - rows + 1;
  for (size_t i = first; i < shown.rows.size() && i < first + rows; ++i) {
    const Row& row = shown.rows[i];
    lines.push_back({layout.line(row), i == selected_row ? Style::selected : style_of(row), 0, 0, {}});
  }
  if (shown.rows.empty() && rows != 0) lines.push_back({shortened(nothing_text(), width), Style::faint, 0, 0, {}});
}

std::string View::nothing_text() const {
  if (shows_one() && subject() == nullptr) {
    return opened_subject_.fault.empty() ? "the ledger is gone" : displayable(opened_subject_.fault);
  }
  if (!filter_.empty()) return fmt::format("nothing has \"{}\" in its name; Esc ends the filter", filter_);
  if (!shows_one()) return "no process keeps a ledger: start one by bursar run, or with BURSAR=ledger=PATH";
  if (pane_ == Pane::runtime) return "the program has told nothing of arenas, pools, interners and caches";
  return pane_ == Pane::running ? "no task is running" : "nothing yet";
}

Line View::footer(size_t width) const {
  if (prompt_ == Prompt::filter) {
    return {shortened(fmt::format("/{}_  Enter keep  Esc end", filter_), width), Style::footer, 0, 0, {}};
  }
  std::vector<std::string> hints{"q quit", "? keys"};
  if (!filter_.empty()) hints.push_back(fmt::format("filter \"{}\", Esc ends it", filter_));
  if (!shows_one()) hints.emplace_back("Enter open");
  if (shows_one() && scope_ == Scope::all) hints.emplace_back("Esc back");
  if (shows_one()) hints.emplace_back("Tab pane");
  for (const char* hint : {"< > sort", "r reverse", "/ filter"}) hints.emplace_back(hint);
  hints.emplace_back(is_paused_ ? "p go on" : "p pause");
  if (!shows_one()) hints.emplace_back(shows_ended_ ? "a hide ended" : "a show ended");
  hints.push_back(fmt::format("every {:g} s", interval_seconds_));
  return {hints_within(hints, width), Style::footer, 0, 0, {}};
}

std::vector<Line> View::help_screen(size_t width, size_t height) {
  std::vector<std::string> texts{
      "Keys of bursar top (any key leaves this page)",
      "  q            quit",
      "  Enter Right  open the process",
      "  Esc Left     end the filter; then back to the list",
      "  Tab          the next pane: task kinds, size classes, threads, running and worst tasks, runtime",
      "  Up Down      choose a row; also PgUp, PgDn, Home, End",
      "  < >          sort by the column before or behind",
      "  r            reverse the order",
      "  /            show only what has this in its name",
      "  p            pause, go on",
      "  a            show processes that have exited or are gone, hide them",
      "A column's own key is underlined in its title:"};
  const bool has_table = !shows_one() || subject() != nullptr;
  const Table shown = has_table ? table() : Table{};
  std::transform(shown.columns.begin(), shown.columns.end(), std::back_inserter(texts), name_of_key);
  help_first_ = std::min(help_first_, texts.size() - std::min(texts.size(), height));
  std::vector<Line> lines;
  for (size_t i = help_first_; i < texts.size() && lines.size() < height; ++i) {
    lines.push_back({shortened(texts[i], width), i == 0 ? Style::heading : Style::plain, 0, 0, {}});
  }
  lines.resize(height);
  return lines;
}

}  // namespace bursar::tool
