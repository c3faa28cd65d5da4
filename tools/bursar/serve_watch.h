// The ledgers of the host as the server follows them: what they say now, and what they said in the last minutes.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/bursar/process_status.h"
#include "tools/bursar/snapshot.h"

namespace bursar::tool {

/// One point of the charts. All but the first three only grow.
struct Sample {
  uint64_t unix_ms = 0;
  uint64_t live_bytes = 0;
  uint64_t rss_bytes = 0;
  uint64_t allocations = 0;
  uint64_t tasks_ended = 0;
  uint64_t task_allocations =
      0;  // of the ended tasks, so that two samples give the mean of those that ended in between
};

/// Ten minutes, at a sample a second.
inline constexpr size_t history_samples_max = 600;

/// Which names are told apart, so that a program that makes up names does not fill a database with them. Whoever once
/// has a place keeps it, and who came too late never gets one: so the sum of the others never falls.
class Places {
 public:
  explicit Places(size_t count) : count_(count) {}

  /// Gives places to these names, the first ones first, as long as there are any.
  void admit(const std::vector<std::string>& names);

  [[nodiscard]] bool has(const std::string& name) const { return admitted_.count(name) != 0; }

 private:
  size_t count_;
  std::set<std::string> admitted_;
};

struct WatchedLedger {
  std::string id;  // stands for the path in requests: a client can name only what was found
  Snapshot snapshot;
  bool is_replaced = false;    // its process goes on, or ended, as another program that it executed
  uint64_t ended_unix_ms = 0;  // when it was first seen ended; 0 while it runs
  std::deque<Sample> history;  // at most history_samples_max
  Places kind_places;
  Places thread_places;
};

struct UnreadableLedger {
  std::filesystem::path path;
  std::string fault;
};

struct LedgerList {
  std::vector<std::filesystem::path> paths;
  size_t of_others = 0;  // that this user may not read
};

/// Where ledgers come from: the host, a directory, or a test.
struct LedgerSource {
  std::function<LedgerList()> list;
  std::function<Snapshot(const std::filesystem::path&)> read;      // throws a Fault
  std::function<std::string(const std::filesystem::path&)> stamp;  // changes whenever another file takes the path
  std::function<uint64_t()> clock_ns = monotonic_ns;
};

[[nodiscard]] LedgerSource host_source();

/// Throws a Fault where the directory cannot be read; one that goes away later has no ledgers.
[[nodiscard]] LedgerSource directory_source(const std::filesystem::path& directory);

struct WatchLimits {
  size_t kinds_max = 50;     // told apart per process; the same number of thread names
  size_t ledgers_max = 256;  // kept; of more, those that run and the latest

  /// For reading again what is known; the server answers nothing meanwhile. Sixty ledgers that are full take four times as long.
  uint64_t reading_ns_max = 250'000'000;
};

class Watch {
 public:
  Watch(LedgerSource source, const WatchLimits& limits) : source_(std::move(source)), limits_(limits) {}

  /// Reads what is new, and again what may have changed, as far as the time for it goes: those first that were read longest ago. The
  /// others are as they were. Cost: a millisecond for each process that runs (read_snapshot).
  void refresh(uint64_t unix_ms);

  /// The same, and each process that runs and was read gets a sample.
  void sample(uint64_t unix_ms);

  /// Those that run first, then the latest first. Valid until the next refresh.
  [[nodiscard]] std::vector<const WatchedLedger*> ledgers() const;

  /// Null where there is none (any more).
  [[nodiscard]] const WatchedLedger* find(const std::string& id) const;

  [[nodiscard]] const std::vector<UnreadableLedger>& unreadable() const { return unreadable_; }

  /// How many belong to other users.
  [[nodiscard]] size_t of_others() const { return of_others_; }

  /// How many more there are than are kept.
  [[nodiscard]] size_t left_out() const;

 private:
  /// Without a ledger when it could not be read or is left out.
  struct Entry {
    std::string stamp;
    bool is_final = false;   // its process has ended, so it says the same for ever
    uint64_t last_read = 0;  // the number of the reading; 0: none
    std::optional<WatchedLedger> ledger;
    std::string fault;  // where it could not be read
  };

  using Entries = std::map<std::filesystem::path, Entry>;

  [[nodiscard]] std::vector<Entries::value_type*> take_list();
  void read(const std::filesystem::path& path, Entry& entry, uint64_t unix_ms);
  void leave_out_the_oldest();
  void mark_replaced();

  LedgerSource source_;
  WatchLimits limits_;
  Entries entries_;
  uint64_t reads_ = 0;
  uint64_t reads_before_ = 0;  // the last refresh
  std::vector<UnreadableLedger> unreadable_;
  size_t of_others_ = 0;
};

}  // namespace bursar::tool
