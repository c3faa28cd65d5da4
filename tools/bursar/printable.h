// Names from anywhere, as they may be shown.
#pragma once

#include <string>

namespace bursar::tool {

/// The same in UTF-8, where what is none, or steers a terminal, has become '?'.
[[nodiscard]] std::string printable(const std::string& name);

}  // namespace bursar::tool
