// Following of ledgers.
#include "tools/bursar/serve_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/bursar/fault.h"
#include "tools/bursar/file_stamp.h"
#include "tools/bursar/host_ledgers.h"
#include "tools/bursar/ledger_path.h"
#include "tools/bursar/rising.h"

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

/// FNV-1a: the same ledger has the same id in each server, so that a page's address stays good.
std::string id_of(const fs::path& path, const Snapshot& snapshot) {
  const std::string key = fmt::format("{}\n{}\n{}", path.native(), snapshot.process_id, snapshot.started_unix_ns);
  uint64_t hash = 0xcbf29ce484222325;
  for (const char character : key) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

/// What no task did comes first: it always has a place.
std::vector<std::string> names_of(const std::vector<TaskKindRow>& rows) {
  std::vector<std::string> names;
  for (const TaskKindRow& row : rows) {
    if (row.is_outside) names.push_back(row.name);
  }
  for (const TaskKindRow& row : rows) names.push_back(row.name);
  return names;
}

std::vector<std::string> names_of(const std::vector<ThreadRow>& rows) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const ThreadRow& row : rows) names.push_back(row.name);
  return names;
}

Sample sample_of(const Snapshot& snapshot, uint64_t unix_ms) {
  Sample sample{.unix_ms = unix_ms,
                .live_bytes = snapshot.flow.live_bytes,
                .rss_bytes = snapshot.rss_bytes,
                .allocations = snapshot.flow.allocations};
  for (const TaskKindRow& kind : snapshot.kinds) {
    sample.tasks_ended += kind.tasks_ended;
    sample.task_allocations += kind.allocations_per_task.total;
  }
  return sample;
}

bool goes_before(const WatchedLedger& left, const WatchedLedger& right) {
  const auto key = [](const WatchedLedger& ledger) {
    return std::pair(ledger.snapshot.is_alive, ledger.snapshot.started_unix_ns);
  };
  if (key(left) != key(right)) return key(left) > key(right);
  return left.snapshot.path < right.snapshot.path;
}

LedgerList list_of(const HostScan& scan) {
  LedgerList list{.paths = {}, .of_others = scan.unreadable};
  list.paths.reserve(scan.ledgers.size());
  for (const LedgerName& ledger : scan.ledgers) list.paths.push_back(ledger.path);
  return list;
}

LedgerSource source_of(std::function<LedgerList()> list) {
  return {.list = std::move(list), .read = read_found_snapshot, .stamp = stamp_of};
}

}  // namespace

LedgerSource host_source() {
  return source_of([] { return list_of(scan_host()); });
}

LedgerSource directory_source(const fs::path& directory) {
  (void)scan_directory(directory);
  return source_of([directory] {
    try {
      return list_of(scan_directory(directory));
    } catch (const Fault&) {
      return LedgerList{};
    }
  });
}

void Places::admit(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (admitted_.size() >= count_) return;
    admitted_.insert(name);
  }
}

/// What is to be read, longest ago first.
std::vector<Watch::Entries::value_type*> Watch::take_list() {
  Entries before = std::exchange(entries_, {});
  const LedgerList list = source_.list();
  of_others_ = list.of_others;
  std::vector<Entries::value_type*> due;
  for (const fs::path& path : list.paths) {
    std::string stamp = source_.stamp(path);
    Entries::node_type known = before.extract(path);
    const auto at = known.empty() ? entries_.try_emplace(path).first : entries_.insert(std::move(known)).position;
    Entry& entry = at->second;
    if (entry.stamp != stamp) entry.is_final = false;
    entry.stamp = std::move(stamp);
    if (!entry.is_final) due.push_back(&*at);
  }
  std::stable_sort(due.begin(), due.end(), [](const Entries::value_type* left, const Entries::value_type* right) {
    return left->second.last_read < right->second.last_read;
  });
  return due;
}

void Watch::refresh(uint64_t unix_ms) {
  reads_before_ = reads_;
  const uint64_t begun_ns = source_.clock_ns();
  for (Entries::value_type* each : take_list()) {
    const bool is_new = each->second.last_read == 0;
    if (!is_new && source_.clock_ns() - begun_ns > limits_.reading_ns_max) break;
    read(each->first, each->second, unix_ms);
  }
  unreadable_.clear();
  for (const auto& [path, entry] : entries_) {
    if (!entry.fault.empty()) unreadable_.push_back({path, entry.fault});
  }
  leave_out_the_oldest();
  mark_replaced();
}

