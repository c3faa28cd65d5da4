// Keeps the directory of a run small: the ledgers of processes that have ended are added up while the program runs, and removed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <thread>

#include "tools/bursar/file_descriptor.h"
#include "tools/bursar/ledger_directory.h"
#include "tools/bursar/programs.h"
#include "tools/bursar/trees.h"

namespace bursar::tool {

/// What the processes of a run counted, but for the program itself.
struct RunSums {
  ProgramSums programs;
  Trees trees;
};

/// A ledger has ended when the last mapping of it is gone, by whatever way its process ended or became another program: the kernel tells
/// of that as of any file that was open for writing. Of those that have ended the last few stay, for whoever looks into the directory.
class Collector {
 public:
  /// From here on it hears of what ends in the directory. Collects nothing where the user keeps the ledgers, or where the kernel does not
  /// tell: then all of them are there at the end.
  Collector(const LedgerDirectory& directory, RunSums& sums);

  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// Begins a thread that does so, and leaves the ledgers of this process alone. Until `stop`, the sums are the thread's.
  void start(pid_t program);

  /// What it has not collected is in the directory.
  void stop();

 private:
  struct Ended {
    std::filesystem::path path;
    uint64_t bytes;
  };

  void work();
  void take_events();
  void hold(const std::string& name);
  void collect_first();

  std::filesystem::path directory_;
  RunSums& sums_;
  FileDescriptor events_;
  FileDescriptor stop_;
  pid_t program_ = 0;
  std::deque<Ended> held_;
  uint64_t held_bytes_ = 0;
  std::thread thread_;
};

}  // namespace bursar::tool
