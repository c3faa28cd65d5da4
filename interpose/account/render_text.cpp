// Names in columns, and the table of threads.
#include "interpose/account/render_text.h"

#include "interpose/account/render_thread_totals.h"

namespace bursar::ledger {
namespace {

constexpr size_t thread_rows_max = 8;

constexpr size_t name_width = 20;
constexpr size_t number_end = 30;
constexpr size_t alive_end = 37;
constexpr size_t allocations_end = 53;
constexpr size_t frees_end = 69;
constexpr size_t handed_out_end = 84;
constexpr size_t taken_back_end = 99;
static_assert(taken_back_end < line_width);

size_t columns_of(Name name) noexcept {
  size_t columns = 0;
  for (const char* at = name.c_str(); *at != '\0';) {
    const Shown shown = first_shown(at);
    columns += shown.columns;
    at += shown.length;
  }
  return columns;
}

/// The threads with most allocations, by name.
struct Rows {
  size_t count = 0;
  size_t names = 0;
  ThreadTotals rows[thread_rows_max];

  void add(const ThreadTotals& thread) noexcept {
    ++names;
    size_t at = count;
    while (at > 0 && rows[at - 1].flow.allocations < thread.flow.allocations) --at;
    if (at == thread_rows_max) return;
    if (count < thread_rows_max) ++count;
    for (size_t i = count - 1; i > at; --i) rows[i] = rows[i - 1];
    rows[at] = thread;
  }
};

enum class Alive : unsigned char { shown, left_out };

void add_row(Output& output, const ThreadTotals& thread, Alive alive) noexcept {
  add_cut(output.add("  "), thread.name, name_width);
  add_right(output, number_end, grouped(thread.threads));
  if (alive == Alive::shown) add_right(output, alive_end, grouped(thread.alive));
  add_right(output, allocations_end, grouped(thread.flow.allocations));
  add_right(output, frees_end, grouped(thread.flow.frees));
  add_right(output, handed_out_end, bytes_text(thread.flow.allocated_bytes));
  add_right(output, taken_back_end, bytes_text(thread.flow.freed_bytes));
  output.add('\n');
}

void add_head(Output& output, Alive alive) noexcept {
  output.add("\n  threads");
  add_right(output, number_end, cell_of("number"));
  if (alive == Alive::shown) add_right(output, alive_end, cell_of("alive"));
  add_right(output, allocations_end, cell_of("allocations"));
  add_right(output, frees_end, cell_of("frees"));
  add_right(output, handed_out_end, cell_of("handed out"));
  add_right(output, taken_back_end, cell_of("taken back"));
  output.add('\n');
}

}  // namespace

size_t cut_width(const Name& name, size_t width) noexcept {
  const size_t columns = columns_of(name);
  return columns < width ? columns : width;
}

void add_cut(Output& output, Name name, size_t width) noexcept {
  if (columns_of(name) <= width) return add_printable(output, name.c_str());
  size_t columns = 0;
  for (const char* at = name.c_str();;) {
    const Shown shown = first_shown(at);
    columns += shown.columns;
    if (columns > width - 3) break;
    add_shown(output, at, shown);
    at += shown.length;
  }
  output.add("...");
}

void render_threads(const View& view, Ending ending, Life life, Output& output) noexcept {
  Rows rows;
  ThreadReader reader(view);
  ThreadTotals thread{};
  while (reader.next(thread)) rows.add(thread);
  if (rows.names < 2) return;
  const Alive alive = is_over(ending, life) ? Alive::left_out : Alive::shown;
  add_head(output, alive);
  for (size_t i = 0; i < rows.count; ++i) add_row(output, rows.rows[i], alive);
  if (rows.names > rows.count) output.add("  and ").add(uint64_t{rows.names - rows.count}).add(" more names\n");
}

}  // namespace bursar::ledger
