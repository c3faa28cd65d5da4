// Calls malloc(64) and free in pairs, for the instructions of a pair to be counted from outside:
// malloc_pairs reuse|replace PAIRS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { block_bytes = 64, live_blocks = 64 };

static void* live[live_blocks];

// The block just freed comes back at once.
static void reuse(long pairs) {
  for (long i = 0; i < pairs; ++i) {
    void* volatile block = malloc(block_bytes);
    free(block);
  }
}

// Each pair replaces the oldest of the live blocks.
static void replace(long pairs) {
  for (int i = 0; i < live_blocks; ++i) live[i] = malloc(block_bytes);
  for (long i = 0; i < pairs; ++i) {
    void** slot = &live[i % live_blocks];
    free(*slot);
    *slot = malloc(block_bytes);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fputs("usage: malloc_pairs reuse|replace PAIRS\n", stderr);
    return 2;
  }
  const long pairs = atol(argv[2]);
  if (strcmp(argv[1], "reuse") == 0) {
    reuse(pairs);
  } else {
    replace(pairs);
  }
  return 0;
}
