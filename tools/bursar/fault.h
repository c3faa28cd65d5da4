// What ends a command early: one line for the user, and an exit status.
#pragma once

#include <stdexcept>
#include <string>

namespace bursar::tool {

/// The command was used wrongly, or a file is not what it should be.
inline constexpr int exit_status_fault = 2;

/// `bursar run` itself failed before the program ran: what env, timeout and nohup answer, since every status up to 124
/// may be the program's, 126 and 127 say that it could not be run, and those above 128 tell signals.
inline constexpr int exit_status_run_fault = 125;
inline constexpr int exit_status_not_executable = 126;
inline constexpr int exit_status_not_found = 127;
inline constexpr int exit_status_signal_base = 128;

/// Names the file, the fault and the way out.
class Fault : public std::runtime_error {
 public:
  explicit Fault(const std::string& line, int status = exit_status_fault) : std::runtime_error(line), status_(status) {}

  [[nodiscard]] int exit_status() const noexcept { return status_; }

 private:
  int status_;
};

}  // namespace bursar::tool
