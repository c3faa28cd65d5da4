// The report as OpenMetrics text, for collectors that read it from a file.
#include "interpose/account/render_output.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

enum class Kind : unsigned char { counter, gauge };

/// Says what follows: its type, its unit (null: none) and its meaning.
void add_family(Output& output, const char* name, Kind kind, const char* unit, const char* help) noexcept {
  output.add("# TYPE bursar_").add(name).add(kind == Kind::counter ? " counter\n" : " gauge\n");
  if (unit != nullptr) output.add("# UNIT bursar_").add(name).add(' ').add(unit).add('\n');
  output.add("# HELP bursar_").add(name).add(' ').add(help).add('\n');
}

void add_label_value(Output& output, const char* string) noexcept {
  while (*string != '\0') {
    const size_t length = utf8_length(string);
    if (length == 0) {
      output.add("\xef\xbf\xbd");
    } else if (*string == '\n') {
      output.add("\\n");
    } else {
      if (*string == '"' || *string == '\\') output.add('\\');
      for (size_t i = 0; i < length; ++i) output.add(string[i]);
    }
    string += length == 0 ? 1 : length;
  }
}

/// The sample's name and the labels that all have; more labels may follow before the closing brace.
Output& open_sample(Output& output, const Header& header, const char* name, Kind kind) noexcept {
  output.add("bursar_").add(name).add(kind == Kind::counter ? "_total" : "").add("{program=\"");
  if (header.program[program_bytes - 1] == '\0') add_label_value(output, header.program);
  return output.add("\",process=\"").add(uint64_t{header.process_id}).add('"');
}

struct Family {
  const char* name;
  Kind kind;
  const char* unit;
  const char* help;
};

void add_single(Output& output, const Header& header, const Family& family, uint64_t value) noexcept {
  add_family(output, family.name, family.kind, family.unit, family.help);
  open_sample(output, header, family.name, family.kind).add("} ").add(value).add('\n');
}

void add_calls(Output& output, const Header& header, const Totals& totals) noexcept {
  add_family(output, "calls", Kind::counter, nullptr, "Calls of the program.");
  for (size_t call = 0; call < call_count; ++call) {
    open_sample(output, header, "calls", Kind::counter).add(",call=\"").add(call_names[call]);
    output.add("\"} ").add(totals.calls[call]).add('\n');
  }
}

void add_heap(Output& output, const Header& header, const Totals& totals) noexcept {
  const auto add = [&](const Family& family, uint64_t value) { add_single(output, header, family, value); };
  add({"allocations", Kind::counter, nullptr, "Blocks handed out."}, totals.allocations);
  add({"frees", Kind::counter, nullptr, "Blocks taken back."}, totals.frees);
  add({"requested_bytes", Kind::counter, "bytes", "Bytes asked for."}, totals.requested_bytes);
  add({"allocated_bytes", Kind::counter, "bytes", "Bytes handed out."}, totals.allocated_bytes);
  add({"freed_bytes", Kind::counter, "bytes", "Bytes taken back."}, totals.freed_bytes);
  add({"live_blocks", Kind::gauge, nullptr, "Blocks not taken back."}, totals.live_blocks);
  add({"live_bytes", Kind::gauge, "bytes", "Bytes not taken back."}, totals.live_bytes);
  add({"peak_live_bytes", Kind::gauge, "bytes", "Most bytes live at once."}, totals.peak_live_bytes);
  add({"threads", Kind::gauge, nullptr, "Threads that allocated."}, totals.threads);
  if (totals.peak_rss_bytes != 0) {
    add({"peak_rss_bytes", Kind::gauge, "bytes", "Most resident memory."}, totals.peak_rss_bytes);
  }
  if (totals.page_faults != 0) add({"page_faults", Kind::counter, nullptr, "Page faults."}, totals.page_faults);
}

void add_size_classes(Output& output, const Header& header, const Slot* slots, const Totals& totals) noexcept {
  const auto add = [&](const Family& family, uint64_t ClassTotals::*member) {
    add_family(output, family.name, family.kind, family.unit, family.help);
    for (size_t i = 0; i < totals.class_count; ++i) {
      const ClassTotals row = class_totals_of(header, slots, totals, i);
      if ((row.allocations | row.frees) == 0) continue;
      open_sample(output, header, family.name, family.kind).add(",block_bytes=\"").add(row.block_bytes);
      output.add("\"} ").add(row.*member).add('\n');
    }
  };
  add({"class_allocations", Kind::counter, nullptr, "Blocks handed out by size class; 0 stands for large ones."},
      &ClassTotals::allocations);
  add({"class_frees", Kind::counter, nullptr, "Blocks taken back by size class."}, &ClassTotals::frees);
  add({"class_requested_bytes", Kind::counter, "bytes", "Bytes asked for by size class."},
      &ClassTotals::requested_bytes);
}

}  // namespace

void render_openmetrics(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(header, slots, facts);
  add_calls(output, header, totals);
  add_heap(output, header, totals);
  add_size_classes(output, header, slots, totals);
  output.add("# EOF\n");
}

}  // namespace bursar::ledger
