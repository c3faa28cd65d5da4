// Making, listing and removing of a run's ledgers.
#include "tools/bursar/ledger_directory.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tools/bursar/fault.h"

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

/// A comma ends a value of BURSAR, and no quotes keep it in.
bool can_be_set(const fs::path& path) { return path.native().find(',') == std::string::npos; }

std::vector<fs::path> parents() {
  std::vector<fs::path> paths;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    paths.emplace_back(runtime);
  paths.emplace_back("/dev/shm");
  paths.emplace_back("/tmp");
  return paths;
}

template <typename Number>
bool parse(const char*& at, const char* end, Number& number) {
  const auto [stop, error] = std::from_chars(at, end, number);
  const bool parsed = error == std::errc{} && stop != at;
  at = stop;
  return parsed;
}

/// PID or PID.GENERATION.
std::optional<LedgerName> parse_name(const fs::path& path) {
  const std::string name = path.filename().native();
  const char* at = name.data();
  const char* const end = at + name.size();
  LedgerName result{.process_id = 0, .generation = 0, .path = path};
  if (!parse(at, end, result.process_id) || result.process_id <= 0) return std::nullopt;
  if (at == end) return result;
  if (*at++ != '.' || !parse(at, end, result.generation) || at != end) return std::nullopt;
  return result;
}

}  // namespace

LedgerDirectory LedgerDirectory::make_private() {
  std::string faults;
  for (const fs::path& parent : parents()) {
    if (!can_be_set(parent)) continue;
    std::string path = parent / "bursar-XXXXXX";
    if (mkdtemp(path.data()) != nullptr) return {path, Kept::no};
    faults += fmt::format("{}{}: {}", faults.empty() ? "" : ", ", parent.native(), std::strerror(errno));
  }
  throw Fault(fmt::format("no place for the ledgers ({}): name a directory with --ledgers", faults));
}

LedgerDirectory LedgerDirectory::keep_in(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path);
  if (!can_be_set(whole)) throw Fault(fmt::format("{}: ledgers cannot lie in a path with a comma", whole.native()));
  fs::create_directories(whole, error);
  if (error) throw Fault(fmt::format("{}: no directory can be made here: {}", whole.native(), error.message()));
  const bool empty = fs::is_empty(whole, error);
  if (error) throw Fault(fmt::format("{}: cannot be read: {}", whole.native(), error.message()));
  if (!empty)
    throw Fault(fmt::format("{}: is not empty; the ledgers of a run need a directory of their own", whole.native()));
  return {whole, Kept::yes};
}

LedgerDirectory::LedgerDirectory(LedgerDirectory&& other) noexcept : path_(std::move(other.path_)), kept_(other.kept_) {
  other.path_.clear();
}

LedgerDirectory::~LedgerDirectory() {
  if (kept_ == Kept::yes || path_.empty()) return;
  // Twice, since a process that outlives the program may have made its ledger while the first went through.
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) fs::remove_all(path_, error);
}

std::string LedgerDirectory::setting() const {
  std::string value = "ledger=";
  for (const char character : path_.native()) value.append(character == '%' ? 2 : 1, character);
  return value + "/%p";
}

std::vector<LedgerName> LedgerDirectory::ledgers() const {
  std::vector<LedgerName> names;
  std::error_code error;
  for (auto entry = fs::directory_iterator(path_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (auto name = parse_name(entry->path())) names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace bursar::tool
