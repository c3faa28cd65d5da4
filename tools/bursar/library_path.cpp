// The search for the library.
#include "tools/bursar/library_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "tools/bursar/fault.h"

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

struct Names {
  const char* file;
  const char* variable;
};

Names names_of(PageSource source) {
  return source == PageSource::jemalloc ? Names{"libbursar-jemalloc.so", "BURSAR_JEMALLOC_LIBRARY"}
                                        : Names{"libbursar.so", "BURSAR_LIBRARY"};
}

/// Beside the command: the build directory. ../lib and its directories (of the architecture): installed.
std::vector<fs::path> candidates(const char* file) {
  std::error_code error;
  const fs::path home = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  std::vector<fs::path> paths{home / file};
  const fs::path prefix = home.parent_path();
  for (const char* name : {"lib", "lib64"}) {
    paths.push_back(prefix / name / file);
    std::vector<fs::path> below;
    for (const fs::directory_entry& entry : fs::directory_iterator(prefix / name, error)) {
      if (entry.is_directory(error)) below.push_back(entry.path() / file);
    }
    std::sort(below.begin(), below.end());
    paths.insert(paths.end(), below.begin(), below.end());
  }
  return paths;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

}  // namespace

fs::path library_path(PageSource source) {
  const Names names = names_of(source);
  fs::path found;
  if (const char* named = std::getenv(names.variable); named != nullptr && *named != '\0') {
    if (!is_file(named)) throw Fault(fmt::format("{}: no such library; {} names it", named, names.variable));
    found = fs::absolute(named);
  } else {
    const std::vector<fs::path> paths = candidates(names.file);
    const auto first = std::find_if(paths.begin(), paths.end(), is_file);
    if (first == paths.end()) {
      throw Fault(
          fmt::format("{} is neither beside this command nor in ../lib: name it in {}", names.file, names.variable));
    }
    found = *first;
  }
  // ld.so takes both for the border between two libraries, and knows no quotes.
  if (found.native().find_first_of(" :") != std::string::npos) {
    throw Fault(
        fmt::format("{}: LD_PRELOAD cannot name a path with a space or a colon: "
                    "make a link to it elsewhere and name that in {}",
                    found.native(), names.variable));
  }
  return found;
}

fs::path loop_library_path(const fs::path& library) {
  fs::path found = library.parent_path() / "libbursar-loop.so";
  if (is_file(found)) return found;
  throw Fault(fmt::format("--tasks=loop: no libbursar-loop.so beside {}: install it there", library.native()));
}

}  // namespace bursar::tool
