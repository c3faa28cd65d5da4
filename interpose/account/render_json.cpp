// The report for programs: exact integers under keys that stay.
#include "interpose/account/render_output.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

/// The keys of one object, a line each, with the commas between them.
class Members {
 public:
  explicit Members(Output& output) noexcept : output_(output) { output_.add('{'); }

  Output& key(const char* name) noexcept {
    output_.add(first_ ? "\n  " : ",\n  ");
    first_ = false;
    return output_.add('"').add(name).add("\": ");
  }

  void number(const char* name, uint64_t value) noexcept { key(name).add(value); }

  /// null for what is not known.
  void number_or_null(const char* name, uint64_t value, bool known) noexcept {
    if (known) return number(name, value);
    key(name).add("null");
  }

  void end() noexcept { output_.add("\n}\n"); }

 private:
  Output& output_;
  bool first_ = true;
};

void add_escaped(Output& output, unsigned char character) noexcept {
  constexpr const char* hexadecimal = "0123456789abcdef";
  output.add("\\u00").add(hexadecimal[character >> 4]).add(hexadecimal[character & 15]);
}

/// Bytes that are no UTF-8, which JSON cannot say, become U+FFFD.
void add_string(Output& output, const char* string) noexcept {
  output.add('"');
  while (*string != '\0') {
    const size_t length = utf8_length(string);
    const auto first = static_cast<unsigned char>(*string);
    if (length == 0) {
      output.add("\xef\xbf\xbd");
    } else if (first < 0x20 || first == 0x7f) {
      add_escaped(output, first);
    } else {
      if (first == '"' || first == '\\') output.add('\\');
      for (size_t i = 0; i < length; ++i) output.add(string[i]);
    }
    string += length == 0 ? 1 : length;
  }
  output.add('"');
}

void add_string_or_null(Output& output, const char* string) noexcept {
  if (string == nullptr) {
    output.add("null");
  } else {
    add_string(output, string);
  }
}

void add_process(Members& members, const Header& header, const ExitFacts& facts, const Totals& totals) noexcept {
  members.number("ledger_version", header.version);
  const bool named = header.program[0] != '\0' && header.program[program_bytes - 1] == '\0';
  add_string_or_null(members.key("program"), named ? header.program : nullptr);
  add_string_or_null(members.key("arguments"), facts.program_arguments);
  members.number("process_id", header.process_id);
  members.number("parent_process_id", header.parent_process_id);
  members.key("ending").add('"').add(name_of(totals.ending)).add('"');
  members.number_or_null("exit_status", static_cast<uint64_t>(facts.exit_status), totals.ending == Ending::exited);
  members.number_or_null("term_signal", static_cast<uint64_t>(facts.term_signal), totals.ending == Ending::killed);
  members.number_or_null("wall_ns", totals.wall_ns, totals.wall_ns != 0);
  const bool times_known = (facts.user_ns | facts.system_ns) != 0;
  members.number_or_null("user_ns", facts.user_ns, times_known);
  members.number_or_null("system_ns", facts.system_ns, times_known);
  members.number_or_null("peak_rss_bytes", totals.peak_rss_bytes, totals.peak_rss_bytes != 0);
  const bool whole_tree = totals.rss_scope == RssScope::with_children;
  add_string(members.key("peak_rss_scope"), whole_tree ? "with_children" : "process");
  members.number_or_null("page_faults", totals.page_faults, totals.page_faults != 0);
}

void add_heap(Members& members, const Totals& totals) noexcept {
  members.number("threads", totals.threads);
  members.number("allocations", totals.allocations);
  members.number("frees", totals.frees);
  members.number("requested_bytes", totals.requested_bytes);
  members.number("allocated_bytes", totals.allocated_bytes);
  members.number("freed_bytes", totals.freed_bytes);
  members.number("live_blocks", totals.live_blocks);
  members.number("live_bytes", totals.live_bytes);
  members.number("peak_live_bytes", totals.peak_live_bytes);
  members.number("peak_live_ns", totals.peak_live_ns);
}

void add_calls(Output& output, const Totals& totals) noexcept {
  const char* separator = "{";
  for (size_t call = 0; call < call_count; ++call) {
    output.add(separator).add('"').add(call_names[call]).add("\": ").add(totals.calls[call]);
    separator = ", ";
  }
  output.add('}');
}

void add_size_class(Output& output, const ClassTotals& row) noexcept {
  output.add("{\"block_bytes\": ").add(row.block_bytes);
  output.add(", \"allocations\": ").add(row.allocations);
  output.add(", \"frees\": ").add(row.frees);
  output.add(", \"requested_bytes\": ").add(row.requested_bytes);
  output.add(", \"allocated_bytes\": ").add(row.allocated_bytes);
  output.add(", \"live_blocks\": ").add(row.live_blocks).add('}');
}

void add_size_classes(Output& output, const Header& header, const Slot* slots, const Totals& totals) noexcept {
  output.add('[');
  const char* separator = "\n    ";
  for (size_t i = 0; i < totals.class_count; ++i) {
    const ClassTotals row = class_totals_of(header, slots, totals, i);
    if ((row.allocations | row.frees) == 0) continue;
    add_size_class(output.add(separator), row);
    separator = ",\n    ";
  }
  output.add(*separator == ',' ? "\n  ]" : "]");
}

}  // namespace

void render_json(const Header& header, const Slot* slots, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(header, slots, facts);
  Members members(output);
  add_process(members, header, facts, totals);
  add_heap(members, totals);
  add_calls(members.key("calls"), totals);
  add_size_classes(members.key("size_classes"), header, slots, totals);
  members.end();
}

}  // namespace bursar::ledger
