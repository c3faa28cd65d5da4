// The files of the live page, as page/embed.py puts them into the command.
#pragma once

#include <span>
#include <string_view>

namespace bursar::tool {

struct PageFile {
  std::string_view path;  // as it is asked for
  const char* type;
  std::string_view text;
};

[[nodiscard]] std::span<const PageFile> page_files();

}  // namespace bursar::tool
