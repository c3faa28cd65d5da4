// The report that a person reads in ten seconds, and the way to the other formats.
#include "interpose/account/render.h"

#include "interpose/account/render_numbers.h"
#include "interpose/account/render_output.h"
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

void add_right(Output& output, size_t end, Cell cell) noexcept {
  output.pad_to(end > cell.length() ? end - cell.length() : 0).add(cell.c_str());
}

/// A name and its number; a remark or the end of the line comes after it.
Output& add_value(Output& output, const char* name, const Cell& value) noexcept {
  output.add("  ").add(name).add(' ');
  add_right(output, value_end, value);
  return output;
}

Output& remark(Output& output) noexcept { return output.add(' ').pad_to(remark_start); }

/// A ledger or a program may name anything; nothing of it steers the terminal.
void add_printable(Output& output, const char* string) noexcept {
  while (*string != '\0') {
    const size_t length = utf8_length(string);
    const auto first = static_cast<unsigned char>(*string);
    const auto second = static_cast<unsigned char>(length > 1 ? string[1] : 0);
    const bool steers = length == 0 || first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
    if (steers) output.add('?');
    for (size_t i = 0; i < length && !steers; ++i) output.add(string[i]);
    string += length == 0 ? 1 : length;
  }
}

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

void add_ending(Output& output, const ExitFacts& facts, Ending ending) noexcept {
  switch (ending) {
    case Ending::exited: add_value(output, "exit status", grouped(static_cast<uint64_t>(facts.exit_status))); break;
    case Ending::killed:
      add_value(output, "killed by signal", grouped(static_cast<uint64_t>(facts.term_signal)));
      if (const char* name = name_of_signal(facts.term_signal)) remark(output).add(name);
      break;
    case Ending::at_exit: return;
    case Ending::unfinished: output.add("  not at its end: still running, or killed"); break;
  }
  output.add('\n');
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

void add_row(Output& output, const ClassTotals& row) noexcept {
  add_right(output, allocations_end, grouped(row.allocations));
  add_right(output.add(' '), requested_end, bytes_text(row.requested_bytes));
  add_right(output.add(' '), handed_out_end, bytes_text(row.allocated_bytes));
  const uint64_t waste = difference(row.allocated_bytes, row.requested_bytes);
  add_right(output.add(' '), waste_end, percent_text(waste, row.allocated_bytes));
  add_right(output.add(' '), live_end, grouped(row.live_blocks));
  output.add('\n');
}

void add_table_head(Output& output) noexcept {
  add_right(output.add('\n'), block_end, Cell().add("block"));
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

/// Classes in use, those with most bytes first.
void add_table(Output& output, const Header& header, const Slot* slots, const Totals& totals) noexcept {
  uint64_t allocated_bytes[size_class_capacity];
  bool shown[size_class_capacity];
  size_t used_count = 0;
  for (size_t i = 0; i < totals.class_count; ++i) {
    const ClassTotals row = class_totals_of(header, slots, totals, i);
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
    const ClassTotals row = class_totals_of(header, slots, totals, size_class);
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

void render_text(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(header, slots, facts);
  add_program(output, program_of(header, facts), header.process_id);
  add_ending(output, facts, totals.ending);
  add_times(output, facts, totals.wall_ns);
  add_blocks(output, totals);
  add_memory(output, totals);
  add_calls(output, totals);
  add_table(output, header, slots, totals);
}

void render_report(const Header& header, const Slot* slots, const ExitFacts& facts, Format format,
                   const Sink& sink) noexcept {
  Output output(sink);
  switch (format) {
    case Format::text: return render_text(header, slots, facts, output);
    case Format::json: return render_json(header, slots, facts, output);
    case Format::openmetrics: return render_openmetrics(header, slots, facts, output);
  }
}

void render_process(uint32_t process_id, const ExitFacts& facts, const Sink& sink) noexcept {
  Output output(sink);
  add_program(output, facts.program_arguments, process_id);
  add_ending(output, facts, facts.term_signal > 0 ? Ending::killed : Ending::exited);
  add_times(output, facts, facts.wall_ns);
  add_peak_rss(output, facts.peak_rss_bytes, facts.rss_scope);
  add_page_faults(output, facts.page_faults);
}

size_t utf8_length(const char* string) noexcept {
  const auto at = [string](size_t i) { return static_cast<unsigned char>(string[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4) return 0;
  // A continuation byte is never 0, so this does not pass the end.
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool surrogate = first == 0xed && at(1) >= 0xa0;
  const bool beyond = first == 0xf4 && at(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace bursar::ledger
