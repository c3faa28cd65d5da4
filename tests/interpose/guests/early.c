// A program that allocates before its first constructor: the earliest code of its own there is.
#include "expect.h"

#include <malloc.h>

static void* made_early[100];

static void preinit(void) {
  for (size_t i = 0; i < 100; ++i) {
    made_early[i] = i % 2 == 0 ? malloc(i * 300) : calloc(i, 300);
    if (made_early[i] == NULL) abort();
    memset(made_early[i], 0x63, i * 300);
  }
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(void) = preinit;

__attribute__((constructor(101))) static void first_constructor(void) {
  for (size_t i = 0; i < 100; i += 3) {
    made_early[i] = realloc(made_early[i], i * 600 + 1);
    if (made_early[i] == NULL) abort();
  }
}

CASE(blocks_made_before_constructors_are_ordinary_blocks) {
  for (size_t i = 0; i < 100; ++i) {
    EXPECT(all_bytes_are(made_early[i], 0x63, i * 300));
    EXPECT(malloc_usable_size(made_early[i]) >= i * 300);
    free(made_early[i]);
  }
}

CASE(blocks_made_before_constructors_may_live_to_the_end) { EXPECT(made_early[99] != NULL); }
