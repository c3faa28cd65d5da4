// Whether a path still leads to the file that it led to.
#pragma once

#include <filesystem>
#include <string>

namespace bursar::tool {

/// Another one whenever another file takes the path; empty where there is none. Writing through a mapping does not change it.
[[nodiscard]] std::string stamp_of(const std::filesystem::path& path);

}  // namespace bursar::tool
