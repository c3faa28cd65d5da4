// The report as OpenMetrics text, for collectors that read it from a file.
#include "interpose/account/render_output.h"
#include "interpose/account/render_text.h"
#include "interpose/account/render_thread_totals.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {
namespace {

enum class Kind : unsigned char { counter, gauge, histogram };

const char* name_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::gauge: return "gauge";
    case Kind::histogram: break;
  }
  return "histogram";
}

/// Says what follows: its type, its unit (null: none) and its meaning.
void add_family(Output& output, const char* name, Kind kind, const char* unit, const char* help) noexcept {
  output.add("# TYPE bursar_").add(name).add(' ').add(name_of(kind)).add('\n');
  if (unit != nullptr) output.add("# UNIT bursar_").add(name).add(' ').add(unit).add('\n');
  output.add("# HELP bursar_").add(name).add(' ').add(help).add('\n');
}

/// How many of the first characters are told as they are.
size_t plain_length(const char* string) noexcept {
  size_t length = 0;
  while (string[length] >= ' ' && string[length] <= '~' && string[length] != '"' && string[length] != '\\') ++length;
  return length;
}

void add_label_value(Output& output, const char* string) noexcept {
  while (*string != '\0') {
    if (const size_t plain = plain_length(string); plain != 0) {
      output.append(string, plain);
      string += plain;
      continue;
    }
    const size_t length = utf8_length(string);
    if (length == 0) {
      output.add("\xef\xbf\xbd");
    } else if (!first_shown(string).is_as_given) {
      output.add('?');
    } else {
      if (*string == '"' || *string == '\\') output.add('\\');
      for (size_t i = 0; i < length; ++i) output.add(string[i]);
    }
    string += length == 0 ? 1 : length;
  }
}

/// The sample's name and the labels that all have; more labels may follow before the closing brace.
Output& open_sample(Output& output, const Header& header, const char* name, const char* suffix) noexcept {
  output.add("bursar_").add(name).add(suffix).add("{program=\"");
  if (header.program[program_bytes - 1] == '\0') add_label_value(output, header.program);
  return output.add("\",process=\"").add(uint64_t{header.process_id}).add('"');
}

Output& open_sample(Output& output, const Header& header, const char* name, Kind kind) noexcept {
  return open_sample(output, header, name, kind == Kind::counter ? "_total" : "");
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
  add({"refused_allocations", Kind::counter, nullptr, "Allocations that a budget did not allow."},
      totals.refused_allocations);
  if (totals.page_faults != 0) add({"page_faults", Kind::counter, nullptr, "Page faults."}, totals.page_faults);
}

void add_runtime(Output& output, const Header& header, const RuntimeTotals& totals) noexcept {
  if (totals.are_all_zero()) return;
  for (size_t i = 0; i < runtime_figure_count; ++i) {
    const RuntimeFigureName& figure = runtime_figure_names[i];
    add_single(output, header, {figure.name, Kind::counter, figure.unit, figure.help}, totals.at(i));
  }
}

void add_size_classes(Output& output, const View& view, const Totals& totals) noexcept {
  const auto add = [&](const Family& family, uint64_t ClassTotals::*member) {
    add_family(output, family.name, family.kind, family.unit, family.help);
    for (size_t i = 0; i < totals.class_count; ++i) {
      const ClassTotals row = class_totals_of(view, totals, i);
      if ((row.allocations | row.frees) == 0) continue;
      open_sample(output, *view.header, family.name, family.kind).add(",block_bytes=\"").add(row.block_bytes);
      output.add("\"} ").add(row.*member).add('\n');
    }
  };
  add({"class_allocations", Kind::counter, nullptr, "Blocks handed out by size class; 0 stands for large ones."},
      &ClassTotals::allocations);
  add({"class_frees", Kind::counter, nullptr, "Blocks taken back by size class."}, &ClassTotals::frees);
  add({"class_requested_bytes", Kind::counter, "bytes", "Bytes asked for by size class."},
      &ClassTotals::requested_bytes);
}

void add_threads(Output& output, const View& view) noexcept {
  const auto add = [&](const Family& family, uint64_t FlowTotals::*member) {
    add_family(output, family.name, family.kind, family.unit, family.help);
    ThreadReader reader(view);
    ThreadTotals thread{};
    while (reader.next(thread)) {
      open_sample(output, *view.header, family.name, family.kind).add(",thread=\"");
      add_label_value(output, thread.name.c_str());
      output.add("\"} ").add(thread.flow.*member).add('\n');
    }
  };
  add({"thread_allocations", Kind::counter, nullptr, "Blocks handed out by name of thread."}, &FlowTotals::allocations);
  add({"thread_frees", Kind::counter, nullptr, "Blocks taken back by name of thread, whoever allocated them."},
      &FlowTotals::frees);
  add({"thread_allocated_bytes", Kind::counter, "bytes", "Bytes handed out by name of thread."},
      &FlowTotals::allocated_bytes);
  add({"thread_freed_bytes", Kind::counter, "bytes", "Bytes taken back by name of thread."}, &FlowTotals::freed_bytes);
}

Output& open_kind_sample(Output& output, const View& view, size_t kind, const char* name, const char* suffix) noexcept {
  open_sample(output, *view.header, name, suffix).add(",kind=\"");
  add_label_value(output, shown_kind(view, kind).c_str());
  return output.add('"');
}

