// Parts of the report that a person reads, and what they are set with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/render_numbers.h"
#include "interpose/account/render_output.h"
#include "interpose/account/render_task_totals.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {

/// No line is longer, names of any length included.
inline constexpr size_t line_width = 100;

/// The cell ends at the column; at least one space stands before it.
inline void add_right(Output& output, size_t end, Cell cell) noexcept {
  output.add(' ').pad_to(end > cell.length() ? end - cell.length() : 0).add(cell.c_str());
}

inline Cell cell_of(const char* text) noexcept { return Cell().add(text); }

/// At most so many columns of it, the last three of which say so where some are missing.
void add_cut(Output& output, Name name, size_t width) noexcept;

/// How many columns that takes.
[[nodiscard]] size_t cut_width(const Name& name, size_t width) noexcept;

/// The numbers with the highest values, the highest first; among equals those that came first.
template <size_t capacity>
class Highest {
 public:
  /// An id that is there already keeps its higher value.
  void add(uint64_t value, uint32_t id) noexcept {
    for (size_t i = 0; i < count_; ++i) {
      if (ids_[i] != id) continue;
      if (values_[i] >= value) return;
      remove(i);
      break;
    }
    size_t at = count_;
    while (at > 0 && values_[at - 1] < value) --at;
    if (at == capacity) return;
    if (count_ < capacity) ++count_;
    for (size_t i = count_ - 1; i > at; --i) {
      values_[i] = values_[i - 1];
      ids_[i] = ids_[i - 1];
    }
    values_[at] = value;
    ids_[at] = id;
  }

  [[nodiscard]] size_t count() const noexcept { return count_; }
  [[nodiscard]] uint32_t id(size_t index) const noexcept { return ids_[index]; }

 private:
  void remove(size_t index) noexcept {
    for (size_t i = index; i + 1 < count_; ++i) {
      values_[i] = values_[i + 1];
      ids_[i] = ids_[i + 1];
    }
    --count_;
  }

  size_t count_ = 0;
  uint64_t values_[capacity];
  uint32_t ids_[capacity];
};

/// Kinds, the worst tasks and those that have not ended; nothing where tasks were not used.
void render_tasks(const View& view, Ending ending, Life life, Output& output) noexcept;

/// Threads by name; nothing where all have one.
void render_threads(const View& view, Ending ending, Life life, Output& output) noexcept;

}  // namespace bursar::ledger
