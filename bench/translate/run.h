// Translates many files with one of the variants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/translate/report.h"

namespace bursar::translate {

enum class MemoryChoice : std::uint8_t { standard, runtime };
enum class ScanChoice : std::uint8_t { scalar, simd };

struct RunOptions {
  MemoryChoice memory = MemoryChoice::standard;
  ScanChoice scan = ScanChoice::scalar;
  std::size_t threads = 1;
  std::size_t rounds = 1;
  std::optional<std::filesystem::path> output_directory;  ///< where the text of each file goes
  std::vector<std::string> files;
};

/// Throws std::system_error for a file that cannot be read or written.
[[nodiscard]] RunReport run(const RunOptions& options);

/// Where the text of a file goes: its path in one word, so that files of several directories do not meet.
[[nodiscard]] std::string output_name(const std::string& file);

}  // namespace bursar::translate
