// The program that is run: how it starts, what it hears of signals, how it ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bursar::tool {

struct Ending {
  pid_t process_id = 0;
  int exit_status = -1;  // -1 where a signal ended it
  int term_signal = 0;
  uint64_t wall_ns = 0;
  uint64_t user_ns = 0;  // with its children's, as time(1) has it
  uint64_t system_ns = 0;
  uint64_t peak_rss_bytes = 0;  // the highest of it and its children
  uint64_t page_faults = 0;     // its own
  std::string last_name;        // at its end, as the kernel has it: up to 15 bytes of the program's name
};

/// Runs the program to its end. Meanwhile SIGINT and SIGQUIT, which a terminal sends to both, are left to the program,
/// and SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are passed on to it. `on_start` gets its id once it runs. Throws a Fault where it cannot be executed.
/// Pre: called once, from the only thread; a thread that `on_start` begins takes no signals.
[[nodiscard]] Ending run_to_end(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                                const std::function<void(pid_t)>& on_start);

/// Becomes the program. Throws a Fault where it cannot be executed.
[[noreturn]] void become(const std::vector<std::string>& command, const std::vector<std::string>& environment);

}  // namespace bursar::tool
