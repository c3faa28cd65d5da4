// The report that a person reads in ten seconds, and the way to the other formats.
#include "interpose/account/render.h"

#include "interpose/account/render_json.h"
#include "interpose/account/render_numbers.h"
#include "interpose/account/render_output.h"
#include "interpose/account/render_text.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

// Columns of the upper part: a name, a number that ends here, and what there is to say about it.
constexpr size_t value_end = 31;
constexpr size_t remark_start = 35;

// Columns of the table: where each number ends.
constexpr size_t block_end = 11;
constexpr size_t allocations_end = 27;
constexpr size_t requested_end = 40;
constexpr size_t handed_out_end = 53;
constexpr size_t waste_end = 63;
constexpr size_t live_end = 78;

/// Classes that have a row of their own; a table that does not fit on a screen is not read.
constexpr size_t rows_max = 12;

/// A name and its number; a remark or the end of the line comes after it.
Output& add_value(Output& output, const char* name, const Cell& value) noexcept {
  output.add("  ").add(name);
  add_right(output, value_end, value);
  return output;
}

Output& remark(Output& output) noexcept { return output.add(' ').pad_to(remark_start); }

void add_program(Output& output, const char* program, uint32_t process_id) noexcept {
  add_printable(output.add("bursar: "), program);
  output.add(" (process ").add(uint64_t{process_id}).add(")\n");
}

const char* program_of(const Header& header, const ExitFacts& facts) noexcept {
  if (facts.program_arguments != nullptr) return facts.program_arguments;
  const bool named = header.program[0] != '\0' && header.program[program_bytes - 1] == '\0';
  return named ? header.program : "a program without a name";
}

const char* name_of_signal(int64_t number) noexcept {
  switch (number) {
    case 1: return "SIGHUP";
    case 2: return "SIGINT";
    case 3: return "SIGQUIT";
    case 4: return "SIGILL";
    case 5: return "SIGTRAP";
    case 6: return "SIGABRT";
    case 7: return "SIGBUS";
    case 8: return "SIGFPE";
    case 9: return "SIGKILL";
    case 11: return "SIGSEGV";
    case 13: return "SIGPIPE";
    case 14: return "SIGALRM";
    case 15: return "SIGTERM";
    case 24: return "SIGXCPU";
    case 25: return "SIGXFSZ";
    case 31: return "SIGSYS";
    default: return nullptr;
  }
}

const char* unfinished_line(Life life) noexcept {
  switch (life) {
    case Life::alive: return "  still running";
    case Life::gone: return "  gone before its end: killed, or by _exit";
    case Life::unknown: break;
  }
  return "  not at its end: still running, or killed";
}

void add_ending(Output& output, const ExitFacts& facts, Ending ending) noexcept {
  switch (ending) {
    case Ending::exited: add_value(output, "exit status", grouped(static_cast<uint64_t>(facts.exit_status))); break;
    case Ending::killed:
      add_value(output, "killed by signal", grouped(static_cast<uint64_t>(facts.term_signal)));
      if (const char* name = name_of_signal(facts.term_signal)) remark(output).add(name);
      break;
    case Ending::at_exit: return;
    case Ending::dropped: output.add("  the account ended early: there was no room for it"); break;
    case Ending::unfinished: output.add(unfinished_line(facts.life)); break;
  }
  output.add('\n');
}

void add_shortage(Output& output, const Header& header) noexcept {
  if (header.had_no_room.load(std::memory_order_relaxed) == 0) return;
  output.add("  there was no room for more of the ledger: some threads, kinds or tasks are counted together\n");
}

void add_times(Output& output, const ExitFacts& facts, uint64_t wall_ns) noexcept {
  if (wall_ns == 0) return;
  add_value(output, "wall time", duration_text(wall_ns));
  if ((facts.user_ns | facts.system_ns) != 0) {
    remark(output).add("user ").add(duration_text(facts.user_ns).c_str());
    output.add(", system ").add(duration_text(facts.system_ns).c_str());
  }
  output.add('\n');
}

void add_calls(Output& output, const Totals& totals) noexcept {
  output.add("  calls");
  const char* separator = " ";
  for (size_t call = 0; call < call_count; ++call) {
    if (totals.calls[call] == 0) continue;
    output.add(separator).pad_to(11).add(call_names[call]).add(' ').add(grouped(totals.calls[call]).c_str());
    separator = ", ";
  }
  output.add(*separator == ' ' ? " none\n" : "\n");
}

