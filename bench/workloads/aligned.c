// What do blocks cost that must lie at multiples of 32 to 4096 bytes?
#include "work.h"

enum { replacements_full = 4 * 1000 * 1000, live_blocks = 20 * 1000, bits_min = 5, bits_max = 12 };

static Arguments arguments;
static void* live[live_blocks];

static void* allocate_aligned(Random* random) {
  // Strict alignments are rarer: half as many for each doubling.
  unsigned bits = bits_min;
  while (bits < bits_max && next_below(random, 2) == 0) ++bits;
  const size_t alignment = (size_t)1 << bits;
  const size_t bytes = alignment * (1 + next_below(random, 4));
  void* block = NULL;
  if (next_below(random, 2) == 0) {
    block = aligned_alloc(alignment, bytes);
  } else {
    check(posix_memalign(&block, alignment, bytes - 8) == 0, "posix_memalign failed");
  }
  check(block != NULL && ((uintptr_t)block & (alignment - 1)) == 0, "not aligned");
  seal(block, bytes - 8);
  return block;
}

static void work(int index) {
  Random random = random_of((uint64_t)index);
  const uint32_t part = live_blocks / (uint32_t)arguments.threads;
  void** blocks = &live[part * (uint32_t)index];
  for (long i = scaled_share(&arguments, replacements_full); i > 0; --i) {
    void** place = &blocks[next_below(&random, part)];
    free_sealed(*place);
    *place = allocate_aligned(&random);
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  for (int i = 0; i < live_blocks; ++i) free_sealed(live[i]);
  return 0;
}
