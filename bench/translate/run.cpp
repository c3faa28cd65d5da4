#include "bench/translate/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <functional>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>

#include "bench/translate/file_translator.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"
#include "bench/translate/standard_memory.h"

namespace bursar::translate {

namespace {

/// What one thread's files come to.
struct Share {
  struct Fault {
    std::size_t file;
    std::uint32_t line;
    std::string_view text;
  };
  Counts counts;
  std::uint64_t read_ns = 0;
  std::uint64_t translate_ns = 0;
  std::vector<Fault> faults;
};

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw std::system_error(errno, std::generic_category(), "cannot write " + path.string());
}

/// Files are handed out one by one, round after round. What a thread meets ends the others at their next file.
class Run {
 public:
  explicit Run(const RunOptions& options) : options_(options), works_(options.files.size() * options.rounds) {}

  template <typename Memory, typename Scan>
  RunReport go() {
    if (options_.output_directory) std::filesystem::create_directories(*options_.output_directory);
    const auto start = std::chrono::steady_clock::now();
    typename Memory::Shared shared(options_.threads);
    std::vector<Share> shares(options_.threads);
    {
      std::vector<std::jthread> others;
      for (std::size_t index = 1; index < options_.threads; ++index)
        others.emplace_back([&, index] { work<Memory, Scan>(shared, shares[index]); });
      work<Memory, Scan>(shared, shares[0]);
    }
    if (error_) std::rethrow_exception(error_);
    const auto wall = std::chrono::steady_clock::now() - start;
    return report_of(shares, static_cast<std::uint64_t>(std::chrono::nanoseconds(wall).count()));
  }

 private:
  template <typename Memory, typename Scan>
  void work(typename Memory::Shared& shared, Share& share) {
    try {
      FileTranslator<Memory, Scan> translator(shared);
      for (std::size_t work = next_++; work < works_; work = next_++) {
        const std::size_t index = work % options_.files.size();
        std::uint64_t hash = 0;
        FileResult result = translator.translate(options_.files[index], [&](std::string_view text) {
          // Odd and different for each place, so that the sum over all files tells their order.
          hash = std::hash<std::string_view>{}(text) * (2 * index + 1);
          if (options_.output_directory && work < options_.files.size())
            write_text(*options_.output_directory / output_name(options_.files[index]), text);
        });
        result.counts.output_hash = hash;
        share.read_ns += result.read_ns;
        share.translate_ns += result.translate_ns;
        if (work >= options_.files.size()) continue;
        share.counts += result.counts;
        if (!result.fault.empty()) share.faults.push_back({index, result.fault_line, result.fault});
      }
    } catch (...) {
      next_ = works_;
      const std::lock_guard guard(lock_);
      if (!error_) error_ = std::current_exception();
    }
  }

  RunReport report_of(const std::vector<Share>& shares, std::uint64_t wall_ns) const {
    RunReport report;
    report.rounds = options_.rounds;
    report.wall_ns = wall_ns;
    std::vector<Share::Fault> faults;
    for (const Share& share : shares) {
      report.counts += share.counts;
      report.read_ns += share.read_ns;
      report.translate_ns += share.translate_ns;
      faults.insert(faults.end(), share.faults.begin(), share.faults.end());
    }
    std::ranges::sort(faults, {}, &Share::Fault::file);
    for (const Share::Fault& fault : faults)
      report.faults.push_back({options_.files[fault.file], fault.line, fault.text});
    return report;
  }

  const RunOptions& options_;
  const std::size_t works_;
  std::atomic<std::size_t> next_{0};
  std::mutex lock_;
  std::exception_ptr error_;  // GUARDED_BY(lock_)
};

}  // namespace

RunReport run(const RunOptions& options) {
  Run run(options);
  if (options.memory == MemoryChoice::standard) {
    return options.scan == ScanChoice::scalar ? run.go<StandardMemory, ScalarScan>()
                                              : run.go<StandardMemory, SimdScan>();
  }
  return options.scan == ScanChoice::scalar ? run.go<RuntimeMemory, ScalarScan>() : run.go<RuntimeMemory, SimdScan>();
}

std::string output_name(const std::string& file) {
  std::string name = file;
  std::ranges::replace(name, '/', '-');
  name.erase(0, name.find_first_not_of('-'));
  return name + ".cpp";
}

}  // namespace bursar::translate