void add_blocks(Output& output, const Totals& totals) noexcept {
  add_value(output, "allocations", grouped(totals.allocations));
  if (totals.wall_ns != 0)
    remark(output).add(grouped(per_second(totals.allocations, totals.wall_ns)).c_str()).add(" /s");
  output.add('\n');
  add_value(output, "frees", grouped(totals.frees)).add('\n');
  add_value(output, "requested", bytes_text(totals.requested_bytes));
  if (totals.allocations != 0) {
    const uint64_t mean = totals.requested_bytes / totals.allocations;
    remark(output).add(bytes_text(mean).c_str()).add(" per allocation");
  }
  output.add('\n');
  const uint64_t waste = difference(totals.allocated_bytes, totals.requested_bytes);
  add_value(output, "handed out", bytes_text(totals.allocated_bytes));
  remark(output).add("internal waste ").add(percent_text(waste, totals.allocated_bytes).c_str()).add('\n');
}

void add_peak_rss(Output& output, uint64_t bytes, RssScope scope) noexcept {
  if (bytes == 0) return;
  add_value(output, "peak RSS", bytes_text(bytes));
  if (scope == RssScope::with_children) remark(output).add("the highest of it and its children");
  output.add('\n');
}

void add_page_faults(Output& output, uint64_t count) noexcept {
  if (count != 0) add_value(output, "page faults", grouped(count)).add('\n');
}

void add_budget(Output& output, const View& view, uint64_t refused) noexcept {
  const Header& header = *view.header;
  if (header.budget_bytes != 0) {
    add_value(output, "budget of a task", bytes_text(header.budget_bytes));
    if (header.task_source != TaskSource::process && !has_tasks(view)) {
      remark(output).add("nothing was held to it: no task was begun (see --tasks)\n");
      return;
    }
    remark(output).add(grouped(refused).c_str()).add(refused == 1 ? " allocation refused\n" : " allocations refused\n");
  } else if (refused != 0) {
    add_value(output, "refused", grouped(refused));
    remark(output).add("allocations over their tasks' budgets\n");
  }
}

void add_memory(Output& output, const Totals& totals) noexcept {
  add_value(output, "peak live heap", bytes_text(totals.peak_live_bytes));
  if (totals.peak_live_ns != 0) remark(output).add("after ").add(duration_text(totals.peak_live_ns).c_str());
  output.add('\n');
  add_peak_rss(output, totals.peak_rss_bytes, totals.rss_scope);
  add_value(output, totals.ending == Ending::unfinished ? "live" : "live at exit", bytes_text(totals.live_bytes));
  remark(output).add(grouped(totals.live_blocks).c_str()).add(totals.live_blocks == 1 ? " block\n" : " blocks\n");
  add_page_faults(output, totals.page_faults);
  add_value(output, "threads", grouped(totals.threads)).add('\n');
}

void add_hits(Output& output, const char* name, uint64_t hits, uint64_t misses) noexcept {
  if ((hits | misses) == 0) return;
  add_value(output, name, grouped(hits));
  const uint64_t all = hits + misses;  // no figure is beyond 2^63
  remark(output).add(percent_text(hits, all).c_str()).add(" of ").add(grouped(all).c_str()).add('\n');
}

void add_runtime(Output& output, const RuntimeTotals& totals) noexcept {
  using Figure = RuntimeFigure;
  const auto add = [&](const char* name, Figure count, const char* before_bytes, Figure bytes) {
    if ((totals.of(count) | totals.of(bytes)) == 0) return;
    add_value(output, name, grouped(totals.of(count)));
    remark(output).add(before_bytes).add(bytes_text(totals.of(bytes)).c_str()).add('\n');
  };
  add("interned strings", Figure::interned_strings, "saved ", Figure::interner_saved_bytes);
  add("arena allocations", Figure::arena_allocations, "", Figure::arena_bytes);
  add_hits(output, "pool hits", totals.of(Figure::pool_hits), totals.of(Figure::pool_misses));
  add_hits(output, "cache hits", totals.of(Figure::cache_hits), totals.of(Figure::cache_misses));
}

void add_row(Output& output, const ClassTotals& row) noexcept {
  add_right(output, allocations_end, grouped(row.allocations));
  add_right(output, requested_end, bytes_text(row.requested_bytes));
  add_right(output, handed_out_end, bytes_text(row.allocated_bytes));
  const uint64_t waste = difference(row.allocated_bytes, row.requested_bytes);
  add_right(output, waste_end, percent_text(waste, row.allocated_bytes));
  add_right(output, live_end, grouped(row.live_blocks));
  output.add('\n');
}

