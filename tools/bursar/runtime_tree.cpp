// Adding up of the runtime's figures.
#include "tools/bursar/runtime_tree.h"

#include <fmt/format.h>

#include "interpose/account/render.h"
#include "tools/bursar/report.h"

namespace bursar::tool {

nlohmann::ordered_json json_of(const ledger::RuntimeTotals& totals) {
  auto object = nlohmann::ordered_json::object();
  for (size_t i = 0; i < ledger::runtime_figure_count; ++i) {
    object[ledger::runtime_figure_names[i].name] = totals.at(i);
  }
  return object;
}

void RuntimeTree::add(const ledger::View& view) {
  ledger::RuntimeTotals own;
  own.add(*view.header);
  if (!own.are_all_zero()) ++processes_;
  totals_.add(*view.header);
}

std::string RuntimeTree::text() const {
  if (totals_.are_all_zero()) return "";
  std::string text =
      fmt::format("\n  runtime of {} process{}, told together\n", processes_, processes_ == 1 ? "" : "es");
  ledger::render_runtime_alone(totals_, sink_into(text));
  return text;
}

}  // namespace bursar::tool
