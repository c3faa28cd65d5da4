// What the system tells of the process of a ledger.
#pragma once

#include <cstdint>
#include <filesystem>

#include "interpose/account/ledger_format.h"

namespace bursar::tool {

struct ProcessStatus {
  bool is_alive = false;  // else the sizes are 0
  bool has_id = false;    // it is alive, or has ended and its parent has not asked for its status yet
  uint64_t rss_bytes = 0;
  uint64_t peak_rss_bytes = 0;
};

/// Whether the process that keeps the ledger at `path` still runs the program that it tells of. A process with its id that started
/// later has got the id again; one that executed another program since has a younger ledger beside this one.
[[nodiscard]] ProcessStatus process_status_of(const ledger::Header& header, const std::filesystem::path& path);

/// CLOCK_MONOTONIC, as a ledger's times are.
[[nodiscard]] uint64_t monotonic_ns();

}  // namespace bursar::tool
