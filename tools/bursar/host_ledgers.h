// The ledgers that processes of this host keep, or have left, where `bursar run` and BURSAR=ledger= usually put them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace bursar::tool {

/// As its name says: what is in the file may be anything (read_snapshot tells).
struct HostLedger {
  std::filesystem::path path;
  pid_t process_id = 0;
  unsigned generation = 0;  // a process has one for each program that it executed; the highest is the last
};

struct HostScan {
  std::vector<HostLedger> ledgers;  // by process, the last generation of each last
  uint64_t unreadable = 0;          // files and directories with a ledger's name that belong to somebody else
};

/// Goes through $XDG_RUNTIME_DIR, /run/user/*, /dev/shm and /tmp: files bursar-PID[.GENERATION], and PID[.GENERATION] in
/// directories bursar-XXXXXX. Never throws for what it finds, and takes the first 10,000.
[[nodiscard]] HostScan scan_host();

[[nodiscard]] std::vector<HostLedger> host_ledgers();

/// The ledger of a process by its id: that of the one which runs or has ended unreaped, else the only one that is left. Throws a Fault where there is none,
/// where there are several, or where the id was given out again.
[[nodiscard]] std::filesystem::path find_ledger(pid_t process_id);

}  // namespace bursar::tool
