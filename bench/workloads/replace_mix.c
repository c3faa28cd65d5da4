// What do the sizes and lifetimes of real programs cost, each new block in place of an old one of its kind?
#include "size_mix.h"
#include "work.h"

enum { replacements_full = 9 * 1000 * 1000, sizes = sizeof size_mix / sizeof *size_mix, draws = 1 << 14 };

_Static_assert(sizes <= UINT8_MAX, "a draw is a byte");

typedef struct {
  void** first;
  uint32_t count;
} Places;

static Arguments arguments;
static uint8_t drawn[draws];  // the row of the mix, as often as it is allocated

static void prepare_draws(void) {
  uint64_t all = 0;
  for (int row = 0; row < sizes; ++row) all += size_mix[row].allocations;
  uint64_t sum = 0;
  for (int row = 0, draw = 0; row < sizes; ++row) {
    sum += size_mix[row].allocations;
    while ((uint64_t)draw * all < sum * draws && draw < draws) drawn[draw++] = (uint8_t)row;
  }
}

static void replace_one(const Places* places, Random* random) {
  const int row = drawn[next_random(random) >> 50];
  const SizeMix* size = &size_mix[row];
  void** place = &places[row].first[next_below(random, places[row].count)];
  free_sealed(*place);
  *place = allocate_sealed(size->bytes_min + next_below(random, size->bytes_max - size->bytes_min + 1));
}

static void work(int index) {
  Places places[sizes];
  for (int row = 0; row < sizes; ++row) {
    places[row].count = (size_mix[row].live_blocks - 1) / (uint32_t)arguments.threads + 1;
    places[row].first = calloc(places[row].count, sizeof(void*));
    check(places[row].first != NULL, "no memory");
  }
  Random random = random_of((uint64_t)index);
  for (long i = scaled_share(&arguments, replacements_full); i > 0; --i) replace_one(places, &random);
  for (int row = 0; row < sizes; ++row) {
    for (uint32_t i = 0; i < places[row].count; ++i) free_sealed(places[row].first[i]);
    free(places[row].first);
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  prepare_draws();
  run_threads(arguments.threads, work);
  return 0;
}
