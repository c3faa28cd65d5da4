// Reading, and pairing with what was read before.
#include "tools/bursar/top_observe.h"

#include <exception>
#include <utility>

namespace bursar::tool {
namespace {

/// A path may be used by one process after the other.
bool are_of_one_process(const Snapshot& a, const Snapshot& b) {
  return a.process_id == b.process_id && a.started_unix_ns == b.started_unix_ns;
}

bool is_gone(const std::filesystem::path& path) {
  std::error_code error;
  return !std::filesystem::exists(path, error) && !error;
}

}  // namespace

double rate_of(uint64_t now, uint64_t before, double seconds_between) {
  if (seconds_between <= 0 || now < before) return rate_unknown;
  return static_cast<double>(now - before) / seconds_between;
}

std::shared_ptr<const Snapshot> Observer::snapshot_at(const std::filesystem::path& path, const std::string& stamp) {
  const auto known = last_.find(path);
  const bool is_final = known != last_.end() && !known->second.snapshot->is_alive && known->second.stamp == stamp;
  return is_final ? known->second.snapshot : std::make_shared<const Snapshot>(read_(path));
}

std::vector<Subject> Observer::observe(uint64_t now_ns) {
  std::vector<Subject> subjects;
  std::map<std::filesystem::path, Reading> readings;
  for (const std::filesystem::path& path : list_()) {
    Subject subject;
    subject.path = path;
    // Before reading: a file that takes the path meanwhile is read at the next look.
    std::string stamp = stamp_(path);
    try {
      subject.now = snapshot_at(path, stamp);
    } catch (const std::exception& fault) {
      if (is_gone(path)) continue;
      subject.fault = fault.what();
      subjects.push_back(std::move(subject));
      continue;
    }
    const auto last = last_.find(path);
    if (last != last_.end() && are_of_one_process(*last->second.snapshot, *subject.now)) {
      subject.before = last->second.snapshot;
      subject.seconds_between = static_cast<double>(now_ns - last->second.taken_ns) / 1e9;
    }
    readings.insert_or_assign(path, Reading{subject.now, std::move(stamp), now_ns});
    subjects.push_back(std::move(subject));
  }
  last_ = std::move(readings);
  return subjects;
}

}  // namespace bursar::tool
