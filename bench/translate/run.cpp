#include "bench/translate/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "bench/translate/file_translator.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"
#include "bench/translate/standard_memory.h"

namespace bursar::translate {

// A file for each, so that the code of a variant lies together: the pages of the others are not in the process's memory then.
extern template class FileTranslator<StandardMemory, ScalarScan>;
extern template class FileTranslator<StandardMemory, SimdScan>;
extern template class FileTranslator<RuntimeMemory, ScalarScan>;
extern template class FileTranslator<RuntimeMemory, SimdScan>;

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

/// Hashes a text, and writes it to a file where that is wanted.
class TextTaker final : public TextSink {
 public:
  explicit TextTaker(std::filesystem::path path) : path_(std::move(path)) {
    if (!path_.empty()) file_.emplace(path_, std::ios::binary);
  }

  void take(std::string_view piece) override {
    // Pieces are cut alike for every variant, so hashes of pieces are alike too.
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    hash_ = hash_ * odd + std::hash<std::string_view>{}(piece);
    if (file_) file_->write(piece.data(), static_cast<std::streamsize>(piece.size()));
  }

  /// The text's hash; throws std::system_error when it could not be written.
  [[nodiscard]] std::uint64_t end() {
    if (!file_) return hash_;
    file_->close();
    if (!*file_) throw std::system_error(errno, std::generic_category(), "cannot write " + path_.string());
    return hash_;
  }

 private:
  std::filesystem::path path_;
  std::optional<std::ofstream> file_;
  std::uint64_t hash_ = 0;
};

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
        const bool is_first_round = work < options_.files.size();
        TextTaker taker(is_first_round ? output_path(options_.files[index]) : std::filesystem::path());
        FileResult result = translator.translate(options_.files[index], taker);
        // Odd and different for each place, so that the sum over all files tells their order.
        result.counts.output_hash = taker.end() * (2 * index + 1);
        share.read_ns += result.read_ns;
        share.translate_ns += result.translate_ns;
        if (!is_first_round) continue;
        share.counts += result.counts;
        if (!result.fault.empty()) share.faults.push_back({index, result.fault_line, result.fault});
      }
    } catch (...) {
      next_ = works_;
      const std::lock_guard guard(lock_);
      if (!error_) error_ = std::current_exception();
    }
  }

  /// Empty: the text is not kept.
  [[nodiscard]] std::filesystem::path output_path(const std::string& file) const {
    return options_.output_directory ? *options_.output_directory / output_name(file) : std::filesystem::path();
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
