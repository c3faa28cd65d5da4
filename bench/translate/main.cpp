// translate: Python sources to text like C++, with the memory and the scan of one's choice.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <new>
#include <string>
#include <system_error>

#include "bench/translate/report.h"
#include "bench/translate/run.h"

namespace {

using namespace bursar::translate;  // NOLINT(google-build-using-namespace)

constexpr int exit_bad_arguments = 2;

struct Arguments {
  RunOptions run;
  std::string list;
  std::string output;
  bool is_json = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  static const std::map<std::string, MemoryChoice> memories{{"standard", MemoryChoice::standard},
                                                            {"runtime", MemoryChoice::runtime}};
  static const std::map<std::string, ScanChoice> scans{{"scalar", ScanChoice::scalar}, {"simd", ScanChoice::simd}};
  constexpr std::size_t threads_max = 1024;
  app.add_option("--memory", arguments.run.memory, "standard: containers on malloc; runtime: the runtime API")
      ->required()
      ->transform(CLI::CheckedTransformer(memories).description("{standard,runtime}"));
  app.add_option("--scan", arguments.run.scan, "scalar: byte by byte; simd: 16 bytes at a time")
      ->required()
      ->transform(CLI::CheckedTransformer(scans).description("{scalar,simd}"));
  app.add_option("--threads", arguments.run.threads, "so many at once (1)")
      ->check(CLI::Range(std::size_t{1}, threads_max));
  app.add_option("--repeat", arguments.run.rounds, "all files so many times (1)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  app.add_option("--output", arguments.output, "where the texts go; without it they are not kept")
      ->type_name("DIRECTORY");
  app.add_option("--list", arguments.list, "a file with paths, one a line")->type_name("FILE");
  app.add_flag("--json", arguments.is_json, "print the figures as JSON");
  app.add_option("files", arguments.run.files, "Python sources");
}

void add_list(const std::string& list, std::vector<std::string>& files) {
  std::ifstream lines(list);
  if (!lines) throw std::system_error(errno, std::generic_category(), "cannot read " + list);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) files.push_back(line);
  }
}

int fail(const char* what) {
  std::fprintf(stderr, "translate: %s\n", what);
  return exit_bad_arguments;
}

}  // namespace

int main(int argument_count, char** argument_values) {
  Arguments arguments;
  CLI::App app("Translates Python sources to text like C++ and prints figures.", "translate");
  describe(app, arguments);
  try {
    app.parse(argument_count, argument_values);
    if (!arguments.list.empty()) add_list(arguments.list, arguments.run.files);
    if (arguments.run.files.empty()) return fail("no files are named");
    if (!arguments.output.empty()) arguments.run.output_directory = arguments.output;
    const RunReport report = run(arguments.run);
    std::fputs((arguments.is_json ? to_json(report) : to_text(report)).c_str(), stdout);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(error.what());
  } catch (const std::exception& error) {
    return fail(error.what());
  }
  if (std::fflush(stdout) != 0) return fail("cannot write to standard output");
  return 0;
}
