// What `bursar top` shows of snapshots: a table of processes, and tables and headings of one.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tools/bursar/top_observe.h"
#include "tools/bursar/top_table.h"

namespace bursar::tool {

enum class Pane : unsigned char { kinds, size_classes, threads, running, worst, runtime };
inline constexpr std::array<const char*, 6> pane_names{"task kinds",    "size classes", "threads",
                                                       "running tasks", "worst tasks",  "runtime"};

[[nodiscard]] Table table_of_processes(const std::vector<Subject>& subjects);

/// Pre: there is a snapshot.
[[nodiscard]] Table table_of(Pane pane, const Subject& subject);

/// What a table is sorted by until the user says otherwise.
[[nodiscard]] Order first_order_of_processes();
[[nodiscard]] Order first_order_of(Pane pane);

/// Name, process and state in one line; heap and rates in two more. Pre: there is a snapshot.
[[nodiscard]] std::array<std::string, 3> headings_of(const Subject& subject);

[[nodiscard]] std::string heading_of_processes(const std::vector<Subject>& subjects, uint64_t of_others);

/// Running, or how it came to its end.
[[nodiscard]] const char* state_text(const Snapshot& snapshot);

}  // namespace bursar::tool
