// Runs a guest program to its end or to its limit, and keeps what it said.
#include "guest_runner.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace bursar::testing {
namespace {

constexpr size_t kept_bytes_max = 256 * 1024;

std::string build_directory() {
  const char* directory = std::getenv("GUEST_DIRECTORY");
  return directory != nullptr ? directory : GUEST_DIRECTORY;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close(read_end);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_write_end() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
};

// Only what a guest needs: neither this test's own BURSAR nor the C library's tunables.
std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> variables = command.environment;
  for (const char* name : {"PATH", "HOME", "TMPDIR"})
    if (const char* value = std::getenv(name); value != nullptr) variables.emplace(name, value);
  std::string preload;
  for (const std::string& library : command.preloads) preload += (preload.empty() ? "" : ":") + library;
  if (!preload.empty()) variables["LD_PRELOAD"] = preload;
  std::vector<std::string> result;
  for (const auto& [name, value] : variables) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(const Command& command, char** arguments, char** environment, Pipe& output, Pipe& errors) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0 || dup2(output.write_end, 1) < 0 || dup2(errors.write_end, 2) < 0) _exit(126);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int descriptor : command.closed_descriptors) close(descriptor);
  if (command.user >= 0) {
    const auto id = static_cast<gid_t>(command.user);
    if (setgroups(0, nullptr) != 0 || setgid(id) != 0 || setuid(id) != 0) _exit(125);
  }
  execve(arguments[0], arguments, environment);
  _exit(127);
}

// False at the end of the stream.
bool take(int descriptor, std::string* text) {
  char bytes[8192];
  const ssize_t count = read(descriptor, bytes, sizeof bytes);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) return false;
  if (text->size() < kept_bytes_max) text->append(bytes, static_cast<size_t>(count));
  return true;
}

int milliseconds_until(std::chrono::steady_clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return left.count() < 0 ? 0 : static_cast<int>(left.count());
}

}  // namespace

const char* name_of(Way way) {
  switch (way) {
    case Way::plain: return "plain";
    case Way::preload: return "preload";
    case Way::preload_jemalloc: return "preload_jemalloc";
    case Way::shared: return "shared";
    case Way::static_exe: return "static";
    case Way::static_pie: return "static_pie";
  }
  return "?";
}

bool way_of(const std::string& name, Way* way) {
  for (const Way candidate : every_way)
    if (name == name_of(candidate)) {
      *way = candidate;
      return true;
    }
  return false;
}

bool is_dynamic(Way way) { return way != Way::static_exe && way != Way::static_pie; }
bool has_bursar(Way way) { return way != Way::plain; }

bool is_built(Way way) {
  if (access(guest_path("c_guests", way).c_str(), X_OK) != 0) return false;
  for (const std::string& library : guest_command("c_guests", way, {}).preloads)
    if (access(library.c_str(), R_OK) != 0) return false;
  return true;
}

std::string guest_path(const std::string& guest, Way way) {
  std::string suffix;
  if (way == Way::shared || !is_dynamic(way)) suffix = std::string("_") + name_of(way);
  return build_directory() + "/" + guest + suffix;
}

std::string library_path(const std::string& name) {
  if (name == "libbursar.so") {
    const char* other = std::getenv("GUEST_PRELOAD");
    return other != nullptr ? other : LIBBURSAR_SO;
  }
  if (name == "libbursar-jemalloc.so") return LIBBURSAR_JEMALLOC_SO;
  if (name == "libbursar-loop.so") return LIBBURSAR_LOOP_SO;
  return build_directory() + "/" + name;
}

std::string Command::text() const {
  std::string result;
  if (!preloads.empty()) {
    result += "LD_PRELOAD=";
    for (const std::string& library : preloads) result += (library == preloads.front() ? "" : ":") + library;
    result += " ";
  }
  for (const auto& [name, value] : environment) result += name + "='" + value + "' ";
  for (const std::string& argument : arguments) result += argument + " ";
  if (user >= 0) result += "(as user " + std::to_string(user) + ") ";
  for (const int descriptor : closed_descriptors) result += std::to_string(descriptor) + ">&- ";
  return result;
}

Command guest_command(const std::string& guest, Way way, std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin(), guest_path(guest, way));
  if (way == Way::preload) command.preloads.push_back(library_path("libbursar.so"));
  if (way == Way::preload_jemalloc) command.preloads.push_back(library_path("libbursar-jemalloc.so"));
  return command;
}

bool Outcome::exited_with(int code) const { return !timed_out && WIFEXITED(status) && WEXITSTATUS(status) == code; }

bool Outcome::killed_by(int signal) const { return !timed_out && WIFSIGNALED(status) && WTERMSIG(status) == signal; }

std::string Outcome::text() const {
  std::string result;
  if (timed_out)
    result = "ran past its limit";
  else if (WIFEXITED(status))
    result = "exit status " + std::to_string(WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    result = std::string("killed by ") + strsignal(WTERMSIG(status));
  return result + "\n--- output\n" + output + "--- errors\n" + errors + "---";
}

Outcome run(const Command& command) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_of(command);
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  Pipe output;
  Pipe errors;
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0)
    become(command, const_cast<char**>(argument_pointers.data()), const_cast<char**>(environment_pointers.data()),
           output, errors);
  setpgid(child, child);
  output.close_write_end();
  errors.close_write_end();

  Outcome outcome;
  const auto end = std::chrono::steady_clock::now() + command.limit;
  pollfd streams[] = {{output.read_end, POLLIN, 0}, {errors.read_end, POLLIN, 0}};
  bool reaped = false;
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    // A child that the guest leaves behind holds the streams open, so the guest itself is looked at, too.
    const int slice = std::min(milliseconds_until(end), 100);
    const int ready = poll(streams, 2, slice);
    if (streams[0].revents != 0 && !take(output.read_end, &outcome.output)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !take(errors.read_end, &outcome.errors)) streams[1].fd = -1;
    if (ready > 0) continue;
    if (!reaped && waitpid(child, &outcome.status, WNOHANG) == child) reaped = true;
    if (reaped || milliseconds_until(end) == 0) break;
  }
  while (!reaped && milliseconds_until(end) > 0) {
    if (waitpid(child, &outcome.status, WNOHANG) == child) {
      reaped = true;
    } else {
      usleep(500);
    }
  }
  outcome.timed_out = !reaped;
  kill(-child, SIGKILL);
  if (!reaped) waitpid(child, &outcome.status, 0);
  return outcome;
}

}  // namespace bursar::testing
