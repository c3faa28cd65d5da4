// Owners of processes, files and directories.
#include "tools/bursar/ledger_owner.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>

namespace bursar::tool {
namespace {

namespace fs = std::filesystem;

/// The user that the process acts as; none where there is no such process. The owner of /proc/PID is another one where a program may not be traced.
std::optional<uid_t> user_of(uint32_t process_id) {
  std::ifstream status(fmt::format("/proc/{}/status", process_id));
  for (std::string word; status >> word;) {
    uid_t real = 0;
    uid_t effective = 0;
    if (word == "Uid:") return status >> real >> effective ? std::optional(effective) : std::nullopt;
    if (word == "Name:") std::getline(status, word);  // it may have any words
  }
  return std::nullopt;
}

bool only_one_writes_to(const fs::path& directory, uid_t user) {
  struct stat status {};
  return stat(directory.c_str(), &status) == 0 && (status.st_uid == user || status.st_uid == 0) &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool only_one_could_put(const fs::path& path, uid_t user) {
  std::error_code error;
  fs::path directory = fs::canonical(path.parent_path().empty() ? "." : path.parent_path(), error);
  if (error) return false;
  while (only_one_writes_to(directory, user)) {
    if (directory == directory.root_path()) return true;
    directory = directory.parent_path();
  }
  return false;
}

}  // namespace

bool may_tell_of(uint32_t process_id, uid_t owner, const fs::path& path) {
  if (owner == geteuid() || owner == 0) return true;
  if (const std::optional<uid_t> user = user_of(process_id)) return *user == owner;
  // Where /proc hides the processes of others, it hides that this one is there.
  return access(fmt::format("/proc/{}", process_id).c_str(), F_OK) != 0 && only_one_could_put(path, owner);
}

}  // namespace bursar::tool
