// What does it cost to escape source lines, most of which need no escape, beside copying and beside those who always build?
#include "bursar/zero_copy.h"

#include <absl/strings/escaping.h>
#include <benchmark/benchmark.h>
#include <glib.h>

#include <memory_resource>

#include "bench/runtime/corpus.h"
#include "bursar/text_split.h"

namespace {

using bursar::zero_copy::EscapeStyle;
using Needs = bursar::zero_copy::NeedsEscape<EscapeStyle::c>;

struct Lines {
  std::vector<std::string> texts;
  std::vector<std::string_view> lines;
  std::size_t bytes = 0;
  std::size_t clean = 0;

  void add(std::string_view line, bool is_clean) {
    lines.push_back(line);
    bytes += line.size();
    clean += is_clean ? 1 : 0;
  }
};

constexpr std::size_t lines_max = 150'000;
constexpr std::size_t cached_lines_max = 10'000;  // with their views half a MiB

/// Lines of the corpus; of those that need an escape only so many of five.
Lines make_lines(std::size_t dirty_of_five, std::size_t count) {
  Lines result;
  result.texts = bursar::bench::read_corpus(16 << 20);
  std::size_t dirty = 0;
  for (const std::string& text : result.texts) {
    for (const std::string_view line : bursar::zero_copy::lines(text)) {
      const bool is_clean = bursar::byte_scan::find_first(line, Needs{}) == line.size();
      if (result.lines.size() < count && (is_clean || dirty++ % 5 < dirty_of_five)) result.add(line, is_clean);
    }
  }
  return result;
}

enum Kind : std::int64_t { as_they_are, few_dirty, few_dirty_cached };

/// As they are in Python, and thinned to the one dirty line in twelve or so that other corpora have: many, and what the second cache holds.
const Lines& lines_of(std::int64_t kind) {
  static const Lines all = make_lines(5, lines_max);
  static const Lines thinned = make_lines(2, lines_max);
  static const Lines cached = make_lines(2, cached_lines_max);
  return kind == as_they_are ? all : kind == few_dirty ? thinned : cached;
}

template <typename Work>
void run(benchmark::State& state, Work work) {
  const Lines& lines = lines_of(state.range(0));
  for (auto round : state) {
    for (const std::string_view line : lines.lines) work(line);
  }
  const auto count = static_cast<double>(lines.lines.size());
  state.counters["ns/line"] =
      benchmark::Counter(count * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bytes/line"] = static_cast<double>(lines.bytes) / count;
  state.counters["clean"] = static_cast<double>(lines.clean) / count;
}

void scan(benchmark::State& state) {
  run(state, [](std::string_view line) { benchmark::DoNotOptimize(bursar::byte_scan::find_first(line, Needs{})); });
}

void escape_cow(benchmark::State& state) {
  run(state, [](std::string_view line) {
    const bursar::CowString text = bursar::zero_copy::escape(line);
    benchmark::DoNotOptimize(text.data());
  });
}

void escape_into_memory(benchmark::State& state) {
  std::pmr::monotonic_buffer_resource memory(1 << 20);
  run(state, [&](std::string_view line) {
    const auto text = bursar::zero_copy::transform_into(memory, bursar::zero_copy::Escape<EscapeStyle::c>{}, line);
    benchmark::DoNotOptimize(text.data());
  });
}

void lower_cow(benchmark::State& state) {
  run(state, [](std::string_view line) {
    const bursar::CowString text = bursar::zero_copy::lower(line);
    benchmark::DoNotOptimize(text.data());
  });
}

void tabs_cow(benchmark::State& state) {
  run(state, [](std::string_view line) {
    const bursar::CowString text = bursar::zero_copy::expand_tabs(line);
    benchmark::DoNotOptimize(text.data());
  });
}

void std_string_copy(benchmark::State& state) {
  run(state, [](std::string_view line) {
    const std::string copy(line);
    benchmark::DoNotOptimize(copy.data());
  });
}

bool needs_escape(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value < 0x20 || value == 0x7f || value == '"' || value == '\\';
}

std::size_t scan_bytes(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && !needs_escape(line[at])) ++at;
  return at;
}

void scan_byte_by_byte(benchmark::State& state) {
  run(state, [](std::string_view line) { benchmark::DoNotOptimize(scan_bytes(line)); });
}

/// What most code does: a loop that appends to a string.
void std_string_build(benchmark::State& state) {
  run(state, [](std::string_view line) {
    std::string built;
    built.reserve(line.size());
    for (const char byte : line) {
      if (needs_escape(byte)) built += '\\';
      built += byte;
    }
    benchmark::DoNotOptimize(built.data());
  });
}

void absl_c_escape(benchmark::State& state) {
  run(state, [](std::string_view line) {
    const std::string built = absl::CEscape(absl::string_view(line.data(), line.size()));
    benchmark::DoNotOptimize(built.data());
  });
}

void glib_strescape(benchmark::State& state) {
  std::string terminated;
  run(state, [&](std::string_view line) {
    terminated = line;  // g_strescape wants a NUL
    char* built = g_strescape(terminated.c_str(), nullptr);
    benchmark::DoNotOptimize(built);
    g_free(built);
  });
}

}  // namespace

BENCHMARK(scan)->Arg(few_dirty)->Arg(as_they_are)->Arg(few_dirty_cached);
BENCHMARK(scan_byte_by_byte)->Arg(few_dirty);
BENCHMARK(escape_cow)->Arg(few_dirty)->Arg(as_they_are)->Arg(few_dirty_cached);
BENCHMARK(escape_into_memory)->Arg(few_dirty)->Arg(as_they_are);
BENCHMARK(std_string_copy)->Arg(few_dirty)->Arg(as_they_are)->Arg(few_dirty_cached);
BENCHMARK(std_string_build)->Arg(few_dirty)->Arg(as_they_are);
BENCHMARK(absl_c_escape)->Arg(few_dirty)->Arg(as_they_are);
BENCHMARK(glib_strescape)->Arg(few_dirty)->Arg(as_they_are);
BENCHMARK(lower_cow)->Arg(few_dirty);
BENCHMARK(tabs_cow)->Arg(few_dirty);
BENCHMARK_MAIN();
