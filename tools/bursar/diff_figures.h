// Two snapshots side by side: what grew, and what grew too much.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/bursar/snapshot.h"

namespace bursar::tool {

enum class Unit : unsigned char { count, bytes, nanoseconds };

/// One number of both. `key` is its name in JSON and for `--only`.
struct Figure {
  const char* key;
  const char* title;
  Unit unit;
  uint64_t a;
  uint64_t b;
};

/// Growth as a part of what was there; none where nothing was.
[[nodiscard]] std::optional<double> percent_grown(const Figure& figure);

enum class Presence : unsigned char { in_both, only_in_b, only_in_a };

/// The figures of one thing that has a name: a task kind, a size class, the threads of a name. What is in one of both alone has
/// zeros on the other side.
struct Group {
  std::string name;
  Presence presence = Presence::in_both;
  std::vector<Figure> figures;
};

/// By the growth of allocated bytes, the most first; the same for each list.
struct Comparison {
  std::vector<Figure> totals;
  std::vector<Group> kinds;
  std::vector<Group> size_classes;
  std::vector<Group> threads;
};

[[nodiscard]] Comparison compare(const Snapshot& a, const Snapshot& b);

/// No figure changed, or no figure in bytes changed by that much.
[[nodiscard]] bool is_noise(const Group& group, uint64_t bytes_min);

/// Takes away the groups that are noise. Tells how many.
size_t leave_out_noise(std::vector<Group>& groups, uint64_t bytes_min);

/// What may be judged: of all, and of each task kind that is in both.
inline constexpr std::array<const char*, 5> judged_figures{"allocations", "allocated_bytes", "peak_live_bytes",
                                                           "allocations_per_task", "peak_per_task"};

struct Excess {
  std::string kind;  // empty: of all
  Figure figure;
};

struct Judgement {
  double percent_max = 0;
  uint64_t bytes_min = 0;         // figures in bytes that grew by less are let go, and all of a kind that is noise
  std::vector<std::string> only;  // of judged_figures; empty: all
};

/// What grew by more than the judgement allows. From nothing to something is more than any percentage.
[[nodiscard]] std::vector<Excess> excesses_of(const Comparison& comparison, const Judgement& judgement);

}  // namespace bursar::tool
