// Going through the places where ledgers lie.
#include "tools/bursar/host_ledgers.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "tools/bursar/fault.h"
#include "tools/bursar/ledger_owner.h"
#include "tools/bursar/ledger_path.h"
#include "tools/bursar/snapshot.h"

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

constexpr size_t ledgers_max = 10'000;

/// Entries that a directory is looked through: /tmp is everybody's.
constexpr size_t entries_max = 100'000;

/// Calls `visit` with each entry; false where the directory cannot be read.
template <typename Visit>
bool each_entry(const fs::path& directory, Visit visit) {
  std::error_code error;
  size_t seen = 0;
  for (auto at = fs::directory_iterator(directory, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (++seen > entries_max) break;
    visit(*at);
  }
  return !error || error == std::errc::no_such_file_or_directory;
}

void add_ledger(HostScan& scan, const fs::path& path, std::string_view name) {
  const auto process = parse_process_name(name);
  struct stat status {};
  if (!process || scan.ledgers.size() >= ledgers_max || lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return;
  if (access(path.c_str(), R_OK) != 0 ||
      !may_tell_of(static_cast<uint32_t>(process->process_id), status.st_uid, path)) {
    ++scan.unreadable;
    return;
  }
  scan.ledgers.push_back({.process_id = process->process_id, .generation = process->generation, .path = path});
}

/// bursar-XXXXXX, as mkdtemp fills it.
bool is_directory_of_a_run(std::string_view name) {
  constexpr size_t filled = 6;
  return name.size() == filled &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

void scan_place(HostScan& scan, const fs::path& place) {
  each_entry(place, [&](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().native();
    if (name.compare(0, ledger_prefix.size(), ledger_prefix) != 0) return;
    const std::string_view rest = std::string_view(name).substr(ledger_prefix.size());
    std::error_code error;
    if (!fs::is_directory(entry.symlink_status(error))) return add_ledger(scan, entry.path(), rest);
    if (!is_directory_of_a_run(rest)) return;
    const bool read = each_entry(entry.path(), [&](const fs::directory_entry& file) {
      add_ledger(scan, file.path(), file.path().filename().native());
    });
    if (!read) ++scan.unreadable;
  });
}

void sort(HostScan& scan) {
  std::sort(scan.ledgers.begin(), scan.ledgers.end(), [](const LedgerName& a, const LedgerName& b) {
    return std::tie(a.process_id, a.generation, a.path) < std::tie(b.process_id, b.generation, b.path);
  });
}

std::vector<fs::path> places_of_host() {
  std::vector<fs::path> places = ledger_places();
  each_entry("/run/user", [&](const fs::directory_entry& entry) { places.push_back(entry.path()); });
  return places;
}

struct Candidate {
  fs::path path;
  bool is_of_process;  // that has the id now (Snapshot::has_id)
  uint64_t started_unix_ns;
};

/// Those that are ledgers, and of this process, whatever their names say.
std::vector<Candidate> candidates_of(pid_t process_id, const HostScan& scan) {
  std::vector<Candidate> candidates;
  for (const LedgerName& ledger : scan.ledgers) {
    if (ledger.process_id != process_id) continue;
    try {
      const Snapshot snapshot = read_found_snapshot(ledger.path);
      if (snapshot.process_id != static_cast<uint32_t>(process_id)) continue;
      // The last program that a process executed stands for it.
      const Candidate candidate{
          .path = ledger.path, .is_of_process = snapshot.has_id, .started_unix_ns = snapshot.started_unix_ns};
      const fs::path first = with_generation(ledger.path, 0);
      const auto other = std::find_if(candidates.begin(), candidates.end(),
                                      [&](const Candidate& each) { return with_generation(each.path, 0) == first; });
      if (other == candidates.end()) {
        candidates.push_back(candidate);
      } else if (other->started_unix_ns <= candidate.started_unix_ns) {
        *other = candidate;
      }
    } catch (const Fault&) {
      // Its process may not have begun to count.
    }
  }
  return candidates;
}

bool exists(pid_t process_id) { return access(fmt::format("/proc/{}", process_id).c_str(), F_OK) == 0; }

std::string names_of(const std::vector<Candidate>& candidates) {
  std::string names;
  for (const Candidate& candidate : candidates) names += (names.empty() ? "" : ", ") + candidate.path.native();
  return names;
}

}  // namespace

HostScan scan_host() {
  HostScan scan;
  std::set<fs::path> seen;
  for (const fs::path& place : places_of_host()) {
    std::error_code error;
    const fs::path real = fs::canonical(place, error);
    if (!error && seen.insert(real).second) scan_place(scan, real);
  }
  sort(scan);
  return scan;
}

HostScan scan_directory(const fs::path& directory) {
  HostScan scan;
  std::error_code error;
  if (!fs::is_directory(directory, error))
    throw Fault(fmt::format("{}: {}", directory.native(), error ? error.message() : "is no directory"));
  const bool read = each_entry(directory, [&](const fs::directory_entry& entry) {
    const std::string file = entry.path().filename().native();
    std::string_view name = file;
    if (name.substr(0, ledger_prefix.size()) == ledger_prefix) name.remove_prefix(ledger_prefix.size());
    add_ledger(scan, entry.path(), name);
  });
  if (!read) throw Fault(fmt::format("{}: cannot be read", directory.native()));
  sort(scan);
  return scan;
}

std::filesystem::path find_ledger(pid_t process_id) {
  const HostScan scan = scan_host();
  std::vector<Candidate> candidates = candidates_of(process_id, scan);
  const auto others = std::stable_partition(candidates.begin(), candidates.end(),
                                            [](const Candidate& candidate) { return candidate.is_of_process; });
  if (others == candidates.begin() + 1) return candidates.front().path;
  if (candidates.size() == 1 && !exists(process_id)) return candidates.front().path;
  const std::string hidden = scan.unreadable == 0 ? ""
                                                  : fmt::format(" ({} belong{} to others and cannot be read)",
                                                                scan.unreadable, scan.unreadable == 1 ? "s" : "");
  if (candidates.empty()) {
    throw Fault(
        fmt::format("process {} has no ledger in $XDG_RUNTIME_DIR, /run/user, /dev/shm or /tmp{}: name the file",
                    process_id, hidden));
  }
  if (others != candidates.begin() || !exists(process_id)) {
    throw Fault(fmt::format("process {} has several ledgers: name one of {}", process_id, names_of(candidates)));
  }
  throw Fault(fmt::format("process {} keeps no ledger now{}; an earlier program or process of this id left {}: name it",
                          process_id, hidden.empty() ? "" : " that can be read" + hidden, names_of(candidates)));
}

}  // namespace bursar::tool
