// Reading, and pairing with what was read before.
#include "tools/bursar/top_observe.h"

#include <algorithm>
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

std::vector<Observer::Due> Observer::in_order(const std::vector<std::filesystem::path>& paths) const {
  std::vector<Due> order;
  for (size_t i = 0; i < paths.size(); ++i) {
    const auto known = last_.find(paths[i]);
    order.push_back({.taken_ns = known == last_.end() ? 0 : known->second.taken_ns, .subject = i});
  }
  std::stable_sort(order.begin(), order.end(), [](const Due& a, const Due& b) { return a.taken_ns < b.taken_ns; });
  return order;
}

bool Observer::is_out_of_time(const Due& due, uint64_t now_ns) const {
  return clock_ns_ && due.taken_ns != 0 && clock_ns_() - now_ns > reading_ns_max_;
}

Subject Observer::read(const std::filesystem::path& path, uint64_t now_ns,
                       std::map<std::filesystem::path, Reading>& readings) {
  Subject subject;
  subject.path = path;
  // Before reading: a file that takes the path meanwhile is read at the next look.
  std::string stamp = stamp_(path);
  try {
    subject.now = snapshot_at(path, stamp);
  } catch (const std::exception& fault) {
    subject.fault = fault.what();
    return subject;
  }
  const auto last = last_.find(path);
  if (last != last_.end() && are_of_one_process(*last->second.snapshot, *subject.now)) {
    subject.before = last->second.snapshot;
    subject.seconds_between = static_cast<double>(now_ns - last->second.taken_ns) / 1e9;
  }
  readings.insert_or_assign(path,
                            Reading{subject.now, std::move(stamp), now_ns, subject.before, subject.seconds_between});
  return subject;
}

std::vector<Subject> Observer::observe(uint64_t now_ns) {
  const std::vector<std::filesystem::path> paths = list_();
  std::vector<Subject> subjects(paths.size());
  std::map<std::filesystem::path, Reading> readings;
  for (const Due& due : in_order(paths)) {
    const std::filesystem::path& path = paths[due.subject];
    if (!is_out_of_time(due, now_ns)) {
      subjects[due.subject] = read(path, now_ns, readings);
      continue;
    }
    const Reading& known = last_.at(path);
    subjects[due.subject] = {.path = path,
                             .now = known.snapshot,
                             .before = known.before,
                             .fault = {},
                             .seconds_between = known.seconds_between};
    readings.insert_or_assign(path, known);
  }
  std::erase_if(subjects, [](const Subject& subject) { return subject.now == nullptr && is_gone(subject.path); });
  last_ = std::move(readings);
  return subjects;
}

}  // namespace bursar::tool
