// Where the library to preload lies.
#pragma once

#include <filesystem>

namespace bursar::tool {

/// Where the library's pages come from: the system, or a private jemalloc.
enum class PageSource : unsigned char { os, jemalloc };

/// What $BURSAR_LIBRARY ($BURSAR_JEMALLOC_LIBRARY) says, else what lies beside the command or under ../lib.
/// Throws a Fault where there is none, or none that LD_PRELOAD can name.
[[nodiscard]] std::filesystem::path library_path(PageSource source);

/// The library that tells turns of an event loop from each other: it lies beside that of the heap. Throws a Fault where it does not.
[[nodiscard]] std::filesystem::path loop_library_path(const std::filesystem::path& library);

}  // namespace bursar::tool
