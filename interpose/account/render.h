// The exit report: what a ledger says, as text for a person or as JSON or OpenMetrics for a program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "interpose/account/ledger_view.h"
#include "interpose/account/render_runtime.h"

namespace bursar::ledger {

/// Where the report goes, piece by piece.
struct Sink {
  void (*write)(void* context, const char* text, size_t bytes);
  void* context;
};

inline constexpr int64_t unknown_exit_status = -1;

/// Whose peak of resident memory is told: the kernel gives a parent the highest of its child and the child's children.
enum class RssScope : unsigned char { process, with_children };

/// Whether the process of a ledger that is not at its end is still there.
enum class Life : unsigned char { unknown, alive, gone };

/// What the ledger itself does not know. A field that is null, 0 or -1 is unknown; the ledger then answers where it can.
struct ExitFacts {
  const char* program_arguments = nullptr;  // as a person would type them; else the path of the program is shown
  int64_t exit_status = unknown_exit_status;
  int64_t term_signal = 0;
  uint64_t wall_ns = 0;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t peak_rss_bytes = 0;
  uint64_t page_faults = 0;
  RssScope rss_scope = RssScope::process;
  Life life = Life::unknown;
};

enum class Format { text, json, openmetrics };

/// Nothing in the view is taken for granted: a ledger with any numbers in it gives a report. Calls nothing but the sink, so
/// it may run where nothing may allocate, and while the counters grow; needs less than 4 KiB of stack.
void render_report(const View& view, const ExitFacts& facts, Format format, const Sink& sink) noexcept;

/// What a report tells of tasks, alone: as text, or as one JSON object. Of the view's header, only the worst tasks are read.
void render_tasks_alone(const View& view, Format format, const Sink& sink) noexcept;

/// The lines of the text that tell of the runtime; nothing where all is zero.
void render_runtime_alone(const RuntimeTotals& totals, const Sink& sink) noexcept;

/// The part of the text that tells nothing of the heap, for a program that has no account. Pre: its arguments and its
/// ending are known.
void render_process(uint32_t process_id, const ExitFacts& facts, const Sink& sink) noexcept;

}  // namespace bursar::ledger
