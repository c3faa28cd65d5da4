// Making, listing and removing of a run's ledgers.
#include "tools/bursar/ledger_directory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tools/bursar/fault.h"
#include "tools/bursar/ledger_path.h"

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

/// A comma ends a value of BURSAR, and no quotes keep it in.
bool can_be_set(const fs::path& path) { return path.native().find(',') == std::string::npos; }

}  // namespace

LedgerDirectory LedgerDirectory::make_private() {
  std::string faults;
  for (const fs::path& parent : ledger_places()) {
    if (!can_be_set(parent)) continue;
    std::string path = parent / (std::string(ledger_prefix) + "XXXXXX");
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
    const auto process = parse_process_name(entry->path().filename().native());
    if (process)
      names.push_back({.process_id = process->process_id, .generation = process->generation, .path = entry->path()});
  }
  return names;
}

}  // namespace bursar::tool
