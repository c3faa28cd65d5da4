// Pairing by name, sorting, judging.
#include "tools/bursar/diff_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "tools/bursar/columns.h"

namespace bursar::tool {
namespace {

uint64_t distance(const Figure& figure) { return figure.a < figure.b ? figure.b - figure.a : figure.a - figure.b; }

const Figure* figure_of(const std::vector<Figure>& figures, std::string_view key) {
  const auto found = std::find_if(figures.begin(), figures.end(), [&](const Figure& f) { return f.key == key; });
  return found == figures.end() ? nullptr : &*found;
}

/// By how much the allocated bytes grew. A growth of 2^63 bytes and more is a torn number, and sorts anywhere.
int64_t growth_of(const Group& group) {
  const Figure* figure = figure_of(group.figures, "allocated_bytes");
  return figure == nullptr ? 0 : static_cast<int64_t>(figure->b - figure->a);
}

std::vector<Figure> totals_of(const Snapshot& a, const Snapshot& b) {
  return {{"allocations", "allocations", Unit::count, a.flow.allocations, b.flow.allocations},
          {"frees", "frees", Unit::count, a.flow.frees, b.flow.frees},
          {"requested_bytes", "requested", Unit::bytes, a.requested_bytes, b.requested_bytes},
          {"allocated_bytes", "handed out", Unit::bytes, a.flow.allocated_bytes, b.flow.allocated_bytes},
          {"peak_live_bytes", "peak live heap", Unit::bytes, a.peak_live_bytes, b.peak_live_bytes},
          {"live_bytes", "live heap", Unit::bytes, a.flow.live_bytes, b.flow.live_bytes},
          {"live_blocks", "live blocks", Unit::count, a.flow.live_blocks, b.flow.live_blocks},
          {"peak_rss_bytes", "peak RSS", Unit::bytes, a.peak_rss_bytes, b.peak_rss_bytes},
          {"page_faults", "page faults", Unit::count, a.page_faults, b.page_faults},
          {"threads", "threads", Unit::count, a.threads, b.threads},
          {"wall_ns", "wall time", Unit::nanoseconds, a.wall_ns, b.wall_ns}};
}

/// What no task did is never done, so that nothing of it is retained.
uint64_t retained_of(const TaskKindRow& kind) { return kind.is_outside ? 0 : kind.retained_bytes; }

std::vector<Figure> figures_of_kind(const TaskKindRow& a, const TaskKindRow& b) {
  return {{"tasks", "tasks", Unit::count, a.tasks_ended, b.tasks_ended},
          {"allocations_per_task", "allocations per task, median", Unit::count, a.allocations_per_task.median,
           b.allocations_per_task.median},
          {"peak_per_task", "peak of a task, highest", Unit::bytes, a.peak_live_bytes_per_task.highest,
           b.peak_live_bytes_per_task.highest},
          {"allocations", "allocations", Unit::count, a.flow.allocations, b.flow.allocations},
          {"allocated_bytes", "handed out", Unit::bytes, a.flow.allocated_bytes, b.flow.allocated_bytes},
          {"retained_bytes", "retained by ended tasks", Unit::bytes, retained_of(a), retained_of(b)},
          {"live_bytes", "live heap", Unit::bytes, a.flow.live_bytes, b.flow.live_bytes},
          {"refused_allocations", "refused over budget", Unit::count, a.refused_allocations, b.refused_allocations}};
}

std::vector<Figure> figures_of_flow(const FlowRow& a, const FlowRow& b) {
  return {{"allocations", "allocations", Unit::count, a.allocations, b.allocations},
          {"allocated_bytes", "handed out", Unit::bytes, a.allocated_bytes, b.allocated_bytes},
          {"live_bytes", "live heap", Unit::bytes, a.live_bytes, b.live_bytes}};
}

std::vector<Figure> figures_of_size_class(const SizeClassRow& a, const SizeClassRow& b) {
  return figures_of_flow(a.flow, b.flow);
}

/// Threads free what others allocated, so that what is live of them tells nothing.
std::vector<Figure> figures_of_thread(const ThreadRow& a, const ThreadRow& b) {
  std::vector<Figure> figures = figures_of_flow(a.flow, b.flow);
  figures.back() = {"threads", "threads", Unit::count, a.threads, b.threads};
  return figures;
}

/// Rows of one name are taken one after the other: names are cut, so that two kinds may have the same.
template <typename Of, typename NameOf, typename FiguresOf>
std::vector<Group> pair_up(const std::vector<Of>& a, const std::vector<Of>& b, NameOf name_of, FiguresOf figures_of) {
  struct Both {
    std::vector<const Of*> a;
    std::vector<const Of*> b;
  };
  std::map<std::string, Both> by_name;
  for (const Of& row : a) by_name[name_of(row)].a.push_back(&row);
  for (const Of& row : b) by_name[name_of(row)].b.push_back(&row);
  const Of nothing{};
  std::vector<Group> groups;
  for (const auto& [name, both] : by_name) {
    for (size_t i = 0; i < std::max(both.a.size(), both.b.size()); ++i) {
      const bool in_a = i < both.a.size();
      const bool in_b = i < both.b.size();
      groups.push_back({name,
                        in_a && in_b ? Presence::in_both
                        : in_b       ? Presence::only_in_b
                                     : Presence::only_in_a,
                        figures_of(in_a ? *both.a[i] : nothing, in_b ? *both.b[i] : nothing)});
    }
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& x, const Group& y) { return growth_of(x) > growth_of(y); });
  return groups;
}

std::string name_of_class(const SizeClassRow& row) {
  return row.block_bytes == 0 ? "large" : count_text(row.block_bytes) + " B";
}

bool is_judged(const Judgement& judgement, std::string_view key) {
  return judgement.only.empty() || std::find(judgement.only.begin(), judgement.only.end(), key) != judgement.only.end();
}

bool is_excess(const Figure& figure, const Judgement& judgement) {
  if (figure.b <= figure.a) return false;
  if (figure.unit == Unit::bytes && distance(figure) < judgement.bytes_min) return false;
  const auto percent = percent_grown(figure);
  return !percent || *percent > judgement.percent_max;
}

}  // namespace

