// Real text for the benches: the source files of a directory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::bench {

/// Where the text comes from: BURSAR_BENCH_CORPUS, or Debian's python3.
inline std::filesystem::path corpus_directory() {
  const char* named = std::getenv("BURSAR_BENCH_CORPUS");
  return named != nullptr ? named : "/usr/lib/python3.11";
}

inline bool is_source(const std::filesystem::path& path) {
  const auto suffix = path.extension();
  return suffix == ".py" || suffix == ".h" || suffix == ".hpp" || suffix == ".c" || suffix == ".cpp";
}

/// The content of every source file below a directory, in the order of their names, up to `bytes_max`.
inline std::vector<std::string> read_corpus(std::size_t bytes_max) {
  std::vector<std::filesystem::path> paths;
  using Options = std::filesystem::directory_options;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(corpus_directory(), Options::skip_permission_denied)) {
    if (entry.is_regular_file() && is_source(entry.path())) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (const auto& path : paths) {
    if (bytes >= bytes_max) break;
    std::ifstream file(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    bytes += texts.back().size();
  }
  return texts;
}

/// The words that a C or Python scanner would intern: letters, digits and underscores that do not begin with a digit.
template <typename Take>
void for_each_identifier(std::string_view text, Take take) {
  auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
  };
  auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]))) ++end;
    if (end > at && is_letter(text[at])) take(text.substr(at, end - at));
    at = end > at ? end : at + 1;
  }
}

}  // namespace bursar::bench
