// Sorting, filtering and laying out.
#include "tools/bursar/top_table.h"

#include <algorithm>
#include <climits>

namespace bursar::tool {
namespace {

constexpr size_t gap = 2;

char small_letter(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_before(const Row& a, const Row& b, size_t column, Align align) {
  if (align == Align::left) return a.cells[column].text < b.cells[column].text;
  return a.cells[column].value > b.cells[column].value;
}

/// Spaces at the end would wrap a line that is as wide as the terminal.
std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void sort_rows(Table& table, Order order) {
  const Align align = table.columns[order.column].align;
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) {
    if (a.cells.empty() || b.cells.empty()) return !a.cells.empty();
    return order.is_reversed ? is_before(b, a, order.column, align) : is_before(a, b, order.column, align);
  });
}

void keep_matching(Table& table, std::string_view part) {
  const auto is_same = [](char a, char b) { return small_letter(a) == small_letter(b); };
  std::erase_if(table.rows, [&](const Row& row) {
    return std::search(row.name.begin(), row.name.end(), part.begin(), part.end(), is_same) == row.name.end() &&
           !part.empty();
  });
}

std::optional<size_t> column_of_key(const Table& table, char key) {
  for (size_t column = 0; column < table.columns.size(); ++column) {
    if (table.columns[column].key == key) return column;
  }
  return std::nullopt;
}

size_t row_of_id(const Table& table, const std::string& id) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), [&](const Row& row) { return row.id == id; });
  return found == table.rows.end() ? 0 : static_cast<size_t>(found - table.rows.begin());
}

Layout::Layout(const Table& table, size_t sorted_column, size_t width) : width_(width) {
  for (size_t column = 0; column < table.columns.size(); ++column) {
    const Column& each = table.columns[column];
    size_t columns = std::max(columns_of(each.title), each.columns_min);
    for (const Row& row : table.rows) {
      if (!row.cells.empty()) columns = std::max(columns, columns_of(row.cells[column].text));
    }
    places_.push_back({column, 0, columns, each.align});
  }
  if (width != any_width) {
    drop_what_does_not_fit(table, sorted_column);
    stretch_names(table);
  }
  size_t start = 0;
  for (Place& place : places_) {
    place.start = start;
    start += place.width + gap;
  }
}

size_t Layout::narrowest(const Table& table, const Place& place) {
  return place.align == Align::left ? std::min(place.width, table.columns[place.column].columns_min) : place.width;
}

size_t Layout::whole_width() const {
  size_t width = 0;
  for (const Place& place : places_) width += place.width + (width == 0 ? 0 : gap);
  return width;
}

/// Names give what they have beyond their least width before a number goes.
void Layout::drop_what_does_not_fit(const Table& table, size_t sorted_column) {
  const auto given = [&] {
    size_t columns = 0;
    for (const Place& place : places_) columns += place.width - narrowest(table, place);
    return columns;
  };
  const auto first_name =
      std::find_if(table.columns.begin(), table.columns.end(), [](const Column& c) { return c.align == Align::left; });
  const auto kept = static_cast<size_t>(first_name - table.columns.begin());
  // The column that sorts goes last.
  const auto rank_of = [&](size_t column) {
    return column == sorted_column ? UINT_MAX : table.columns[column].importance;
  };
  while (whole_width() > width_ + given()) {
    auto least = places_.end();
    for (auto place = places_.begin(); place != places_.end(); ++place) {
      if (place->column == 0 || place->column == kept) continue;
      if (least == places_.end() || rank_of(place->column) < rank_of(least->column)) least = place;
    }
    if (least == places_.end()) break;
    places_.erase(least);
  }
}

/// The last names give first: the first one is what tells the rows apart.
void Layout::stretch_names(const Table& table) {
  const auto give = [&](Place& place, size_t least) {
    const size_t whole = whole_width();
    if (whole > width_ && place.width > least) place.width -= std::min(whole - width_, place.width - least);
  };
  for (auto place = places_.rbegin(); place != places_.rend(); ++place) give(*place, narrowest(table, *place));
  for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
    if (place->align == Align::left) give(*place, 1);
  }
  const auto first =
      std::find_if(places_.begin(), places_.end(), [](const Place& p) { return p.align == Align::left; });
  if (first != places_.end() && whole_width() < width_) first->width += width_ - whole_width();
}

std::string Layout::header_line(const Table& table) const {
  std::string line;
  for (const Place& place : places_) {
    if (!line.empty()) line.append(gap, ' ');
    line += fitted(table.columns[place.column].title, place.width, place.align);
  }
  return without_trailing_spaces(width_ == any_width ? line : shortened(line, width_));
}

std::string Layout::line(const Row& row) const {
  if (row.cells.empty()) return width_ == any_width ? row.fault : shortened(row.fault, width_);
  std::string line;
  for (const Place& place : places_) {
    if (!line.empty()) line.append(gap, ' ');
    line += fitted(row.cells[place.column].text, place.width, place.align);
  }
  return without_trailing_spaces(width_ == any_width ? line : shortened(line, width_));
}

}  // namespace bursar::tool
