// Keys change what is shown; a screen is made of what was taken last.
#include "tools/bursar/top_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/bursar/columns.h"

namespace bursar::tool {
namespace {

bool has_ended(const Subject& subject) {
  return subject.now != nullptr && (!subject.now->is_alive || subject.now->state != ledger::State::running);
}

/// Takes the last character of a text in UTF-8 away.
void drop_last(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

void View::take(std::vector<Subject> subjects, uint64_t of_others) {
  if (is_paused_) return;
  subjects_ = std::move(subjects);
  of_others_ = of_others;
  if (!shows_one()) return;
  const auto found = std::find_if(subjects_.begin(), subjects_.end(),
                                  [&](const Subject& each) { return opened_.empty() || each.path == opened_; });
  is_gone_ = found == subjects_.end();
  if (is_gone_) return;
  // The figures that were read last stay beside a fault.
  opened_subject_.path = found->path;
  opened_subject_.fault = found->fault;
  if (found->now != nullptr) opened_subject_ = *found;
}

const Subject* View::subject() const { return opened_subject_.now == nullptr ? nullptr : &opened_subject_; }

Order& View::order() {
  const size_t place = shows_one() ? 1 + static_cast<size_t>(pane_) : 0;
  return orders_.try_emplace(place, place == 0 ? first_order_of_processes() : first_order_of(pane_)).first->second;
}

std::vector<Subject> View::listed() const {
  std::vector<Subject> listed;
  std::copy_if(subjects_.begin(), subjects_.end(), std::back_inserter(listed),
               [&](const Subject& each) { return shows_ended_ || !has_ended(each); });
  return listed;
}

/// Pre: the list is shown, or there is a subject.
Table View::table() {
  Table table = shows_one() ? table_of(pane_, *subject()) : table_of_processes(listed());
  keep_matching(table, filter_);
  sort_rows(table, order());
  return table;
}

void View::press(const Key& key) {
  if (prompt_ != Prompt::none) return press_in_prompt(key);
  if (shows_help_) return press_in_help(key);
  switch (key.name) {
    case KeyName::character: return press_character(key.character);
    case KeyName::up: return move(-1);
    case KeyName::down: return move(1);
    case KeyName::page_up: return move(-static_cast<long>(page_rows_));
    case KeyName::page_down: return move(static_cast<long>(page_rows_));
    case KeyName::home: return move(-1'000'000'000);
    case KeyName::end: return move(1'000'000'000);
    case KeyName::enter:
    case KeyName::right: return open();
    case KeyName::escape:
    case KeyName::left: return go_back();
    case KeyName::tab: return turn_pane(1);
    case KeyName::back_tab: return turn_pane(pane_names.size() - 1);
    case KeyName::backspace: return;
  }
}

void View::press_in_prompt(const Key& key) {
  if (key.name == KeyName::enter) {
    prompt_ = Prompt::none;
  } else if (key.name == KeyName::escape) {
    filter_.clear();
    prompt_ = Prompt::none;
  } else if (key.name == KeyName::backspace) {
    drop_last(filter_);
  } else if (key.name == KeyName::character && filter_.size() < 64) {
    filter_ += displayable(key.character);
  }
}

void View::press_in_help(const Key& key) {
  if (key.name == KeyName::down || key.name == KeyName::page_down) {
    ++help_first_;
  } else if (key.name == KeyName::up || key.name == KeyName::page_up) {
    help_first_ -= help_first_ == 0 ? 0 : 1;
  } else {
    shows_help_ = false;
    if (key.character == "q") wants_to_quit_ = true;
  }
}

void View::press_character(const std::string& character) {
  if (character.size() != 1) return;
  switch (const char key = character.front()) {
    case 'q': wants_to_quit_ = true; return;
    case '?':
    case 'h':
      shows_help_ = true;
      help_first_ = 0;
      return;
    case 'p':
    case ' ': is_paused_ = !is_paused_; return;
    case 'r': order().is_reversed = !order().is_reversed; return;
    case '/': prompt_ = Prompt::filter; return;
    case 'a': shows_ended_ = !shows_ended_; return;
    case '>': return choose_column(1);
    case '<': return choose_column(0);
    default:
      if (shows_one() && subject() == nullptr) return;
      if (const auto column = column_of_key(table(), key)) order() = {*column, false};
  }
}

void View::choose_column(size_t by) {
  if (shows_one() && subject() == nullptr) return;
  const size_t columns = table().columns.size();
  order() = {(order().column + (by == 0 ? columns - 1 : by)) % columns, false};
}

void View::move(long rows) {
  if (shows_one() && subject() == nullptr) return;
  const Table shown = table();
  if (shown.rows.empty()) return;
  const long last = static_cast<long>(shown.rows.size()) - 1;
  const long now = static_cast<long>(row_of_id(shown, selected()));
  selected() = shown.rows[static_cast<size_t>(std::clamp(now + rows, 0L, last))].id;
}

/// A ledger that cannot be read cannot be opened.
void View::open() {
  if (shows_one()) return;
  const Table shown = table();
  if (shown.rows.empty()) return;
  const Row& row = shown.rows[row_of_id(shown, selected())];
  if (!row.fault.empty()) return;
  const auto found =
      std::find_if(subjects_.begin(), subjects_.end(), [&](const Subject& each) { return each.path == row.id; });
  if (found == subjects_.end()) return;
  selected() = row.id;
  opened_subject_ = *found;
  opened_ = row.id;
  is_gone_ = false;
  filter_.clear();
}

/// First from a filter, then from the process.
void View::go_back() {
  if (!filter_.empty()) {
    filter_.clear();
  } else if (scope_ == Scope::all && !opened_.empty()) {
    opened_.clear();
    opened_subject_ = {};
  }
}

void View::turn_pane(size_t by) {
  if (shows_one()) pane_ = static_cast<Pane>((static_cast<size_t>(pane_) + by) % pane_names.size());
}

std::vector<std::string> View::plain() {
  std::vector<std::string> lines;
  const auto add_shown_table = [&] {
    const Table shown = table();
    const Layout layout(shown, order().column, any_width);
    lines.push_back(layout.header_line(shown));
    for (const Row& row : shown.rows) lines.push_back(layout.line(row));
  };
  if (!shows_one()) {
    lines.push_back(heading_of_processes(subjects_, of_others_));
    add_shown_table();
    return lines;
  }
  if (subject() == nullptr) return {nothing_text()};
  for (const std::string& heading : headings_of(*subject())) lines.push_back(heading);
  for (size_t pane = 0; pane < pane_names.size(); ++pane) {
    pane_ = static_cast<Pane>(pane);
    if (pane_ == Pane::runtime && subject()->now->runtime.are_all_zero()) continue;
    lines.emplace_back();
    lines.emplace_back(pane_names[pane]);
    add_shown_table();
  }
  pane_ = Pane::kinds;
  return lines;
}

}  // namespace bursar::tool
