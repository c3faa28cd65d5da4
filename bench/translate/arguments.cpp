#include "bench/translate/arguments.h"

#include <getopt.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace bursar::translate {

const std::string_view usage =
    R"(translate --memory=standard|runtime --scan=scalar|simd [OPTION...] FILE...

Translates Python sources to text like C++ and prints figures.

  --memory=standard|runtime   containers on malloc, or the runtime API
  --scan=scalar|simd          byte by byte, or 16 bytes at a time
  --threads=N                 so many at once (1)
  --repeat=N                  all files so many times (1)
  --output=DIRECTORY          where the texts go; without it they are not kept
  --list=FILE                 paths of more files, one a line
  --json                      the figures as JSON
  --help                      this text
)";

namespace {

enum Option : int { memory = 256, scan, threads, repeat, output, list, json, help };

constexpr option options[] = {
    {"memory", required_argument, nullptr, memory},
    {"scan", required_argument, nullptr, scan},
    {"threads", required_argument, nullptr, threads},
    {"repeat", required_argument, nullptr, repeat},
    {"output", required_argument, nullptr, output},
    {"list", required_argument, nullptr, list},
    {"json", no_argument, nullptr, json},
    {"help", no_argument, nullptr, help},
    {nullptr, 0, nullptr, 0},
};

std::size_t number_of(const std::string& name, std::string_view text, std::size_t max) {
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || number == 0 || number > max)
    throw BadArguments(name + " wants a number from 1 to " + std::to_string(max) + ", not '" + std::string(text) + "'");
  return number;
}

/// One of two words.
template <typename Choice>
Choice choice_of(const std::string& name, std::string_view text, std::pair<std::string_view, Choice> first,
                 std::pair<std::string_view, Choice> second) {
  if (text == first.first) return first.second;
  if (text == second.first) return second.second;
  throw BadArguments(name + " is " + std::string(first.first) + " or " + std::string(second.first) + ", not '" +
                     std::string(text) + "'");
}

void add_list(const std::string& path, std::vector<std::string>& files) {
  std::ifstream lines(path);
  if (!lines) throw std::system_error(errno, std::generic_category(), "cannot read " + path);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) files.push_back(line);
  }
}

}  // namespace

Arguments parse_arguments(int argument_count, char** argument_values) {
  constexpr std::size_t threads_max = 1024;
  constexpr std::size_t rounds_max = 1'000'000;
  Arguments arguments;
  RunOptions& run = arguments.run;
  bool has_memory = false;
  bool has_scan = false;
  std::string list_path;
  opterr = 0;
  for (int found = 0; (found = getopt_long(argument_count, argument_values, "", options, nullptr)) != -1;) {
    switch (found) {
      case memory:
        run.memory = choice_of<MemoryChoice>("--memory", optarg, {"standard", MemoryChoice::standard},
                                             {"runtime", MemoryChoice::runtime});
        has_memory = true;
        break;
      case scan:
        run.scan = choice_of<ScanChoice>("--scan", optarg, {"scalar", ScanChoice::scalar}, {"simd", ScanChoice::simd});
        has_scan = true;
        break;
      case threads: run.threads = number_of("--threads", optarg, threads_max); break;
      case repeat: run.rounds = number_of("--repeat", optarg, rounds_max); break;
      case output: run.output_directory = optarg; break;
      case list: list_path = optarg; break;
      case json: arguments.is_json = true; break;
      case help: arguments.is_help = true; return arguments;
      default: throw BadArguments("no such option, or a value is missing: " + std::string(argument_values[optind - 1]));
    }
  }
  run.files.assign(argument_values + optind, argument_values + argument_count);
  if (!has_memory || !has_scan) throw BadArguments("--memory and --scan are needed");
  if (!list_path.empty()) add_list(list_path, run.files);
  if (run.files.empty()) throw BadArguments("no files are named");
  return arguments;
}

}  // namespace bursar::translate
