// Ledgers read time and again, each beside what it said the time before.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/bursar/snapshot.h"

namespace bursar::tool {

/// One ledger as it was read last. Either there is a snapshot or a fault.
struct Subject {
  std::filesystem::path path;
  std::shared_ptr<const Snapshot> now;
  std::shared_ptr<const Snapshot> before;  // of the same process; null the first time
  std::string fault;
  double seconds_between = 0;  // 0 where there is no `before`
};

/// The growth of a counter per second; below 0 where nobody can say: there is one snapshot, or the counter was read torn.
[[nodiscard]] double rate_of(uint64_t now, uint64_t before, double seconds_between);
inline constexpr double rate_unknown = -1;

/// Only reads files: the processes notice nothing.
class Observer {
 public:
  using List = std::function<std::vector<std::filesystem::path>()>;
  using Read = std::function<Snapshot(const std::filesystem::path&)>;

  /// Changes whenever another file takes the path.
  using Stamp = std::function<std::string(const std::filesystem::path&)>;

  Observer(List list, Read read, Stamp stamp)
      : list_(std::move(list)), read_(std::move(read)), stamp_(std::move(stamp)) {}

  /// Takes so long at most for what it has read before; the clock is that of `now_ns`. Without it, all are read.
  void limit(std::function<uint64_t()> clock_ns, uint64_t reading_ns_max) {
    clock_ns_ = std::move(clock_ns);
    reading_ns_max_ = reading_ns_max;
  }

  /// What is gone between listing and reading is left out. What is known of a process that has ended is not read again: its ledger says
  /// the same for ever. What there is no time for is as it was; the next time it is among the first. Throws what `list` throws.
  [[nodiscard]] std::vector<Subject> observe(uint64_t now_ns);

 private:
  struct Reading {
    std::shared_ptr<const Snapshot> snapshot;
    std::string stamp;
    uint64_t taken_ns;
    std::shared_ptr<const Snapshot> before;  // of the same process
    double seconds_between;
  };

  /// A place in the order of reading.
  struct Due {
    uint64_t taken_ns;  // 0: never
    size_t subject;
  };

  [[nodiscard]] std::vector<Due> in_order(const std::vector<std::filesystem::path>& paths) const;
  [[nodiscard]] bool is_out_of_time(const Due& due, uint64_t now_ns) const;
  [[nodiscard]] Subject read(const std::filesystem::path& path, uint64_t now_ns,
                             std::map<std::filesystem::path, Reading>& readings);
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot_at(const std::filesystem::path& path,
                                                            const std::string& stamp);

  List list_;
  Read read_;
  Stamp stamp_;
  std::function<uint64_t()> clock_ns_;
  uint64_t reading_ns_max_ = 0;
  std::map<std::filesystem::path, Reading> last_;
};

}  // namespace bursar::tool
