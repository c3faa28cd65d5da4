// The report of all ledgers that lie in a directory: what a run left whose own report never came.
#pragma once

#include <filesystem>
#include <string>

#include "interpose/account/render.h"

namespace bursar::tool {

/// Programs, the processes with the highest peaks, and the tasks of all, put together. Throws a Fault where the directory has no ledger, where none
/// can be read, or where the format tells of one process only.
[[nodiscard]] std::string report_directory(const std::filesystem::path& directory, ledger::Format format);

}  // namespace bursar::tool
