// From paths to answers.
#include "tools/bursar/serve_routes.h"

#include <charconv>
#include <string>
#include <string_view>

#include "tools/bursar/serve_clock.h"
#include "tools/bursar/serve_json.h"
#include "tools/bursar/serve_metrics.h"
#include "tools/bursar/serve_page.h"

namespace bursar::tool {
namespace {

constexpr const char* json_type = "application/json";

HttpReply plain(unsigned status, const char* line) { return {.status = status, .body = std::string(line) + "\n"}; }

/// What a query says for a key; empty where it says nothing. The values here need no decoding.
std::string_view value_of(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    if (part.substr(0, key.size()) == key && part.substr(key.size(), 1) == "=") return part.substr(key.size() + 1);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

HttpReply metrics(Watch& watch, const HttpRequest& request) {
  const uint64_t unix_ms = unix_ms_now();
  watch.refresh(unix_ms);
  const Dialect dialect = dialect_for(request.accept);
  return {.type = content_type_of(dialect), .body = metrics_of(watch, dialect, unix_ms)};
}

HttpReply ledger(const Watch& watch, const HttpRequest& request) {
  const WatchedLedger* const found = watch.find(std::string(value_of(request.query, "id")));
  if (found == nullptr) return plain(404, "no such ledger");
  const std::string_view since = value_of(request.query, "since");
  uint64_t since_unix_ms = 0;
  std::from_chars(since.data(), since.data() + since.size(), since_unix_ms);
  return {.type = json_type, .body = ledger_json(*found, unix_ms_now(), since_unix_ms)};
}

}  // namespace

HttpReply answer(Watch& watch, const ListenAddress& listen, const HttpRequest& request) {
  if (!is_own_host(listen, request.host)) return plain(421, "this server answers only to the names of its own host");
  if (request.path == "/metrics") return metrics(watch, request);
  if (request.path == "/api/ledgers") return {.type = json_type, .body = ledgers_json(watch, unix_ms_now())};
  if (request.path == "/api/ledger") return ledger(watch, request);
  if (request.path == "/healthz") return plain(200, "ok");
  for (const PageFile& file : page_files()) {
    if (request.path == file.path) return {.type = file.type, .body = std::string(file.text)};
  }
  return plain(404, "no such page; there are / and /metrics");
}

}  // namespace bursar::tool
