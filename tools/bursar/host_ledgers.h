// The ledgers that processes keep, or have left: where `bursar run` and BURSAR=ledger= usually put them, or in one directory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "tools/bursar/ledger_path.h"

namespace bursar::tool {

struct HostScan {
  std::vector<LedgerName> ledgers;  // by process, then by generation
  uint64_t unreadable =
      0;  // files and directories with a ledger's name that belong to somebody else, who may not tell of that process or lets nobody read them
};

/// Goes through $XDG_RUNTIME_DIR, /run/user/*, /dev/shm and /tmp: files bursar-PID[.GENERATION], and PID[.GENERATION] in
/// directories bursar-XXXXXX. Never throws for what it finds, and takes the first 10,000.
[[nodiscard]] HostScan scan_host();

/// The same of one directory: files [bursar-]PID[.GENERATION], which is how `run --ledgers` and BURSAR=ledger=DIRECTORY/%p name them. Throws a
/// Fault where it cannot be read.
[[nodiscard]] HostScan scan_directory(const std::filesystem::path& directory);

/// The ledger of a process by its id: that of the one which runs or has ended unreaped, else the only one that is left. Throws a Fault where there is none,
/// where there are several, or where the id was given out again.
[[nodiscard]] std::filesystem::path find_ledger(pid_t process_id);

}  // namespace bursar::tool