void add_table_head(Output& output) noexcept {
  output.add('\n');
  add_right(output, block_end, Cell().add("block"));
  add_right(output, allocations_end, Cell().add("allocations"));
  add_right(output, requested_end, Cell().add("requested"));
  add_right(output, handed_out_end, Cell().add("handed out"));
  add_right(output, waste_end, Cell().add("waste"));
  add_right(output, live_end, Cell().add("live blocks"));
  output.add('\n');
}

/// The class with most bytes that no row shows yet, smallest first among equals; class_count where none is left.
size_t next_class(const uint64_t* allocated_bytes, const bool* shown, size_t class_count) noexcept {
  size_t best = class_count;
  for (size_t i = 0; i < class_count; ++i) {
    if (!shown[i] && (best == class_count || allocated_bytes[i] > allocated_bytes[best])) best = i;
  }
  return best;
}

void add_to(ClassTotals& sum, const ClassTotals& row) noexcept {
  sum.allocations += row.allocations;
  sum.requested_bytes += row.requested_bytes;
  sum.allocated_bytes += row.allocated_bytes;
  sum.live_blocks += row.live_blocks;
}

/// Classes in use, those with most bytes first. Its arrays are not on the stack while the tables of tasks are made.
[[gnu::noinline]] void add_table(Output& output, const View& view, const Totals& totals) noexcept {
  uint64_t allocated_bytes[size_class_capacity];
  bool shown[size_class_capacity];
  size_t used_count = 0;
  for (size_t i = 0; i < totals.class_count; ++i) {
    const ClassTotals row = class_totals_of(view, totals, i);
    allocated_bytes[i] = row.allocated_bytes;
    shown[i] = (row.allocations | row.live_blocks) == 0;
    used_count += shown[i] ? 0U : 1U;
  }
  if (used_count == 0) return;

  add_table_head(output);
  ClassTotals others{};
  // A single class left over has a row rather than "1 other".
  const size_t rows = used_count <= rows_max + 1 ? used_count : rows_max;
  for (size_t i = 0; i < used_count; ++i) {
    const size_t size_class = next_class(allocated_bytes, shown, totals.class_count);
    shown[size_class] = true;
    const ClassTotals row = class_totals_of(view, totals, size_class);
    if (i >= rows) {
      add_to(others, row);
      continue;
    }
    add_right(output, block_end, size_class == 0 ? Cell().add("large") : grouped(row.block_bytes).add(" B"));
    add_row(output, row);
  }
  if (used_count > rows) {
    add_right(output, block_end, grouped(used_count - rows).add(" others"));
    add_row(output, others);
  }
  add_right(output, block_end, Cell().add("total"));
  add_row(output, ClassTotals{.block_bytes = 0,
                              .allocations = totals.allocations,
                              .frees = totals.frees,
                              .requested_bytes = totals.requested_bytes,
                              .allocated_bytes = totals.allocated_bytes,
                              .live_blocks = totals.live_blocks});
}

}  // namespace

void render_text(const View& view, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(view, facts);
  const Header& header = *view.header;
  add_program(output, program_of(header, facts), header.process_id);
  add_ending(output, facts, totals.ending);
  add_times(output, facts, totals.wall_ns);
  add_blocks(output, totals);
  add_memory(output, totals);
  add_calls(output, totals);
  add_runtime(output, totals.runtime);
  add_budget(output, view, totals.refused_allocations);
  add_shortage(output, header);
  add_table(output, view, totals);
  render_threads(view, totals.ending, facts.life, output);
  render_tasks(view, totals.ending, facts.life, output);
}

void render_report(const View& view, const ExitFacts& facts, Format format, const Sink& sink) noexcept {
  Output output(sink);
  switch (format) {
    case Format::text: return render_text(view, facts, output);
    case Format::json: return render_json(view, facts, output);
    case Format::openmetrics: return render_openmetrics(view, facts, output);
  }
}

void render_tasks_alone(const View& view, Format format, const Sink& sink) noexcept {
  Output output(sink);
  if (format == Format::json) return render_json_tasks_alone(view, output);
  render_tasks(view, Ending::at_exit, Life::unknown, output);
}

void render_runtime_alone(const RuntimeTotals& totals, const Sink& sink) noexcept {
  Output output(sink);
  add_runtime(output, totals);
}

void render_process(uint32_t process_id, const ExitFacts& facts, const Sink& sink) noexcept {
  Output output(sink);
  add_program(output, facts.program_arguments, process_id);
  add_ending(output, facts, facts.term_signal > 0 ? Ending::killed : Ending::exited);
  add_times(output, facts, facts.wall_ns);
  add_peak_rss(output, facts.peak_rss_bytes, facts.rss_scope);
  add_page_faults(output, facts.page_faults);
}

}  // namespace bursar::ledger
