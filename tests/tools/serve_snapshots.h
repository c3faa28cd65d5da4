// Snapshots made by hand, and a host of them.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "tools/bursar/fault.h"
#include "tools/bursar/serve_watch.h"

namespace bursar::test {

inline tool::Quantiles quantiles_with(uint64_t value, uint32_t times) {
  tool::Quantiles quantiles;
  for (uint32_t power = 0; (value >> power) != 0; ++power) quantiles.below_powers.push_back(0);
  quantiles.below_powers.push_back(times);
  quantiles.total = value * times;
  quantiles.highest = value;
  return quantiles;
}

/// Tasks of one kind that have ended, all alike.
inline tool::TaskKindRow kind_with(const std::string& name, uint64_t tasks, uint64_t allocations_each) {
  tool::TaskKindRow row;
  row.name = name;
  row.tasks_begun = tasks;
  row.tasks_ended = tasks;
  row.flow.allocations = tasks * allocations_each;
  row.allocations_per_task = quantiles_with(allocations_each, static_cast<uint32_t>(tasks));
  row.peak_live_bytes_per_task = quantiles_with(allocations_each * 4096, static_cast<uint32_t>(tasks));
  return row;
}

inline tool::Snapshot running_process(uint32_t process_id, const std::string& program = "/usr/bin/guest") {
  tool::Snapshot snapshot;
  snapshot.path = fmt::format("/dev/shm/bursar-{}", process_id);
  snapshot.program = program;
  snapshot.process_id = process_id;
  snapshot.is_alive = true;
  snapshot.started_unix_ns = 1'000'000'000'000;
  snapshot.flow.allocations = 100;
  snapshot.flow.live_bytes = 4096;
  tool::TaskKindRow outside;
  outside.name = "(outside tasks)";
  outside.is_outside = true;
  outside.is_of_no_task = true;
  snapshot.kinds.push_back(outside);
  return snapshot;
}

/// What is in its files is found by the Watch of the same object.
struct MadeHost {
  std::map<std::filesystem::path, tool::Snapshot> files;
  std::map<std::filesystem::path, std::string> faults;
  std::map<std::filesystem::path, std::string> stamps;
  size_t of_others = 0;
  size_t reads = 0;
  uint64_t now_ns = 0;
  uint64_t read_ns = 0;  // that a reading takes

  void add(const tool::Snapshot& snapshot) { files[snapshot.path] = snapshot; }

  [[nodiscard]] tool::LedgerSource source() {
    return {.list =
                [this] {
                  tool::LedgerList list{.paths = {}, .of_others = of_others};
                  for (const auto& [path, snapshot] : files) list.paths.push_back(path);
                  for (const auto& [path, fault] : faults) list.paths.push_back(path);
                  return list;
                },
            .read =
                [this](const std::filesystem::path& path) {
                  ++reads;
                  now_ns += read_ns;
                  if (faults.count(path) != 0) throw tool::Fault(faults[path]);
                  return files.at(path);
                },
            .stamp = [this](const std::filesystem::path& path) { return stamps[path]; },
            .clock_ns = [this] { return now_ns; }};
  }
};

}  // namespace bursar::test
