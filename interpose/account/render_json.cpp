// The report for programs: exact integers under keys that stay.
#include "interpose/account/render_json.h"

#include "interpose/account/render_output.h"
#include "interpose/account/render_thread_totals.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

void add_escaped(Output& output, unsigned char character) noexcept {
  constexpr const char* hexadecimal = "0123456789abcdef";
  output.add("\\u00").add(hexadecimal[character >> 4]).add(hexadecimal[character & 15]);
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
  members.key("had_no_room").add(header.had_no_room.load(std::memory_order_relaxed) != 0 ? "true" : "false");
}

const char* name_of(TaskSource source) noexcept {
  const auto index = static_cast<size_t>(source);
  return task_source_names[index < task_source_count ? index : 0];
}

void add_account(Members& members, const Header& header, const ExitFacts& facts, const Totals& totals) noexcept {
  members.key("is_alive").add(facts.life == Life::unknown ? "null" : facts.life == Life::alive ? "true" : "false");
  add_string(members.key("task_source"), name_of(header.task_source));
  members.number_or_null("budget_bytes", header.budget_bytes, header.budget_bytes != 0);
  members.number("refused_allocations", totals.refused_allocations);
  members.number("inherited_bytes", header.inherited_bytes);
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
  members.number_or_null("peak_live_ns", totals.peak_live_ns, totals.peak_live_ns != 0);
}

void add_calls(Output& output, const Totals& totals) noexcept {
  Members members(output);
  for (size_t call = 0; call < call_count; ++call) members.number(call_names[call], totals.calls[call]);
  members.end();
}

void add_runtime(Output& output, const RuntimeTotals& totals) noexcept {
  Members members(output);
  for (size_t i = 0; i < runtime_figure_count; ++i) members.number(runtime_figure_names[i].name, totals.at(i));
  members.end();
}

void add_size_classes(Output& output, const View& view, const Totals& totals) noexcept {
  Elements rows(output);
  for (size_t i = 0; i < totals.class_count; ++i) {
    const ClassTotals row = class_totals_of(view, totals, i);
    if ((row.allocations | row.frees) == 0) continue;
    Members members(rows.next());
    members.number("block_bytes", row.block_bytes);
    members.number("allocations", row.allocations);
    members.number("frees", row.frees);
    members.number("requested_bytes", row.requested_bytes);
    members.number("allocated_bytes", row.allocated_bytes);
    members.number("live_blocks", row.live_blocks);
    members.end();
  }
  rows.end();
}

}  // namespace

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

void render_json(const View& view, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(view, facts);
  Members members(output, Members::Lines::many);
  add_process(members, *view.header, facts, totals);
  add_account(members, *view.header, facts, totals);
  add_heap(members, totals);
  add_calls(members.key("calls"), totals);
  add_runtime(members.key("runtime"), totals.runtime);
  add_size_classes(members.key("size_classes"), view, totals);
  render_json_threads(members, view, is_over(totals.ending, facts.life));
  render_json_tasks(members, view);
  members.end();
}

}  // namespace bursar::ledger
