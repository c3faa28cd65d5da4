// Hearing of ledgers that end, reading and removing them.
#include "tools/bursar/collector.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <system_error>

#include "tools/bursar/ledger_path.h"

namespace bursar::tool {
namespace {

/// A ledger of a small program has 40 KiB: so many take less than an MiB, and a run of a few commands leaves all of them until its end.
constexpr size_t held_files_max = 16;

/// Those of programs with many kinds and tasks are longer. Not much beside the 64 MiB that /dev/shm has in a container.
constexpr uint64_t held_bytes_max = 2 << 20;

/// On an overlay, a file counts as closed while it is still mapped.
bool tells_of_mappings(const std::filesystem::path& directory) {
  struct statfs status {};
  return statfs(directory.c_str(), &status) == 0 && status.f_type != OVERLAYFS_SUPER_MAGIC;
}

uint64_t bytes_on_disk(const std::filesystem::path& path) {
  struct stat status {};
  constexpr uint64_t bytes_per_block = 512;
  return lstat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_blocks) * bytes_per_block : 0;
}

}  // namespace

Collector::Collector(const LedgerDirectory& directory, RunSums& sums) : directory_(directory.path()), sums_(sums) {
  if (directory.is_kept() || !tells_of_mappings(directory_)) return;
  events_ = FileDescriptor(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  stop_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  const bool is_ready = events_.is_open() && stop_.is_open() &&
                        inotify_add_watch(events_.number(), directory_.c_str(), IN_CLOSE_WRITE | IN_ONLYDIR) >= 0;
  if (!is_ready) events_.reset();
}

Collector::~Collector() { stop(); }

void Collector::start(pid_t program) {
  if (!events_.is_open()) return;
  program_ = program;
  // Signals are the business of the thread that waits for the program.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads for this user: all ledgers are there at the end.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Collector::stop() {
  if (!thread_.joinable()) return;
  (void)eventfd_write(stop_.number(), 1);
  thread_.join();
}

void Collector::work() {
  pollfd waited[] = {{.fd = events_.number(), .events = POLLIN, .revents = 0},
                     {.fd = stop_.number(), .events = POLLIN, .revents = 0}};
  while (poll(waited, std::size(waited), -1) >= 0 && waited[1].revents == 0) take_events();
}

void Collector::take_events() {
  alignas(inotify_event) char bytes[64 * (sizeof(inotify_event) + 32)];
  const ssize_t count = read(events_.number(), bytes, sizeof bytes);
  for (ssize_t at = 0; at < count;) {
    const auto* event = reinterpret_cast<const inotify_event*>(bytes + at);
    if (event->len != 0) hold(event->name);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
}

/// The program's own stay: the last of them is its report, and they are numbered by which are there.
void Collector::hold(const std::string& name) {
  const auto process = parse_process_name(name);
  if (!process || process->process_id == program_) return;
  const std::filesystem::path path = directory_ / name;
  const auto is_same = [&](const Ended& ended) { return ended.path == path; };
  if (std::any_of(held_.begin(), held_.end(), is_same)) return;
  held_.push_back({.path = path, .bytes = bytes_on_disk(path)});
  held_bytes_ += held_.back().bytes;
  while (held_.size() > held_files_max || held_bytes_ > held_bytes_max) collect_first();
}

void Collector::collect_first() {
  const Ended first = std::move(held_.front());
  held_.pop_front();
  held_bytes_ -= first.bytes;
  sums_.programs.add(first.path, sums_.trees);
  std::error_code error;  // there is none: the directory is this user's own
  std::filesystem::remove(first.path, error);
}

}  // namespace bursar::tool
