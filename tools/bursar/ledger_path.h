// The names of ledgers, and where they lie if nobody says otherwise.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace bursar::tool {

/// PID or PID.GENERATION: what `ledger=DIRECTORY/%p` makes. Where a file of the name exists already, the writer numbers its own.
struct ProcessName {
  pid_t process_id = 0;
  unsigned generation = 0;
};

/// A file that has such a name: what is in it may be anything (read_snapshot tells).
struct LedgerName {
  pid_t process_id = 0;
  unsigned generation =
      0;  // a process has one for each program that it executed; each took the first number that was free
  std::filesystem::path path;
};

/// None for any other name.
[[nodiscard]] std::optional<ProcessName> parse_process_name(std::string_view name);

/// $XDG_RUNTIME_DIR, /dev/shm, /tmp.
[[nodiscard]] std::vector<std::filesystem::path> ledger_places();

/// What the name of a run's directory, or of a single file in one of those places, begins with.
inline constexpr std::string_view ledger_prefix = "bursar-";

/// PATH.3 has generation 3, PATH generation 0.
[[nodiscard]] unsigned generation_of(const std::filesystem::path& path);

/// The name that the same process's ledger of this generation has.
[[nodiscard]] std::filesystem::path with_generation(const std::filesystem::path& path, unsigned generation);

}  // namespace bursar::tool
