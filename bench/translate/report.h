// What a run of the translator comes to, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::translate {

/// Why a file was not translated to its end.
struct FileFault {
  std::string file;
  std::uint32_t line = 0;
  std::string_view fault;
};

/// Counts of one round over all files.
struct Counts {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t tokens = 0;
  std::uint64_t statements = 0;
  std::uint64_t opaque_statements = 0;
  std::uint64_t nodes = 0;
  std::uint64_t names_resolved = 0;
  std::uint64_t output_bytes = 0;
  std::uint64_t output_hash = 0;     ///< the same for the same files in the same order, whoever translated which
  std::uint64_t copies_avoided = 0;  ///< literals that are borrowed from the source
  std::uint64_t copies_made = 0;     ///< literals that were written anew

  Counts& operator+=(const Counts& other);
};

struct RunReport {
  Counts counts;
  std::uint64_t rounds = 1;
  std::uint64_t read_ns = 0;       ///< over all rounds and threads
  std::uint64_t translate_ns = 0;  ///< the same
  std::uint64_t wall_ns = 0;       ///< over all rounds
  std::vector<FileFault> faults;   ///< in the order of the files
};

[[nodiscard]] std::string to_json(const RunReport& report);
[[nodiscard]] std::string to_text(const RunReport& report);

}  // namespace bursar::translate