void Watch::read(const fs::path& path, Entry& entry, uint64_t unix_ms) {
  entry.last_read = ++reads_;
  entry.fault.clear();
  try {
    Snapshot snapshot = source_.read(path);
    std::string id = id_of(path, snapshot);
    entry.is_final = !snapshot.is_alive;
    if (!entry.ledger || entry.ledger->id != id) {
      entry.ledger.emplace(WatchedLedger{.id = std::move(id),
                                         .snapshot = {},
                                         .is_replaced = false,
                                         .ended_unix_ms = 0,
                                         .history = {},
                                         .kind_places = Places(limits_.kinds_max),
                                         .thread_places = Places(limits_.kinds_max)});
    }
    WatchedLedger& ledger = *entry.ledger;
    keep_rising(snapshot, ledger.snapshot);
    ledger.snapshot = std::move(snapshot);
    if (entry.is_final && ledger.ended_unix_ms == 0) ledger.ended_unix_ms = unix_ms;
    ledger.kind_places.admit(names_of(ledger.snapshot.kinds));
    ledger.thread_places.admit(names_of(ledger.snapshot.thread_kinds));
  } catch (const Fault& fault) {
    // It may be one whose process is about to begin: it is tried again at the next look.
    entry.ledger.reset();
    entry.is_final = false;
    entry.fault = fault.what();
  }
}

void Watch::leave_out_the_oldest() {
  std::vector<Entry*> kept;
  for (auto& [path, entry] : entries_) {
    if (entry.ledger) kept.push_back(&entry);
  }
  if (kept.size() <= limits_.ledgers_max) return;
  std::sort(kept.begin(), kept.end(),
            [](const Entry* left, const Entry* right) { return goes_before(*left->ledger, *right->ledger); });
  for (size_t i = limits_.ledgers_max; i < kept.size(); ++i) kept[i]->ledger.reset();
}

/// A process has a ledger for each program that it executed one after the other; only the last of them has an ending.
void Watch::mark_replaced() {
  std::map<fs::path, WatchedLedger*> last;
  for (auto& [path, entry] : entries_) {
    if (!entry.ledger) continue;
    WatchedLedger& ledger = *entry.ledger;
    const auto [place, is_first] = last.try_emplace(with_generation(path, 0), &ledger);
    WatchedLedger& other = *place->second;
    ledger.is_replaced = false;
    if (is_first || other.snapshot.process_id != ledger.snapshot.process_id) continue;
    const bool is_later = other.snapshot.started_unix_ns <= ledger.snapshot.started_unix_ns;
    (is_later ? other : ledger).is_replaced = true;
    if (is_later) place->second = &ledger;
  }
}

void Watch::sample(uint64_t unix_ms) {
  refresh(unix_ms);
  for (auto& [path, entry] : entries_) {
    const bool is_read = entry.last_read > reads_before_;
    if (!is_read || !entry.ledger || !entry.ledger->snapshot.is_alive) continue;
    std::deque<Sample>& history = entry.ledger->history;
    history.push_back(sample_of(entry.ledger->snapshot, unix_ms));
    if (history.size() > history_samples_max) history.pop_front();
  }
}

std::vector<const WatchedLedger*> Watch::ledgers() const {
  std::vector<const WatchedLedger*> all;
  for (const auto& [path, entry] : entries_) {
    if (entry.ledger) all.push_back(&*entry.ledger);
  }
  std::sort(all.begin(), all.end(),
            [](const WatchedLedger* left, const WatchedLedger* right) { return goes_before(*left, *right); });
  return all;
}

const WatchedLedger* Watch::find(const std::string& id) const {
  for (const auto& [path, entry] : entries_) {
    if (entry.ledger && entry.ledger->id == id) return &*entry.ledger;
  }
  return nullptr;
}

size_t Watch::left_out() const { return entries_.size() - ledgers().size() - unreadable_.size(); }

}  // namespace bursar::tool
