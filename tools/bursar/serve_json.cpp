// Snapshots as JSON.
#include "tools/bursar/serve_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/bursar/runtime_tree.h"

namespace bursar::tool {
namespace {

using Json = nlohmann::ordered_json;

/// Of each table, so that an answer a second stays small; how many rows there are is told.
constexpr size_t rows_max = 200;

/// What is no UTF-8 is replaced: names come from other programs.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

const char* state_of(const WatchedLedger& ledger) {
  return ledger.is_replaced ? "replaced" : state_name(ledger.snapshot);
}

void add_flow(Json& json, const FlowRow& flow) {
  json["allocations"] = flow.allocations;
  json["frees"] = flow.frees;
  json["allocated_bytes"] = flow.allocated_bytes;
  json["freed_bytes"] = flow.freed_bytes;
  json["live_blocks"] = flow.live_blocks;
  json["live_bytes"] = flow.live_bytes;
}

Json quantiles_json(const Quantiles& quantiles) {
  return {{"median", quantiles.median},
          {"p90", quantiles.p90},
          {"p99", quantiles.p99},
          {"highest", quantiles.highest},
          {"total", quantiles.total}};
}

Json row_json(const SizeClassRow& row) {
  Json json{{"block_bytes", row.block_bytes}, {"requested_bytes", row.requested_bytes}};
  add_flow(json, row.flow);
  return json;
}

Json row_json(const ThreadRow& row) {
  Json json{{"name", row.name}, {"threads", row.threads}, {"alive", row.alive}};
  add_flow(json, row.flow);
  return json;
}

Json row_json(const TaskKindRow& row) {
  Json json{{"name", row.name},
            {"is_outside", row.is_outside},
            {"tasks_begun", row.tasks_begun},
            {"tasks_ended", row.tasks_ended},
            {"tasks_running", row.tasks_running},
            {"refused_allocations", row.refused_allocations},
            {"retained_bytes", row.is_of_no_task ? Json() : Json(row.retained_bytes)}};
  add_flow(json, row.flow);
  json["allocations_per_task"] = quantiles_json(row.allocations_per_task);
  json["allocated_bytes_per_task"] = quantiles_json(row.allocated_bytes_per_task);
  json["peak_live_bytes_per_task"] = quantiles_json(row.peak_live_bytes_per_task);
  json["wall_ns_per_task"] = quantiles_json(row.wall_ns_per_task);
  json["retained_bytes_per_task"] = quantiles_json(row.retained_bytes_per_task);
  return json;
}

Json row_json(const TaskRow& row) {
  return {{"kind", row.kind},
          {"label", row.label},
          {"thread_id", row.thread_id},
          {"begun_ns", row.begun_ns},
          {"wall_ns", row.wall_ns},
          {"allocations", row.allocations},
          {"allocated_bytes", row.allocated_bytes},
          {"peak_live_bytes", row.peak_live_bytes},
          {"live_bytes", row.live_bytes},
          {"budget_bytes", row.budget_bytes},
          {"is_running", row.is_running}};
}

template <typename Row>
Json table_json(const std::vector<Row>& rows, size_t count) {
  Json told = Json::array();
  for (size_t i = 0; i < std::min(rows.size(), rows_max); ++i) told.push_back(row_json(rows[i]));
  return {{"count", count}, {"rows", std::move(told)}};
}

template <typename Row>
Json table_json(const std::vector<Row>& rows) {
  return table_json(rows, rows.size());
}

Json history_json(const std::deque<Sample>& history, uint64_t since_unix_ms) {
  Json json{{"unix_ms", Json::array()},     {"live_bytes", Json::array()},  {"rss_bytes", Json::array()},
            {"allocations", Json::array()}, {"tasks_ended", Json::array()}, {"task_allocations", Json::array()}};
  for (const Sample& sample : history) {
    if (sample.unix_ms <= since_unix_ms) continue;
    json["unix_ms"].push_back(sample.unix_ms);
    json["live_bytes"].push_back(sample.live_bytes);
    json["rss_bytes"].push_back(sample.rss_bytes);
    json["allocations"].push_back(sample.allocations);
    json["tasks_ended"].push_back(sample.tasks_ended);
    json["task_allocations"].push_back(sample.task_allocations);
  }
  return json;
}

/// What both answers tell of a ledger.
Json summary_json(const WatchedLedger& ledger) {
  const Snapshot& snapshot = ledger.snapshot;
  uint64_t tasks_ended = 0;
  for (const TaskKindRow& kind : snapshot.kinds) tasks_ended += kind.tasks_ended;
  Json json{{"id", ledger.id},
            {"program", snapshot.program},
            {"process_id", snapshot.process_id},
            {"parent_process_id", snapshot.parent_process_id},
            {"state", state_of(ledger)},
            {"is_alive", snapshot.is_alive && !ledger.is_replaced},
            {"task_source", ledger::task_source_names[static_cast<size_t>(snapshot.task_source)]},
            {"started_unix_ms", snapshot.started_unix_ns / 1'000'000},
            {"wall_ns", snapshot.wall_ns},
            {"rss_bytes", snapshot.rss_bytes},
            {"peak_rss_bytes", snapshot.peak_rss_bytes},
            {"peak_live_bytes", snapshot.peak_live_bytes},
            {"peak_live_ns", snapshot.peak_live_ns == 0 ? Json() : Json(snapshot.peak_live_ns)},
            {"tasks_ended", tasks_ended},
            {"threads", snapshot.threads},
            {"budget_bytes", snapshot.budget_bytes},
            {"refused_allocations", snapshot.refused_allocations},
            {"requested_bytes", snapshot.requested_bytes}};
  add_flow(json, snapshot.flow);
  return json;
}

}  // namespace

std::string ledgers_json(const Watch& watch, uint64_t unix_ms) {
  Json ledgers = Json::array();
  for (const WatchedLedger* ledger : watch.ledgers()) ledgers.push_back(summary_json(*ledger));
  Json unreadable = Json::array();
  for (const UnreadableLedger& ledger : watch.unreadable()) {
    unreadable.push_back({{"path", ledger.path.native()}, {"fault", ledger.fault}});
  }
  return text_of({{"unix_ms", unix_ms},
                  {"ledgers", std::move(ledgers)},
                  {"unreadable", std::move(unreadable)},
                  {"of_others", watch.of_others()},
                  {"left_out", watch.left_out()}});
}

std::string ledger_json(const WatchedLedger& ledger, uint64_t unix_ms, uint64_t since_unix_ms) {
  const Snapshot& snapshot = ledger.snapshot;
  Json json = summary_json(ledger);
  json["unix_ms"] = unix_ms;
  json["path"] = snapshot.path.native();
  for (size_t call = 0; call < ledger::call_count; ++call) {
    json["calls"][ledger::call_names[call]] = snapshot.calls[call];
  }
  json["runtime"] = json_of(snapshot.runtime);
  json["kinds"] = table_json(snapshot.kinds);
  json["size_classes"] = table_json(snapshot.size_classes);
  json["thread_kinds"] = table_json(snapshot.thread_kinds);
  json["running"] = table_json(snapshot.running, snapshot.tasks_running);
  json["worst_by_peak"] = table_json(snapshot.worst_by_peak);
  json["worst_by_allocations"] = table_json(snapshot.worst_by_allocations);
  json["history"] = history_json(ledger.history, since_unix_ms);
  return text_of(json);
}

}  // namespace bursar::tool
