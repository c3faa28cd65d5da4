// The `bursar` command: what it understands, and how it fails.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bursar/byte_count.h"
#include "tools/bursar/columns.h"
#include "tools/bursar/diff.h"
#include "tools/bursar/export.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/report.h"
#include "tools/bursar/run.h"
#include "tools/bursar/serve.h"
#include "tools/bursar/top.h"
#include "tools/bursar/version.h"

namespace {

using bursar::ledger::Format;
using bursar::ledger::TaskSource;
namespace tool = bursar::tool;

const std::map<std::string, Format> formats{
    {"text", Format::text}, {"json", Format::json}, {"openmetrics", Format::openmetrics}};

/// What goes where in each subcommand.
const std::map<std::string, const char*> usages{
    {"run", "run [OPTIONS] [--] COMMAND [ARGUMENT...]"}, {"report", "report [OPTIONS] FILE|DIRECTORY|PID"},
    {"top", "top [OPTIONS] [FILE|DIRECTORY|PID]"},       {"diff", "diff [OPTIONS] A B"},
    {"export", "export --to FORMAT [OPTIONS] FILE|PID"}, {"serve", "serve [OPTIONS]"},
};

std::map<std::string, TaskSource> task_sources() {
  std::map<std::string, TaskSource> sources;
  for (size_t i = 0; i < bursar::ledger::task_source_count; ++i) {
    sources.emplace(bursar::ledger::task_source_names[i], static_cast<TaskSource>(i));
  }
  return sources;
}

/// As the library has it for its setting `budget`: a thread's own way of counting is no finer.
constexpr uint64_t budget_bytes_min = uint64_t{64} << 10;

struct Arguments {
  tool::RunOptions run;
  tool::ReportOptions report;
  tool::TopOptions top;
  tool::DiffOptions diff;
  tool::ExportOptions export_ledger;
  tool::ServeOptions serve;
  std::string run_format = "text";
  std::string run_tasks;   // empty: not given
  std::string run_budget;  // the same
  std::string report_format = "text";
};

/// Help pages whose first line says what goes where, and whose options are written as one types them.
class HelpPages : public CLI::Formatter {
 public:
  HelpPages() { column_width(24); }

  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    const auto usage = usages.find(app->get_name());
    return fmt::format("Usage: bursar {}\n", usage == usages.end() ? "SUBCOMMAND [OPTIONS] ..." : usage->second);
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

std::string fault_of_budget(const std::string& word) {
  const uint64_t bytes = tool::parse_byte_count(word).value_or(0);
  return bytes >= budget_bytes_min ? "" : word + " is no number of bytes from 64K to 64T, such as 500000, 200M or 2G";
}

std::string fault_of_byte_count(const std::string& word) {
  return tool::parse_byte_count(word) ? "" : word + " is no number of bytes such as 500000, 64K, 200M or 2G";
}

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
  CLI::Option* tasks = run.add_option("--tasks", arguments.run_tasks,
                                      "What a task is where the program does not say: api (nothing), each thread, "
                                      "the process, or each turn of an event loop");
  tasks->type_name("SOURCE")->check(CLI::IsMember(task_sources()).name(""));
  CLI::Option* budget = run.add_option("--budget", arguments.run_budget,
                                       "At most so many bytes of each task may live at a time, as 64M; beyond, malloc "
                                       "fails in it. Where there are no tasks (see --tasks), nothing is held to it");
  budget->type_name("BYTES")->check(CLI::Validator(fault_of_budget, "", ""));
  const auto turn_off = [&] { arguments.run.reporting = tool::Reporting::off; };
  CLI::Option* no_stats =
      run.add_flag_callback("--no-stats", turn_off, "Only run the program on bursar: nothing is counted");
  no_stats->excludes(stats)->excludes(output)->excludes(ledgers)->excludes(tasks)->excludes(budget);
  const auto take_jemalloc = [&] { arguments.run.page_source = tool::PageSource::jemalloc; };
  run.add_flag_callback("--jemalloc", take_jemalloc, "Take pages and large blocks from a private jemalloc");
}

void describe_report(CLI::App& report, Arguments& arguments) {
  report
      .add_option(
          "FILE|DIRECTORY|PID", arguments.report.target,
          "A ledger, of BURSAR=ledger=PATH; a directory of them, as `bursar run --ledgers` leaves it; or the id of a "
          "process that keeps one")
      ->required();
  CLI::Option* format = report.add_option("--format", arguments.report_format, "text (default), json or openmetrics");
  format->type_name("FORMAT")->check(CLI::IsMember(formats));
  const auto take_json = [&] { arguments.report_format = "json"; };
  report.add_flag_callback("--json", take_json, "The same as --format json")->excludes(format);
}

constexpr const char* ledger_or_process = "A ledger, or the id of a process that keeps one";

/// All of the word is the number: of `0x10`, CLI11 would take sixteen.
bool parse_decimal(const std::string& word, double& number) {
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  return error == std::errc{} && stop == end;
}

std::string fault_of_interval(const std::string& word) {
  double seconds = 0;
  if (parse_decimal(word, seconds) && seconds >= tool::top_interval_seconds_min &&
      seconds <= tool::top_interval_seconds_max)
    return "";
  return fmt::format("{} is no number of seconds from {:g} to {:g}", word, tool::top_interval_seconds_min,
                     tool::top_interval_seconds_max);
}

void describe_top(CLI::App& top, tool::TopOptions& options) {
  top.add_option("FILE|DIRECTORY|PID", options.target,
                 "One ledger, or the id of a process that keeps one; or those of a directory; else all of this host");
  top.add_option("--interval", options.interval_seconds, "Read again after so many seconds (default 1)")
      ->type_name("SECONDS")
      ->check(CLI::Validator(fault_of_interval, "", ""));
  top.add_flag("--once", options.once, "Print all once, after one interval, as plain text: no terminal is needed");
}

/// Neither below 0 nor infinite nor none.
std::string fault_of_percentage(const std::string& word) {
  double percent = 0;
  return parse_decimal(word, percent) && std::isfinite(percent) && percent >= 0 ? ""
                                                                                : word + " is no percentage from 0 on";
}

void describe_diff(CLI::App& diff, tool::DiffOptions& options) {
  const char* sides = "A ledger, the id of a process that keeps one, or a report in JSON";
  diff.add_option("A", options.a, sides)->required();
  diff.add_option("B", options.b, "The same, of what may have grown")->required();
  diff.add_flag_callback(
      "--json", [&] { options.format = tool::DiffFormat::json; }, "One JSON object, not text");
  CLI::Option* fail_over = diff.add_option(
      "--fail-over", options.fail_over_percent,
      "Exit with 1 if a figure grew by more: allocations, allocated_bytes, peak_live_bytes, and of each "
      "task kind allocations_per_task and peak_per_task");
  fail_over->type_name("PERCENT")->check(CLI::Validator(fault_of_percentage, "", ""));
  const std::vector<std::string> figures(tool::judged_figures.begin(), tool::judged_figures.end());
  diff.add_option("--only", options.only, "Judge this figure alone; may be given several times")
      ->type_name("FIGURE")
      ->allow_extra_args(false)
      ->needs(fail_over)
      ->check(CLI::IsMember(figures).name(""));
  const auto take_bytes = [&](const std::string& word) { options.bytes_min = tool::parse_byte_count(word).value(); };
  CLI::Option* bytes = diff.add_option_function<std::string>("--min-bytes", take_bytes,
                                                             "Leave out what changed by fewer bytes, as 4096 or 64K");
  bytes->type_name("BYTES")->check(CLI::Validator(fault_of_byte_count, "", ""));
}

void describe_export(CLI::App& app, tool::ExportOptions& options) {
  std::string meaning;
  for (const tool::ExportFormat& format : tool::export_formats()) {
    meaning += fmt::format("{}{} ({})", meaning.empty() ? "" : ", ", format.name, format.meaning);
  }
  app.add_option("--to", options.format, meaning)->type_name("FORMAT")->required();
  app.add_option("FILE|PID", options.target, ledger_or_process)->required();
  app.add_option("-o,--output", options.output, "Write to this file, which is replaced at once, not to standard output")
      ->type_name("FILE");
}

void describe_serve(CLI::App& serve, tool::ServeOptions& options) {
  serve
      .add_option("--listen", options.listen,
                  "Where to listen (default 127.0.0.1:9477); a port 0 takes any that is free")
      ->type_name("ADDRESS:PORT");
  serve
      .add_option("--ledgers", options.ledgers,
                  "Serve the ledgers of this directory, as `bursar run --ledgers` leaves it, not those of this host")
      ->type_name("DIRECTORY");
  serve
      .add_option("--kinds-max", options.limits.kinds_max,
                  "How many kinds of tasks (and names of threads) of a process /metrics tells apart (default 50)")
      ->type_name("COUNT")
      ->check(CLI::Range(0, 1024).name(""));
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

/// Names of files and words of the command line are told as they may be shown: one line that does not steer the terminal.
int complain(const std::string& line, int status) {
  (void)tool::write_all(STDERR_FILENO, fmt::format("bursar: {}\n", tool::displayable(line)));
  return status;
}

/// A status up to 124 would be taken for the program's.
int status_for(const CLI::App& run, int status) {
  return run.parsed() && status == tool::exit_status_fault ? tool::exit_status_run_fault : status;
}

struct Subcommand {
  CLI::App* app;
  std::function<int()> start;
};

/// The subcommands with their options; what they start with is in `arguments` once the words are read.
std::vector<Subcommand> add_subcommands(CLI::App& app, const Words& words, Arguments& arguments) {
  CLI::App* run = app.add_subcommand("run", "Run a program and report its allocations when it ends");
  CLI::App* report = app.add_subcommand("report", "Print the report of a ledger");
  CLI::App* top = app.add_subcommand("top", "Show the ledgers of this host, or one, live");
  CLI::App* diff = app.add_subcommand("diff", "Tell what grew from one ledger or report to another");
  CLI::App* export_ledger = app.add_subcommand("export", "Write a ledger in a format that other tools read");
  CLI::App* serve =
      app.add_subcommand("serve", "Serve the ledgers of this host over HTTP: a live page, and figures for Prometheus");
  describe_run(*run, arguments);
  describe_report(*report, arguments);
  describe_top(*top, arguments.top);
  describe_diff(*diff, arguments.diff);
  describe_export(*export_ledger, arguments.export_ledger);
  describe_serve(*serve, arguments.serve);
  const auto start_run = [run, &words, &arguments] {
    arguments.run.format = formats.at(arguments.run_format);
    if (!arguments.run_tasks.empty()) arguments.run.task_source = task_sources().at(arguments.run_tasks);
    if (!arguments.run_budget.empty())
      arguments.run.budget_bytes = tool::parse_byte_count(arguments.run_budget).value();
    arguments.run.command = command_of(*run, words);
    return tool::run(arguments.run);
  };
  const auto start_report = [&arguments] {
    arguments.report.format = formats.at(arguments.report_format);
    return tool::report(arguments.report);
  };
  return {{run, start_run},
          {report, start_report},
          {top, [&arguments] { return tool::top(arguments.top); }},
          {diff, [&arguments] { return tool::diff(arguments.diff); }},
          {export_ledger, [&arguments] { return tool::export_ledger(arguments.export_ledger); }},
          {serve, [&arguments] { return tool::serve(arguments.serve); }}};
}

int parse_and_start(const Words& words) {
  CLI::App app{"Runs programs on the bursar heap and tells what they allocated.", "bursar"};
  app.formatter(std::make_shared<HelpPages>());
  Arguments arguments;
  const std::vector<Subcommand> subcommands = add_subcommands(app, words, arguments);
  app.set_version_flag("--version", version_line());
  for (const Subcommand& each : subcommands) each.app->set_version_flag("--version", version_line());
  const auto is_parsed = [](const Subcommand& each) { return each.app->parsed(); };
  const auto chosen = [&] { return std::find_if(subcommands.begin(), subcommands.end(), is_parsed); };
  const CLI::App& run = *subcommands.front().app;
  try {
    app.parse(words.own_count, words.all);
    if (chosen() != subcommands.end()) return chosen()->start();
    return complain("what to do? see bursar --help", tool::exit_status_fault);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const bool names_none = chosen() == subcommands.end() && words.own_count > 1 && *words.all[1] != '-';
    if (names_none) {
      return complain(fmt::format("no subcommand '{}'; see bursar --help", words.all[1]), tool::exit_status_fault);
    }
    const std::string page = chosen() == subcommands.end() ? "" : chosen()->app->get_name() + " ";
    return complain(fmt::format("{}; see bursar {}--help", error.what(), page),
                    status_for(run, tool::exit_status_fault));
  } catch (const tool::Fault& fault) {
    return complain(fault.what(), status_for(run, fault.exit_status()));
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
