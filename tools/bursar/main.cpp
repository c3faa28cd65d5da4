// The `bursar` command: what it understands, and how it fails.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bursar/fault.h"
#include "tools/bursar/report.h"
#include "tools/bursar/run.h"
#include "tools/bursar/version.h"

namespace {

using bursar::ledger::Format;
namespace tool = bursar::tool;

const std::map<std::string, Format> formats{
    {"text", Format::text}, {"json", Format::json}, {"openmetrics", Format::openmetrics}};

struct Arguments {
  tool::RunOptions run;
  tool::ReportOptions report;
  std::string run_format = "text";
  std::string report_format = "text";
};

/// Help pages whose first line says what goes where, and whose options are written as one types them.
class HelpPages : public CLI::Formatter {
 public:
  HelpPages() { column_width(24); }

  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    const std::string& subcommand = app->get_name();
    if (subcommand == "run") return "Usage: bursar run [OPTIONS] [--] COMMAND [ARGUMENT...]\n";
    if (subcommand == "report") return "Usage: bursar report [OPTIONS] FILE\n";
    return "Usage: bursar SUBCOMMAND [OPTIONS] ...\n";
  }

  /// Without the value that CLI11 shows behind the name of a flag that may have one.
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::string name = CLI::Formatter::make_option_name(option, is_positional);
    return name.substr(0, name.find('{'));
  }

  /// The kind of its value, without the list of what that may be.
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_positional() ? "" : option->get_type_name();
    const std::string kind = type.substr(0, type.find(':'));
    return kind.empty() || kind.front() == '[' ? kind : " " + kind;
  }
};

/// A flag with a value is written --stats=json; with a space, the value would be taken from the program's words.
void describe_run(CLI::App& run, Arguments& arguments) {
  run.prefix_command();
  CLI::Option* stats =
      run.add_flag("--stats{text}", arguments.run_format, "The report as text (default), json or openmetrics");
  stats->type_name("[=FORMAT]")->check(CLI::IsMember(formats).name(""));
  CLI::Option* output =
      run.add_option("-o,--output", arguments.run.output, "Write the report to this file, not to standard error");
  output->type_name("FILE");
  CLI::Option* ledgers = run.add_option("--ledgers", arguments.run.ledgers,
                                        "Keep the ledger of every process in this new or empty directory");
  ledgers->type_name("DIRECTORY");
  const auto turn_off = [&] { arguments.run.reporting = tool::Reporting::off; };
  CLI::Option* no_stats =
      run.add_flag_callback("--no-stats", turn_off, "Only run the program on bursar: nothing is counted");
  no_stats->excludes(stats)->excludes(output)->excludes(ledgers);
  const auto take_jemalloc = [&] { arguments.run.page_source = tool::PageSource::jemalloc; };
  run.add_flag_callback("--jemalloc", take_jemalloc, "Take pages and large blocks from a private jemalloc");
}

void describe_report(CLI::App& report, Arguments& arguments) {
  report.add_option("FILE", arguments.report.file, "A ledger: of `bursar run --ledgers`, or of BURSAR=ledger=PATH")
      ->required();
  CLI::Option* format = report.add_option("--format", arguments.report_format, "text (default), json or openmetrics");
  format->type_name("FORMAT")->check(CLI::IsMember(formats));
  const auto take_json = [&] { arguments.report_format = "json"; };
  report.add_flag_callback("--json", take_json, "The same as --format json")->excludes(format);
}

std::string version_line() { return fmt::format("bursar {}", tool::version); }

/// The words up to the first `--`, which CLI11 cannot tell from one of the program, and those after it.
struct Words {
  int own_count;
  char** all;
  std::vector<std::string> after_mark;
  bool marked;
};

Words split(int count, char** words) {
  const bool runs = count > 1 && std::string_view(words[1]) == "run";
  char** const end = words + count;
  char** const mark =
      runs ? std::find_if(words, end, [](const char* word) { return std::string_view(word) == "--"; }) : end;
  if (mark == end) return {count, words, {}, false};
  return {static_cast<int>(mark - words), words, {mark + 1, end}, true};
}

/// `run -- ls`, `run ls` and `run ls -- file` are what there is: the mark is ours only where no command stands before it.
std::vector<std::string> command_of(const CLI::App& run, const Words& words) {
  std::vector<std::string> command = run.remaining();
  if (!command.empty() && command.front().rfind('-', 0) == 0) {
    throw tool::Fault(fmt::format("run: unknown option {}; see bursar run --help", command.front()));
  }
  if (!command.empty() && words.marked) command.emplace_back("--");
  command.insert(command.end(), words.after_mark.begin(), words.after_mark.end());
  if (command.empty()) throw tool::Fault("run: no command to run; see bursar run --help");
  return command;
}

int start(const CLI::App& run, const Words& words, Arguments& arguments) {
  if (!run.parsed()) {
    arguments.report.format = formats.at(arguments.report_format);
    return tool::report(arguments.report);
  }
  arguments.run.format = formats.at(arguments.run_format);
  arguments.run.command = command_of(run, words);
  return tool::run(arguments.run);
}

int complain(const std::string& line, int status) {
  (void)tool::write_all(STDERR_FILENO, fmt::format("bursar: {}\n", line));
  return status;
}

/// A status up to 124 would be taken for the program's.
int status_for(const CLI::App& run, int status) {
  return run.parsed() && status == tool::exit_status_fault ? tool::exit_status_run_fault : status;
}

int parse_and_start(const Words& words) {
  CLI::App app{"Runs programs on the bursar heap and tells what they allocated.", "bursar"};
  app.formatter(std::make_shared<HelpPages>());
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "Run a program and report its allocations when it ends");
  CLI::App* report = app.add_subcommand("report", "Print the report of a ledger");
  describe_run(*run, arguments);
  describe_report(*report, arguments);
  for (CLI::App* each : {&app, run, report}) each->set_version_flag("--version", version_line());
  try {
    app.parse(words.own_count, words.all);
    if (run->parsed() || report->parsed()) return start(*run, words, arguments);
    return complain("what to do? see bursar --help", tool::exit_status_fault);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const char* page = run->parsed() ? "run --help" : report->parsed() ? "report --help" : "--help";
    return complain(fmt::format("{}; see bursar {}", error.what(), page), status_for(*run, tool::exit_status_fault));
  } catch (const tool::Fault& fault) {
    return complain(fault.what(), status_for(*run, fault.exit_status()));
  }
}

/// A file that took the number of a standard stream which the caller closed would get what is meant for that. The
/// program finds it closed as before.
void fill_standard_streams() {
  int file_descriptor = -1;
  do {
    file_descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (file_descriptor >= 0 && file_descriptor <= STDERR_FILENO);
  if (file_descriptor >= 0) close(file_descriptor);
}

}  // namespace

int main(int count, char** words) {
  try {
    fill_standard_streams();
    return parse_and_start(split(count, words));
  } catch (const std::exception& error) {
    return complain(error.what(), tool::exit_status_fault);
  }
}
