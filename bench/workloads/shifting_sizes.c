// How much memory does a long run hold whose sizes shift from phase to phase, while some blocks of every phase survive?
//
// Reports resident bytes over live bytes after a quarter, a half, three quarters and all of the phases.
#include "work.h"

enum { phases = 16, live_bytes_full = 40 * bytes_per_mib, turnovers_each_phase = 2, live_blocks_max = 1000 * 1000 };

typedef struct {
  void** blocks;
  uint32_t count;
  uint32_t count_highest;
  size_t bytes;
} Live;

static Arguments arguments;

static void drop_one(Live* live, Random* random) {
  void** place = &live->blocks[next_below(random, live->count)];
  live->bytes -= break_seal(*place);
  free(*place);
  *place = live->blocks[--live->count];
}

static void add_one(Live* live, size_t bytes) {
  check(live->count < live_blocks_max, "more blocks than places");
  live->blocks[live->count++] = allocate_sealed(bytes);
  if (live->count > live->count_highest) live->count_highest = live->count;
  live->bytes += bytes;
}

// Each phase has a band of sizes of its own, an octave wide: 64, 320, 112, 704, ...
static size_t size_in(int phase, Random* random) {
  static const size_t smallest[] = {64, 320, 112, 704, 80, 1500, 56, 208, 2600, 64, 416, 144, 5000, 96, 272, 900};
  _Static_assert(sizeof smallest / sizeof *smallest == phases, "a band for each phase");
  return smallest[phase] + next_below(random, (uint32_t)smallest[phase]);
}

static void run_phase(Live* live, Random* random, int phase, size_t live_bytes) {
  size_t made = 0;
  while (made < live_bytes * turnovers_each_phase) {
    const size_t bytes = size_in(phase, random);
    // What leaves is drawn by lot: of what was there before the phase, one block in seven survives it.
    while (live->bytes + bytes > live_bytes && live->count > 0) drop_one(live, random);
    add_one(live, bytes);
    made += bytes;
  }
}

static void report(const Live* live, int phase) {
  static const char* const names[] = {"rss_per_live_quarter", "rss_per_live_half", "rss_per_live_three_quarters",
                                      "rss_per_live_end"};
  const int phases_each = phases / 4;
  if (phase % phases_each != phases_each - 1) return;
  // The list of blocks is a live block too, as far as it has ever been used.
  const size_t live_bytes = live->bytes + live->count_highest * sizeof(void*);
  report_metric(names[phase / phases_each], (double)resident_bytes() / (double)live_bytes, "ratio");
}

static void work(int index) {
  Live live = {malloc(live_blocks_max * sizeof(void*)), 0, 0, 0};
  check(live.blocks != NULL, "no memory");
  Random random = random_of((uint64_t)index);
  const size_t live_bytes = (size_t)scaled_share(&arguments, live_bytes_full);
  for (int phase = 0; phase < phases; ++phase) {
    run_phase(&live, &random, phase, live_bytes);
    if (arguments.threads == 1) report(&live, phase);
  }
  while (live.count > 0) drop_one(&live, &random);
  free(live.blocks);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
