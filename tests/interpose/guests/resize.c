// realloc and reallocarray: what they keep, what they copy, what they give back.
#include <malloc.h>

#include "sizes.h"

CASE(realloc_of_null_is_malloc) {
  for (int i = 0; i < sizes_count; ++i) {
    unsigned char* block = realloc(opaque_pointer(NULL), sizes[i]);
    EXPECT(block != NULL && is_aligned(block, 16));
    memset(block, 1, sizes[i]);
    free(block);
  }
  void* empty = realloc(opaque_pointer(NULL), opaque(0));
  EXPECT(empty != NULL);
  free(empty);
}

CASE(realloc_to_zero_frees_and_returns_null) {
  for (int i = 0; i < sizes_count; ++i) {
    void* block = malloc(sizes[i]);
    EXPECT(block != NULL);
    errno = untouched;
    EXPECT(realloc(block, opaque(0)) == NULL);
    EXPECT(errno == untouched);
  }
  const size_t before = resident_bytes();
  for (int i = 0; i < 20000; ++i) {
    char* block = malloc(10000);
    EXPECT(block != NULL);
    block[0] = block[9999] = 1;
    EXPECT(realloc(block, opaque(0)) == NULL);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 8 * MIB);
}

CASE(realloc_keeps_the_bytes_that_fit) {
  for (int i = 0; i < sizes_count; ++i)
    for (int j = i % 2; j < sizes_count; j += 2) {
      unsigned char* block = malloc(sizes[i]);
      EXPECT(block != NULL);
      memset(block, 0x77, sizes[i]);
      block = realloc(block, sizes[j]);
      EXPECT(block != NULL && is_aligned(block, 16));
      const size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
      EXPECT(all_bytes_are(block, 0x77, kept));
      EXPECT(malloc_usable_size(block) >= sizes[j]);
      memset(block, 0x78, sizes[j]);
      free(block);
    }
}

CASE(realloc_of_an_over_aligned_block_keeps_its_bytes) {
  static const size_t alignments[] = {32, 256, 4096, 1 << 21};
  for (size_t a = 0; a < sizeof alignments / sizeof *alignments; ++a)
    for (int i = 0; i < sizes_count; ++i)
      for (int j = 0; j < sizes_count - 1; j += 3) {
        if (sizes[i] > 100000) continue;
        unsigned char* block = aligned_alloc(alignments[a], sizes[i]);
        EXPECT(block != NULL && is_aligned(block, alignments[a]));
        memset(block, 0x33, sizes[i]);
        block = realloc(block, sizes[j]);
        EXPECT(block != NULL);
        EXPECT(all_bytes_are(block, 0x33, sizes[i] < sizes[j] ? sizes[i] : sizes[j]));
        memset(block, 0x34, sizes[j]);
        free(block);
      }
}

CASE_WITH(realloc_to_the_usable_size_stays_in_place, bursar_only) {
  for (int i = 0; i < sizes_count; ++i) {
    unsigned char* block = malloc(sizes[i]);
    EXPECT(block != NULL);
    const size_t usable = malloc_usable_size(block);
    memset(block, 0x21, usable);
    unsigned char* same = realloc(block, usable);
    EXPECT(same == block);
    EXPECT(all_bytes_are(same, 0x21, usable));
    EXPECT(malloc_usable_size(same) == usable);
    free(same);
  }
}

CASE(reallocarray_overflow_fails_and_keeps_the_block) {
  unsigned char* block = malloc(100);
  EXPECT(block != NULL);
  memset(block, 0x44, 100);
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(block, opaque(SIZE_MAX / 2 + 1), 2));
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(block, 2, opaque(SIZE_MAX / 2 + 1)));
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(block, opaque(SIZE_MAX), opaque(SIZE_MAX)));
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(block, opaque(SIZE_MAX / 16 + 2), 16));
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(opaque_pointer(NULL), opaque(SIZE_MAX), 2));
  EXPECT_FAILS_WITH(ENOMEM, reallocarray(block, opaque(PTRDIFF_MAX), 1));
  EXPECT(all_bytes_are(block, 0x44, 100));
  free(block);
}

CASE(reallocarray_answers_like_realloc) {
  unsigned char* block = reallocarray(opaque_pointer(NULL), 10, 10);
  EXPECT(block != NULL && malloc_usable_size(block) >= 100);
  memset(block, 0x45, 100);
  block = reallocarray(block, 1000, 100);
  EXPECT(block != NULL && malloc_usable_size(block) >= 100000);
  EXPECT(all_bytes_are(block, 0x45, 100));
  errno = untouched;
  EXPECT(reallocarray(block, opaque(0), 100) == NULL);
  EXPECT(errno == untouched);
}

CASE(realloc_in_small_steps_to_256_mib_is_amortised) {
  const size_t end = 256 * MIB;
  const size_t step = 4096;
  const size_t before = resident_bytes();
  size_t moved = 0;
  unsigned char* block = malloc(step);
  EXPECT(block != NULL);
  block[0] = 1;
  for (size_t bytes = 2 * step; bytes <= end; bytes += step) {
    unsigned char* grown = realloc(block, bytes);
    EXPECT(grown != NULL);
    if (grown != block) ++moved;
    grown[bytes - step] = (unsigned char)(bytes / step);
    block = grown;
  }
  for (size_t at = step; at < end; at += step) EXPECT(block[at] == (unsigned char)(at / step + 1));
  // 65535 steps: copying at each would have moved the block as often.
  EXPECT_AT_MOST(moved, 4000);
  EXPECT_AT_MOST(resident_bytes(), before + end + end / 2);
  free(block);
}

CASE(realloc_by_single_bytes_is_amortised) {
  size_t moved = 0;
  unsigned char* block = malloc(1);
  EXPECT(block != NULL);
  for (size_t bytes = 2; bytes <= MIB; ++bytes) {
    unsigned char* grown = realloc(block, bytes);
    EXPECT(grown != NULL);
    if (grown != block) ++moved;
    grown[bytes - 1] = (unsigned char)bytes;
    block = grown;
  }
  for (size_t at = 1; at < MIB; ++at) EXPECT(block[at] == (unsigned char)(at + 1));
  EXPECT_AT_MOST(moved, 2000);
  free(block);
}

CASE(realloc_down_gives_memory_back) {
  enum { count = 64 };
  unsigned char* blocks[count];
  const size_t before = resident_bytes();
  for (int i = 0; i < count; ++i) {
    blocks[i] = malloc(4 * MIB);
    EXPECT(blocks[i] != NULL);
    memset(blocks[i], 0x61, 4 * MIB);
    blocks[i] = realloc(blocks[i], 10000);
    EXPECT(blocks[i] != NULL);
    EXPECT(all_bytes_are(blocks[i], 0x61, 10000));
  }
  EXPECT_AT_MOST(resident_bytes(), before + 64 * MIB);
  for (int i = 0; i < count; ++i) free(blocks[i]);
}
