// What stat tells.
#include "tools/bursar/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace bursar::tool {

std::string stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return fmt::format("{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

}  // namespace bursar::tool
