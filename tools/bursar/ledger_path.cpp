// Names and places of ledgers.
#include "tools/bursar/ledger_path.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string>

namespace bursar::tool {
namespace {

/// All of the text is the number, and it is not below 1.
template <typename Number>
bool parse(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end && number > 0;
}

}  // namespace

std::optional<ProcessName> parse_process_name(std::string_view name) {
  ProcessName result;
  const size_t point = name.find('.');
  if (!parse(name.substr(0, point), result.process_id)) return std::nullopt;
  if (point != std::string_view::npos && !parse(name.substr(point + 1), result.generation)) return std::nullopt;
  return result;
}

std::vector<std::filesystem::path> ledger_places() {
  std::vector<std::filesystem::path> places;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    places.emplace_back(runtime);
  places.emplace_back("/dev/shm");
  places.emplace_back("/tmp");
  return places;
}

unsigned generation_of(const std::filesystem::path& path) {
  const std::string suffix = path.extension().native();
  unsigned generation = 0;
  return suffix.size() > 1 && parse(std::string_view(suffix).substr(1), generation) ? generation : 0;
}

std::filesystem::path with_generation(const std::filesystem::path& path, unsigned generation) {
  std::filesystem::path stem = path;
  if (generation_of(path) != 0) stem.replace_extension();
  return generation == 0 ? stem : std::filesystem::path(fmt::format("{}.{}", stem.native(), generation));
}

}  // namespace bursar::tool