std::optional<double> percent_grown(const Figure& figure) {
  if (figure.a == figure.b) return 0;
  if (figure.a == 0) return std::nullopt;
  return 100 * (static_cast<double>(figure.b) - static_cast<double>(figure.a)) / static_cast<double>(figure.a);
}

Comparison compare(const Snapshot& a, const Snapshot& b) {
  const auto name_of = [](const auto& row) { return row.name; };
  return {totals_of(a, b), pair_up(a.kinds, b.kinds, name_of, figures_of_kind),
          pair_up(a.size_classes, b.size_classes, name_of_class, figures_of_size_class),
          pair_up(a.thread_kinds, b.thread_kinds, name_of, figures_of_thread)};
}

bool is_noise(const Group& group, uint64_t bytes_min) {
  return std::all_of(group.figures.begin(), group.figures.end(), [&](const Figure& figure) {
    if (distance(figure) == 0) return true;
    return bytes_min != 0 && (figure.unit != Unit::bytes || distance(figure) < bytes_min);
  });
}

size_t leave_out_noise(std::vector<Group>& groups, uint64_t bytes_min) {
  return std::erase_if(groups, [&](const Group& group) { return is_noise(group, bytes_min); });
}

std::vector<Excess> excesses_of(const Comparison& comparison, const Judgement& judgement) {
  std::vector<Excess> excesses;
  const auto judge = [&](const std::string& kind, const std::vector<Figure>& figures, const char* key) {
    const Figure* figure = is_judged(judgement, key) ? figure_of(figures, key) : nullptr;
    if (figure != nullptr && is_excess(*figure, judgement)) excesses.push_back({kind, *figure});
  };
  for (const char* key : {"allocations", "allocated_bytes", "peak_live_bytes"}) judge("", comparison.totals, key);
  for (const Group& kind : comparison.kinds) {
    if (kind.presence != Presence::in_both || is_noise(kind, judgement.bytes_min)) continue;
    for (const char* key : {"allocations_per_task", "peak_per_task"}) judge(kind.name, kind.figures, key);
  }
  return excesses;
}

}  // namespace bursar::tool
