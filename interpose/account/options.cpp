// The environment variable BURSAR.
#include "interpose/account/options.h"

#include <cstring>

#include "allocator/os.h"
#include "allocator/text.h"
#include "allocator/units.h"

namespace bursar::options {
namespace {

using Line = Text<512>;

/// One value of the environment variable, not NUL-terminated.
struct Value {
  const char* text;
  size_t length;

  [[nodiscard]] bool is(const char* word) const noexcept {
    return strlen(word) == length && memcmp(word, text, length) == 0;
  }
};

bool set_stats(Value value, Options& options) noexcept {
  if (value.length == 0 || value.is("text"))
    options.stats = StatsFormat::text;
  else if (value.is("json"))
    options.stats = StatsFormat::json;
  else if (value.is("openmetrics"))
    options.stats = StatsFormat::openmetrics;
  else
    return false;
  return true;
}

bool set_path(Value value, char (&path)[path_bytes_max]) noexcept {
  if (value.length == 0 || value.length >= path_bytes_max) return false;
  memcpy(path, value.text, value.length);
  path[value.length] = '\0';
  return true;
}

bool set_out(Value value, Options& options) noexcept { return set_path(value, options.out); }
bool set_ledger(Value value, Options& options) noexcept { return set_path(value, options.ledger); }

bool set_arena(Value value, Options& options) noexcept {
  if (!value.is("tasks") && !value.is("off")) return false;
  options.tasks_use_arenas = value.is("tasks");
  return true;
}

bool set_tasks(Value value, Options& options) noexcept {
  for (size_t i = 0; i < ledger::task_source_count; ++i) {
    if (!value.is(ledger::task_source_names[i])) continue;
    options.task_source = static_cast<ledger::TaskSource>(i);
    return true;
  }
  return false;
}

/// 1024 for `K`, with `iB` behind it or not, and so on; 1 for nothing, 0 for what is no unit.
uint64_t unit_of(Value suffix) noexcept {
  if (suffix.length == 0) return 1;
  const bool has_binary = suffix.length == 3 && suffix.text[1] == 'i' && suffix.text[2] == 'B';
  if (suffix.length != 1 && !has_binary) return 0;
  switch (suffix.text[0]) {
    case 'K': return KiB;
    case 'M': return MiB;
    case 'G': return GiB;
    default: return 0;
  }
}

/// A task that may not even have a few blocks of each size is a mistake in the number.
constexpr uint64_t budget_bytes_min = 64 * KiB;
constexpr uint64_t budget_bytes_max = uint64_t{1} << 46;

bool set_budget(Value value, Options& options) noexcept {
  uint64_t number = 0;
  size_t digits = 0;
  for (; digits < value.length && value.text[digits] >= '0' && value.text[digits] <= '9'; ++digits) {
    number = number * 10 + static_cast<uint64_t>(value.text[digits] - '0');
    if (number > budget_bytes_max) return false;
  }
  const uint64_t unit = unit_of({value.text + digits, value.length - digits});
  if (digits == 0 || unit == 0 || number > budget_bytes_max / unit) return false;
  if (number * unit < budget_bytes_min) return false;
  options.budget_bytes = number * unit;
  return true;
}

bool set_purge(Value value, Options& options) noexcept {
  constexpr int64_t purge_ms_max = 1'000'000'000;
  if (value.is("-1")) {
    options.heap.purge_ms = -1;
    return true;
  }
  if (value.length == 0) return false;
  int64_t number = 0;
  for (size_t i = 0; i < value.length; ++i) {
    if (value.text[i] < '0' || value.text[i] > '9') return false;
    number = number * 10 + (value.text[i] - '0');
    if (number > purge_ms_max) return false;
  }
  options.heap.purge_ms = number;
  return true;
}

bool set_huge_pages(Value value, Options& options) noexcept {
  if (value.is("auto"))
    options.heap.huge_pages = HugePagesSetting::automatic;
  else if (value.is("on"))
    options.heap.huge_pages = HugePagesSetting::on;
  else if (value.is("off"))
    options.heap.huge_pages = HugePagesSetting::off;
  else
    return false;
  return true;
}

bool set_help(Value value, Options&) noexcept {
  if (value.length != 0) return false;
  print_help();
  return true;
}

struct Key {
  const char* name;
  const char* values;  // limits and unit, as a person writes them
  const char* default_value;
  const char* help;
  bool (*set)(Value value, Options& options) noexcept;
};

constexpr Key keys[] = {
    {"stats", "[=text|json|openmetrics]", "off", "count every call; report at exit", set_stats},
    {"out", "=PATH", "stderr", "where the report goes; %p process id, %n program name, %% a percent sign", set_out},
    {"ledger", "=PATH", "off", "keep the account in this file, readable at any time; %p, %n, %% as above", set_ledger},
    {"tasks", "=api|thread|process|loop", "api", "what a task is where the program does not say", set_tasks},
    {"budget", "=BYTES", "off", "let a task have so many bytes at a time; from 64K on; K, M, G", set_budget},
    {"arena", "=tasks|off", "off", "serve malloc inside a task from a bump arena of the task", set_arena},
    {"purge", "=MS", "1000", "give free pages back after MS milliseconds; 0 at once, -1 never", set_purge},
    {"hugepages", "=auto|on|off", "auto", "use huge pages: above 24 MiB of heap, always, never", set_huge_pages},
    {"help", "", "", "print this table", set_help},
};

void complain(Value item, const char* fault) noexcept {
  Line line;
  line.add("bursar: BURSAR: ").add(fault).add(" `").add(item.text, item.length);
  line.add("` ignored (BURSAR=help lists what there is)\n");
  os::write_to(os::standard_error, line.data(), line.length());
}

void parse_item(Value item, Options& options) noexcept {
  if (item.length == 0) return;
  const void* equals = memchr(item.text, '=', item.length);
  const char* end = item.text + item.length;
  const char* name_end = equals == nullptr ? end : static_cast<const char*>(equals);
  const Value name{item.text, static_cast<size_t>(name_end - item.text)};
  const char* value_start = equals == nullptr ? end : name_end + 1;
  for (const Key& key : keys) {
    if (!name.is(key.name)) continue;
    if (!key.set({value_start, static_cast<size_t>(end - value_start)}, options)) complain(item, "bad value");
    return;
  }
  complain(item, "unknown key");
}

}  // namespace

void parse(const char* text, Options& options) noexcept {
  while (text != nullptr && *text != '\0') {
    const char* end = strchr(text, ',');
    const size_t length = end == nullptr ? strlen(text) : static_cast<size_t>(end - text);
    parse_item({text, length}, options);
    text += length + (end != nullptr ? 1 : 0);
  }
}

void complain_of_length() noexcept {
  constexpr char line[] = "bursar: BURSAR: longer than 2047 bytes, ignored whole (shorten its paths)\n";
  os::write_to(os::standard_error, line, sizeof(line) - 1);
}

bool expand_path(const char* pattern, const char* program, char* path, size_t path_bytes) noexcept {
  Text<path_bytes_max> text;
  const char* slash = strrchr(program, '/');
  for (const char* at = pattern; *at != '\0'; ++at) {
    if (*at != '%' || at[1] == '\0') {
      text.add(at, 1);
    } else if (*++at == 'p') {
      text.add_decimal(static_cast<uint64_t>(os::process_id()));
    } else if (*at == 'n') {
      text.add(slash == nullptr ? program : slash + 1);
    } else {
      text.add(at, 1);
    }
  }
  // Text cuts what does not fit: a full one is taken for a cut one.
  if (text.length() + 1 >= path_bytes_max || text.length() + 1 > path_bytes) return false;
  memcpy(path, text.data(), text.length());
  path[text.length()] = '\0';
  return true;
}

void print_help() noexcept {
  Line line;
  line.add("BURSAR=key[=value],key[=value],...\n");
  os::write_to(os::standard_error, line.data(), line.length());
  for (const Key& key : keys) {
    Line row;
    row.add("  ").add(key.name).add(key.values);
    while (row.length() < 32) row.add(" ");
    row.add(key.default_value);
    while (row.length() < 40) row.add(" ");
    row.add(key.help).add("\n");
    os::write_to(os::standard_error, row.data(), row.length());
  }
}

}  // namespace bursar::options
