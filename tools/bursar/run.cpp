// The run: environment, program, ledgers, report.
#include "tools/bursar/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/bursar/child.h"
#include "tools/bursar/collector.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/file_descriptor.h"
#include "tools/bursar/ledger_directory.h"
#include "tools/bursar/ledger_file.h"
#include "tools/bursar/printable.h"
#include "tools/bursar/programs.h"
#include "tools/bursar/report.h"
#include "tools/bursar/trees.h"

namespace bursar::tool {
namespace {

using nlohmann::ordered_json;

/// The program's line in a text report stays on one line of most terminals.
constexpr size_t arguments_text_bytes_max = 90;

/// In front of what the user has there, or alone.
std::string joined(const char* first, const char* separator, const std::string& last) {
  return first == nullptr || *first == '\0' ? last : std::string(first) + separator + last;
}

void set_variable(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
  const std::string start = name + "=";
  std::erase_if(environment, [&](const std::string& entry) { return entry.compare(0, start.size(), start) == 0; });
  environment.push_back(start + value);
}

/// What the program loads before all others, as LD_PRELOAD has it. The calls that wait come first, then malloc.
std::string libraries(const RunOptions& options) {
  const std::filesystem::path library = library_path(options.page_source);
  if (options.task_source != ledger::TaskSource::loop) return library.native();
  return loop_library_path(library).native() + ":" + library.native();
}

/// What BURSAR gets for the tasks of the program, before `setting`.
std::string settings(const RunOptions& options, std::string setting) {
  if (options.budget_bytes != 0) setting = fmt::format("budget={},{}", options.budget_bytes, setting);
  if (!options.task_source) return setting;
  return fmt::format("tasks={},{}", ledger::task_source_names[static_cast<size_t>(*options.task_source)], setting);
}

std::vector<std::string> environment_with(const std::string& preload, const std::string& setting) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  const char* preloaded = std::getenv("LD_PRELOAD");
  const bool others = preloaded != nullptr && *preloaded != '\0';
  set_variable(environment, "LD_PRELOAD", others ? preload + ":" + preloaded : preload);
  if (!setting.empty()) set_variable(environment, "BURSAR", joined(std::getenv("BURSAR"), ",", setting));
  return environment;
}

/// As one would type it in a shell.
std::string quoted(const std::string& argument) {
  constexpr const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%^";
  if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos) return argument;
  std::string text = "'";
  for (const char character : argument) {
    if (character == '\'') {
      text += "'\\''";
    } else {
      text += character;
    }
  }
  return text + "'";
}

std::string command_line(const std::vector<std::string>& command, ledger::Format format) {
  std::string line;
  for (const std::string& argument : command) {
    if (!line.empty()) line += ' ';
    line += quoted(argument);
  }
  if (format == ledger::Format::text && line.size() > arguments_text_bytes_max) {
    size_t end = arguments_text_bytes_max - 3;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;  // not within a character
    line = line.substr(0, end) + "...";
  }
  return line;
}

/// The program's own ledger, that of the last program it executed, is taken out of the list.
std::optional<LedgerName> take_program(std::vector<LedgerName>& ledgers, pid_t process_id) {
  auto last = ledgers.end();
  for (auto at = ledgers.begin(); at != ledgers.end(); ++at) {
    if (at->process_id == process_id && (last == ledgers.end() || at->generation > last->generation)) last = at;
  }
  if (last == ledgers.end()) return std::nullopt;
  LedgerName name = *last;
  ledgers.erase(last);
  return name;
}

