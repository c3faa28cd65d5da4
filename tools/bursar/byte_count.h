// Numbers of bytes as one types them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bursar::tool {

/// `123`, `64K`, `200M`, `2G`, `1T`: powers of 1024, in either case. None for anything else, for 0 and for what no address space has (more than 64T).
[[nodiscard]] std::optional<uint64_t> parse_byte_count(std::string_view text);

}  // namespace bursar::tool
