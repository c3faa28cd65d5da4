// The directory in which all processes of one run leave their ledgers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/bursar/ledger_path.h"

namespace bursar::tool {

/// Of mode 0700, and removed with what is in it when its owner goes, unless the user named it.
class LedgerDirectory {
 public:
  /// In the first of $XDG_RUNTIME_DIR, /dev/shm and /tmp that takes it. Throws a Fault where none does.
  static LedgerDirectory make_private();

  /// Made where it is missing. Throws a Fault where it is not empty: old ledgers would be taken for new ones.
  static LedgerDirectory keep_in(const std::filesystem::path& path);

  ~LedgerDirectory();
  LedgerDirectory(LedgerDirectory&& other) noexcept;
  LedgerDirectory& operator=(LedgerDirectory&&) = delete;
  LedgerDirectory(const LedgerDirectory&) = delete;
  LedgerDirectory& operator=(const LedgerDirectory&) = delete;

  /// What the variable BURSAR says so that each process keeps its ledger here.
  [[nodiscard]] std::string setting() const;

  [[nodiscard]] std::vector<LedgerName> ledgers() const;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Whether the user named it.
  [[nodiscard]] bool is_kept() const noexcept { return kept_ == Kept::yes; }

 private:
  enum class Kept : unsigned char { no, yes };

  LedgerDirectory(std::filesystem::path path, Kept kept) : path_(std::move(path)), kept_(kept) {}

  std::filesystem::path path_;
  Kept kept_;
};

}  // namespace bursar::tool