/// Names that are no UTF-8 do not take the report away.
std::string text_of(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

/// A program that got to the end of exit() knows its own peak; one that did not left it to the kernel, which tells the
/// parent the highest of the program and its children.
ledger::ExitFacts facts_of(const Ending& ending, const std::string& arguments, const ledger::Header* header) {
  const bool counted = header != nullptr && header->state.load(std::memory_order_acquire) == ledger::State::exited;
  return ledger::ExitFacts{
      .program_arguments = arguments.c_str(),
      .exit_status = ending.exit_status,
      .term_signal = ending.term_signal,
      .wall_ns = ending.wall_ns,
      .user_ns = ending.user_ns,
      .system_ns = ending.system_ns,
      .peak_rss_bytes = counted ? 0 : ending.peak_rss_bytes,
      .page_faults = counted ? 0 : ending.page_faults,
      .rss_scope = counted ? ledger::RssScope::process : ledger::RssScope::with_children,
  };
}

/// What the system knows of a program that has no account.
std::string text_without_ledger(const Ending& ending, const std::string& arguments) {
  std::string text;
  const ledger::Sink sink = sink_into(text);
  ledger::render_process(static_cast<uint32_t>(ending.process_id), facts_of(ending, arguments, nullptr), sink);
  return text +
         "  nothing counted: it is static or setuid, could not load the library, or had no room for its ledger\n";
}

ordered_json json_without_ledger(const Ending& ending, const std::string& arguments) {
  ordered_json report{{"ledger_version", nullptr}, {"program", nullptr}, {"arguments", arguments}};
  report["process_id"] = ending.process_id;
  report["ending"] = ending.term_signal != 0 ? "killed" : "exited";
  report["exit_status"] = ending.term_signal != 0 ? ordered_json() : ordered_json(ending.exit_status);
  report["term_signal"] = ending.term_signal != 0 ? ordered_json(ending.term_signal) : ordered_json();
  report["wall_ns"] = ending.wall_ns;
  report["user_ns"] = ending.user_ns;
  report["system_ns"] = ending.system_ns;
  report["peak_rss_bytes"] = ending.peak_rss_bytes;
  report["peak_rss_scope"] = "with_children";
  report["page_faults"] = ending.page_faults;
  return report;
}

std::string without_ledger(const Ending& ending, const std::string& arguments, ledger::Format format) {
  switch (format) {
    case ledger::Format::text: return text_without_ledger(ending, arguments);
    case ledger::Format::json: return text_of(json_without_ledger(ending, arguments));
    case ledger::Format::openmetrics: break;
  }
  return "# EOF\n";
}

struct ProgramReport {
  std::string text;
  bool tells_tasks = false;    // all that the program's ledger has
  bool tells_runtime = false;  // the same
  std::string ended_as;        // where the ledger is of a program of another name; else empty
};

bool has_thread_of_name(const LedgerFile& file, const std::string& name) {
  const ledger::View& view = file.view();
  return std::any_of(view.slots, view.slots + view.slot_count, [&](const ledger::Slot& slot) {
    return name.compare(0, std::string::npos, slot.thread_name, strnlen(slot.thread_name, sizeof slot.thread_name)) ==
           0;
  });
}

/// The kernel names a process by the program that it executed last, or as that renamed itself; the ledger may know the latter.
std::string other_name_at_end(const LedgerFile& file, const Ending& ending) {
  constexpr size_t name_bytes_max = 15;
  const std::string path = file.header().program;
  const std::string name = std::filesystem::path(path).filename().native().substr(0, name_bytes_max);
  const bool is_executed_by_descriptor = path.rfind("/dev/fd/", 0) == 0;
  const bool is_same = name.empty() || is_executed_by_descriptor || ending.last_name.empty() ||
                       ending.last_name == name || has_thread_of_name(file, ending.last_name);
  const bool is_at_end = file.header().state.load(std::memory_order_acquire) != ledger::State::running;
  return is_at_end || is_same ? "" : printable(ending.last_name);
}

/// Behind the first line, which names the program.
void tell_other_name(std::string& text, const std::string& name) {
  const size_t line_end = text.find('\n');
  if (name.empty() || line_end == std::string::npos) return;
  const std::string line = fmt::format(
      "  ended as {}: unless it renamed itself, it executed a program that left no ledger and is not counted\n", name);
  text.insert(line_end + 1, line);
}

/// Adds its tables to the trees.
ProgramReport program_report(const std::optional<LedgerName>& name, const Ending& ending, const RunOptions& options,
                             Trees& trees) {
  const std::string arguments = command_line(options.command, options.format);
  if (!name) return {.text = without_ledger(ending, arguments, options.format), .ended_as = {}};
  try {
    const LedgerFile file = LedgerFile::read(name->path);
    trees.add(file.view());
    Trees own;
    own.add(file.view());
    ProgramReport report{report_of(file, facts_of(ending, arguments, &file.header()), options.format),
                         own.tasks.has_tasks() && !own.tasks.has_process_tasks(), own.runtime.processes() != 0,
                         other_name_at_end(file, ending)};
    if (options.format == ledger::Format::text) tell_other_name(report.text, report.ended_as);
    return report;
  } catch (const Fault&) {
    return {.text = without_ledger(ending, arguments, options.format), .ended_as = {}};  // killed while it started
  }
}

/// Those of the program alone stand in its report.
std::string text_of(const TaskTree& tree, size_t processes_told) {
  const size_t processes = tree.processes_with_tasks();
  if (processes <= processes_told) return "";
  const std::string title = processes == 1 ? "" : fmt::format("\n  tasks of {} processes, told together\n", processes);
  return title + tree.rendered(ledger::Format::text);
}

/// Adds what is in the directory to what was collected from it.
std::string whole_report(const LedgerDirectory& directory, RunSums& sums, const Ending& ending,
                         const RunOptions& options) {
  std::vector<LedgerName> ledgers = directory.ledgers();
  const std::optional<LedgerName> program = take_program(ledgers, ending.process_id);
  const ProgramReport report = program_report(program, ending, options, sums.trees);
  if (options.format == ledger::Format::openmetrics) return report.text;
  for (const LedgerName& name : ledgers) sums.programs.add(name.path, sums.trees);
  const Programs others = sums.programs.programs();
  if (options.format == ledger::Format::text) {
    // What the program alone told stands in its report.
    const RuntimeTree& runtime = sums.trees.runtime;
    const std::string runtime_text = runtime.processes() > (report.tells_runtime ? 1 : 0) ? runtime.text() : "";
    return report.text + text_of(others, "other programs") + runtime_text +
           text_of(sums.trees.tasks, report.tells_tasks ? 1 : 0);
  }
  ordered_json whole = ordered_json::parse(report.text);
  whole["ended_as"] = report.ended_as.empty() ? ordered_json() : ordered_json(report.ended_as);
  whole["others"] = json_of(others);
  whole["others_without_room"] = others.without_room;
  whole["others_ended_while_starting"] = others.unreadable;
  whole["tree"] = ordered_json::parse(sums.trees.tasks.rendered(ledger::Format::json));
  whole["tree"]["runtime"] = json_of(sums.trees.runtime.totals());
  return text_of(whole) + "\n";
}

/// Before the program runs, so that an hour of work does not end in a report that cannot be written.
FileDescriptor open_output(const std::string& path) {
  if (path.empty()) return {};
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.is_open()) throw Fault(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  return file;
}

/// The exit status stays the program's: its caller asked for that, not for the report.
void write_report(const FileDescriptor& output, const RunOptions& options, const std::string& text) {
  if (write_all(output.is_open() ? output.number() : STDERR_FILENO, text)) return;
  const std::string line =
      fmt::format("bursar: {}: the report could not be written: {}\n",
                  options.output.empty() ? "standard error" : options.output, std::strerror(errno));
  (void)write_all(STDERR_FILENO, line);
}

}  // namespace

int run(const RunOptions& options) {
  const std::string preload = libraries(options);
  if (options.reporting == Reporting::off) become(options.command, environment_with(preload, ""));

  const FileDescriptor output = open_output(options.output);
  const LedgerDirectory directory =
      options.ledgers.empty() ? LedgerDirectory::make_private() : LedgerDirectory::keep_in(options.ledgers);
  RunSums sums;
  Collector collector(directory, sums);
  const Ending ending = run_to_end(options.command, environment_with(preload, settings(options, directory.setting())),
                                   [&](pid_t program) { collector.start(program); });
  collector.stop();
  write_report(output, options, whole_report(directory, sums, ending, options));
  return ending.term_signal != 0 ? exit_status_signal_base + ending.term_signal : ending.exit_status;
}

}  // namespace bursar::tool
