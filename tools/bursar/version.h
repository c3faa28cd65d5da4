// The version that --version tells; a test compares it with the project's.
#pragma once

namespace bursar::tool {

inline constexpr const char* version = "0.1.0";

}  // namespace bursar::tool
