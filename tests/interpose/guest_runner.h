// Runs a guest program to its end or to its limit, and keeps what it said.
#ifndef TESTS_INTERPOSE_GUEST_RUNNER_H
#define TESTS_INTERPOSE_GUEST_RUNNER_H

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace bursar::testing {

// How the allocator gets into a guest.
enum class Way { plain, preload, preload_jemalloc, shared, static_exe, static_pie };

inline constexpr Way every_way[] = {Way::plain,  Way::preload,    Way::preload_jemalloc,
                                    Way::shared, Way::static_exe, Way::static_pie};

[[nodiscard]] const char* name_of(Way way);
[[nodiscard]] bool way_of(const std::string& name, Way* way);
[[nodiscard]] bool is_dynamic(Way way);
[[nodiscard]] bool has_bursar(Way way);

// Whether this build has made the guests of that way.
[[nodiscard]] bool is_built(Way way);

// The path of a guest's executable for one way in.
[[nodiscard]] std::string guest_path(const std::string& guest, Way way);

// The path of a library of the guests, of libbursar.so or of libbursar-jemalloc.so.
[[nodiscard]] std::string library_path(const std::string& name);

struct Command {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  std::vector<std::string> preloads;
  std::chrono::seconds limit{60};
  std::vector<int> closed_descriptors;
  int user = -1;  // run as this user and group, where this process may change them

  // A line for the shell that does the same.
  [[nodiscard]] std::string text() const;
};

// A guest by one way in, with what that way preloads.
[[nodiscard]] Command guest_command(const std::string& guest, Way way, std::vector<std::string> arguments);

struct Outcome {
  int status = -1;  // of waitpid
  bool timed_out = false;
  std::string output;
  std::string errors;

  [[nodiscard]] bool exited_with(int code) const;
  [[nodiscard]] bool killed_by(int signal) const;
  // How it ended and what it said.
  [[nodiscard]] std::string text() const;
};

// The guest and its children are a process group of their own, and none of them outlives this call.
[[nodiscard]] Outcome run(const Command& command);

}  // namespace bursar::testing

#endif
