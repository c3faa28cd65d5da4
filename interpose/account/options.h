// The environment variable BURSAR: one table of keys, read once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocator/settings.h"
#include "interpose/account/ledger_format.h"

namespace bursar {

enum class StatsFormat : uint8_t { off, text, json, openmetrics };

/// The longest path an option may name: a quarter of what the kernel takes, to keep it on small stacks.
inline constexpr size_t path_bytes_max = 1024;

struct Options {
  StatsFormat stats = StatsFormat::off;
  ledger::TaskSource task_source = ledger::TaskSource::api;
  bool tasks_use_arenas = false;
  uint64_t budget_bytes = 0;         // of each task that has none of its own; 0: none
  char out[path_bytes_max] = {};     // empty: standard error
  char ledger[path_bytes_max] = {};  // empty: no file
  Settings heap;

  [[nodiscard]] bool wants_account() const noexcept {
    const bool needs_tasks = task_source != ledger::TaskSource::api || budget_bytes != 0;
    return stats != StatsFormat::off || ledger[0] != '\0' || needs_tasks;
  }
};

namespace options {

/// Reads `key[=value],key[=value],...`. Each unknown key and bad value is named on stderr, once, and ignored.
/// `text` may be null. Not thread safe; allocates nothing.
void parse(const char* text, Options& options) noexcept;

/// Says that the variable is too long to be read, and ignored.
void complain_of_length() noexcept;

/// Writes `pattern` to `path` with %p (process id), %n (program name without directories) and %% filled in. False when it
/// does not fit.
[[nodiscard]] bool expand_path(const char* pattern, const char* program, char* path, size_t path_bytes) noexcept;

/// The table of all keys, to stderr.
void print_help() noexcept;

}  // namespace options
}  // namespace bursar
