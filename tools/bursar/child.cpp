// fork, exec, signals, wait.
#include "tools/bursar/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "tools/bursar/fault.h"
#include "tools/bursar/file_descriptor.h"

namespace bursar::tool {
namespace {

constexpr int left_to_program[] = {SIGINT, SIGQUIT};
constexpr int passed_on[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

volatile sig_atomic_t child_process_id = 0;

void pass_on(int signal_number) {
  const int saved_errno = errno;
  kill(static_cast<pid_t>(child_process_id), signal_number);
  errno = saved_errno;
}

void set_handlers() {
  struct sigaction action {};
  sigfillset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  action.sa_handler = SIG_IGN;
  for (const int signal_number : left_to_program) sigaction(signal_number, &action, nullptr);
  action.sa_handler = pass_on;
  for (const int signal_number : passed_on) {
    struct sigaction before {};
    sigaction(signal_number, nullptr, &before);
    // Under nohup nobody wants to hear of SIGHUP.
    if (before.sa_handler != SIG_IGN) sigaction(signal_number, &action, nullptr);
  }
}

/// A report that cannot be written, to a pipe that nobody reads, can be interrupted; the others stay held back, so that
/// a late one does not take the report away.
void let_terminal_interrupt() {
  sigset_t interrupts;
  sigemptyset(&interrupts);
  for (const int signal_number : left_to_program) {
    signal(signal_number, SIG_DFL);
    sigaddset(&interrupts, signal_number);
  }
  sigprocmask(SIG_UNBLOCK, &interrupts, nullptr);
}

/// What execve takes: pointers into the strings, and a null.
std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void refuse(const std::string& program, int error) {
  const int status = error == ENOENT ? exit_status_not_found : exit_status_not_executable;
  const bool is_path = program.find('/') != std::string::npos;
  if (error == ENOENT && !is_path)
    throw Fault(fmt::format("cannot run '{}': no such program in PATH", program), status);
  if (error == ENOENT && access(program.c_str(), F_OK) == 0) {
    throw Fault(fmt::format("cannot run '{}': the interpreter that it names does not exist", program), status);
  }
  throw Fault(fmt::format("cannot run '{}': {}", program, std::strerror(error)), status);
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t ns_of(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1'000;
}

/// The error that execve met in the child; 0 where it went well and so closed the pipe.
int exec_error(const FileDescriptor& pipe_end) {
  int error = 0;
  ssize_t count = 0;
  do {
    count = read(pipe_end.number(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  return count == sizeof error ? error : 0;
}

/// What only /proc tells of a process that has ended, and only until it is reaped.
struct LastWords {
  std::string name;
  uint64_t page_faults = 0;  // minor and major. What wait4 tells includes its children's
};

/// Nothing where /proc cannot tell.
LastWords last_words_of(pid_t process_id) {
  std::ifstream stat(fmt::format("/proc/{}/stat", process_id));
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // The name, in brackets, may hold anything; behind it: state, six numbers, minflt, cminflt, majflt.
  const size_t name_start = text.find('(') + 1;
  const size_t name_end = text.rfind(')');
  if (name_start == 0 || name_end == std::string::npos || name_end < name_start) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 7; ++i) fields >> skipped;
  uint64_t minor = 0;
  uint64_t of_children = 0;
  uint64_t major = 0;
  fields >> minor >> of_children >> major;
  return {.name = text.substr(name_start, name_end - name_start), .page_faults = fields ? minor + major : 0};
}

/// Waits first and reaps then, with signals held back in between: a handler must not find the number of a process that
/// is no longer ours.
Ending await(pid_t process_id) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process_id), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);

  LastWords last_words = last_words_of(process_id);
  int status = 0;
  rusage usage{};
  if (wait4(process_id, &status, 0, &usage) != process_id) {
    throw Fault(fmt::format("lost sight of process {}: {}", process_id, std::strerror(errno)), exit_status_run_fault);
  }
  return Ending{
      .process_id = process_id,
      .exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
      .term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
      .wall_ns = 0,
      .user_ns = ns_of(usage.ru_utime),
      .system_ns = ns_of(usage.ru_stime),
      .peak_rss_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024,
      .page_faults = last_words.page_faults,
      .last_name = std::move(last_words.name),
  };
}

}  // namespace

/// fork, not vfork or posix_spawn: the kernel counts what was resident before execve to the program's peak, and a child
/// of fork has far less of that than its parent.
Ending run_to_end(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                  const std::function<void(pid_t)>& on_start) {
  const std::vector<char*> arguments = pointers_to(command);
  const std::vector<char*> variables = pointers_to(environment);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Fault(fmt::format("no pipe: {}", std::strerror(errno)), exit_status_run_fault);
  FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);

  // Held back until the handlers are there; the program starts with what this process was given.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  const uint64_t start_ns = monotonic_ns();
  const pid_t process_id = fork();
  if (process_id < 0) {
    throw Fault(fmt::format("no new process: {}", std::strerror(errno)), exit_status_run_fault);
  }
  if (process_id == 0) {
    sigprocmask(SIG_SETMASK, &before, nullptr);
    execvpe(arguments[0], arguments.data(), variables.data());
    const int error = errno;
    while (write(write_end.number(), &error, sizeof error) < 0 && errno == EINTR) {
    }
    _exit(exit_status_not_found);
  }
  write_end.reset();
  child_process_id = process_id;
  set_handlers();
  sigprocmask(SIG_SETMASK, &before, nullptr);

  const int error = exec_error(read_end);
  if (error == 0) on_start(process_id);
  Ending ending = await(process_id);
  let_terminal_interrupt();
  if (error != 0) refuse(command[0], error);
  ending.wall_ns = monotonic_ns() - start_ns;
  return ending;
}

void become(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  const std::vector<char*> arguments = pointers_to(command);
  const std::vector<char*> variables = pointers_to(environment);
  execvpe(arguments[0], arguments.data(), variables.data());
  refuse(command[0], errno);
}

}  // namespace bursar::tool