/// Bounds are one less than powers of two: a bucket of a distribution begins at each.
struct Powers {
  uint32_t first;
  uint32_t last;
};

void add_histogram(Output& output, const View& view, size_t kind, const char* name, const Distribution& distribution,
                   Powers powers) noexcept {
  uint64_t count = 0;
  uint32_t bucket = 0;
  const auto add_up_to = [&](uint32_t end) {
    for (; bucket < end; ++bucket) count += distribution.buckets[bucket].load(std::memory_order_relaxed);
  };
  for (uint32_t power = powers.first; power <= powers.last; ++power) {
    add_up_to(Distribution::bucket_of(uint64_t{1} << power));
    open_kind_sample(output, view, kind, name, "_bucket").add(",le=\"").add((uint64_t{1} << power) - 1);
    output.add(".0\"} ").add(count).add('\n');
  }
  add_up_to(Distribution::bucket_count);
  open_kind_sample(output, view, kind, name, "_bucket").add(",le=\"+Inf\"} ").add(count).add('\n');
  open_kind_sample(output, view, kind, name, "_count").add("} ").add(count).add('\n');
  open_kind_sample(output, view, kind, name, "_sum").add("} ").add(read(distribution.total)).add('\n');
}

void add_histograms(Output& output, const View& view, const Family& family, Distribution TaskKind::*member,
                    Powers powers) noexcept {
  add_family(output, family.name, family.kind, family.unit, family.help);
  for (size_t kind = 0; kind < view.kind_count; ++kind) {
    if (is_kind(view, kind)) add_histogram(output, view, kind, family.name, view.kinds[kind].*member, powers);
  }
}

enum class Kinds : unsigned char { all, of_tasks };

template <typename ValueOf>
void add_kind_family(Output& output, const View& view, const Family& family, Kinds kinds, ValueOf value_of) noexcept {
  add_family(output, family.name, family.kind, family.unit, family.help);
  KindReader reader(view);
  for (size_t kind = 0; kind < view.kind_count; ++kind) {
    if (!is_kind(view, kind) || (kinds == Kinds::of_tasks && !is_of_tasks(view, kind))) continue;
    open_kind_sample(output, view, kind, family.name, family.kind == Kind::counter ? "_total" : "");
    output.add("} ").add(value_of(reader.totals_of(kind))).add('\n');
  }
}

/// Kinds alone: single tasks would make a collector keep a series for each.
void add_kinds(Output& output, const View& view) noexcept {
  if (!has_tasks(view)) return;
  using T = KindTotals;
  const auto add = [&](const Family& family, auto value_of) {
    add_kind_family(output, view, family, Kinds::all, value_of);
  };
  add({"tasks_begun", Kind::counter, nullptr, "Tasks begun by kind."}, [](const T& t) { return t.tasks_begun; });
  add({"tasks_ended", Kind::counter, nullptr, "Tasks ended by kind."}, [](const T& t) { return t.tasks_ended; });
  add({"tasks_running", Kind::gauge, nullptr, "Tasks that run by kind."}, [](const T& t) { return t.tasks_running; });
  add({"task_allocations", Kind::counter, nullptr, "Blocks handed out by kind of task."},
      [](const T& t) { return t.flow.allocations; });
  add({"task_frees", Kind::counter, nullptr, "Blocks of a kind of task taken back, whoever freed them."},
      [](const T& t) { return t.flow.frees; });
  add({"task_allocated_bytes", Kind::counter, "bytes", "Bytes handed out by kind of task."},
      [](const T& t) { return t.flow.allocated_bytes; });
  add({"task_freed_bytes", Kind::counter, "bytes", "Bytes of a kind of task taken back."},
      [](const T& t) { return t.flow.freed_bytes; });
  add({"task_live_bytes", Kind::gauge, "bytes", "Bytes of a kind of task not taken back."},
      [](const T& t) { return t.live_bytes; });
  add_kind_family(output, view, {"task_retained_bytes", Kind::gauge, "bytes", "Bytes live of tasks that have ended."},
                  Kinds::of_tasks, [](const T& t) { return t.retained_bytes; });
  add({"task_refused_allocations", Kind::counter, nullptr, "Allocations that a budget did not allow, by kind of task."},
      [](const T& t) { return t.refused_allocations; });
  add_histograms(output, view,
                 {"allocations_per_task", Kind::histogram, nullptr, "Blocks that ended tasks were handed out."},
                 &TaskKind::allocations_per_task, {.first = 0, .last = 20});
  add_histograms(output, view,
                 {"peak_per_task_bytes", Kind::histogram, "bytes", "Most bytes live at once of ended tasks."},
                 &TaskKind::peak_live_bytes_per_task, {.first = 10, .last = 30});
}

}  // namespace

void render_openmetrics(const View& view, const ExitFacts& facts, Output& output) noexcept {
  const Totals totals = totals_of(view, facts);
  const Header& header = *view.header;
  add_calls(output, header, totals);
  add_heap(output, header, totals);
  add_runtime(output, header, totals.runtime);
  add_size_classes(output, view, totals);
  add_threads(output, view);
  add_kinds(output, view);
  output.add("# EOF\n");
}

}  // namespace bursar::ledger
