// Tables of `bursar top`: rows of cells that can be sorted, filtered and laid out in lines of a width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bursar/columns.h"

namespace bursar::tool {

/// `key` sorts by the column; it is a capital, and no other column of the table has it. `importance` tells which column goes
/// first where the width does not do: the one with the least.
struct Column {
  const char* title;
  char key;
  Align align;
  size_t columns_min;
  unsigned importance;
};

struct Cell {
  std::string text;  // displayable
  double value = 0;  // what a right-aligned column sorts by
};

/// A row with a fault has no cells: the fault takes the whole line.
struct Row {
  std::string id;    // tells the row from others while the table changes
  std::string name;  // what a filter looks at
  std::vector<Cell> cells;
  std::string fault;
  bool is_over = false;  // its process or task has ended
};

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;
};

/// Numbers begin with the highest, names with the first; reversed the other way round.
struct Order {
  size_t column = 0;
  bool is_reversed = false;
};

/// Rows with a fault stay behind the others.
void sort_rows(Table& table, Order order);

/// Keeps the rows whose name has this in it; capitals of ASCII are taken for their small letters.
void keep_matching(Table& table, std::string_view part);

/// The column of this key.
[[nodiscard]] std::optional<size_t> column_of_key(const Table& table, char key);

/// 0 where no row has the id.
[[nodiscard]] size_t row_of_id(const Table& table, const std::string& id);

inline constexpr size_t any_width = 0;  // as wide as need be

/// Which columns fit into a width, and how wide each is.
class Layout {
 public:
  /// The first column stays, and the first left-aligned one, which takes what is left, or gives; the one that sorts goes last.
  Layout(const Table& table, size_t sorted_column, size_t width);

  [[nodiscard]] std::string header_line(const Table& table) const;
  [[nodiscard]] std::string line(const Row& row) const;

  struct Place {
    size_t column;
    size_t start;
    size_t width;
    Align align;
  };
  [[nodiscard]] const std::vector<Place>& places() const noexcept { return places_; }

 private:
  void drop_what_does_not_fit(const Table& table, size_t sorted_column);
  void stretch_names(const Table& table);
  [[nodiscard]] static size_t narrowest(const Table& table, const Place& place);
  [[nodiscard]] size_t whole_width() const;

  size_t width_;
  std::vector<Place> places_;
};

}  // namespace bursar::tool
