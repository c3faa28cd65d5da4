// The answers at the edges of the C interface: zero, too much, overflow, failure, errno.
#include <malloc.h>

#include "sizes.h"

static int page_bytes(void) { return getpagesize(); }

// --- zero

CASE(malloc_of_zero_is_unique_and_freeable) {
  void* blocks[1000];
  for (int i = 0; i < 1000; ++i) EXPECT((blocks[i] = malloc(opaque(0))) != NULL);
  for (int i = 0; i < 1000; ++i)
    for (int j = 0; j < i; ++j) EXPECT(blocks[i] != blocks[j]);
  for (int i = 0; i < 1000; ++i) free(blocks[i]);
}

CASE(calloc_of_zero_is_unique_and_freeable) {
  void* first = calloc(opaque(0), 8);
  void* second = calloc(8, opaque(0));
  void* third = calloc(opaque(0), opaque(0));
  void* fourth = calloc(opaque(0), SIZE_MAX);
  EXPECT(first != NULL && second != NULL && third != NULL && fourth != NULL);
  EXPECT(first != second && first != third && first != fourth && second != third && second != fourth);
  free(first);
  free(second);
  free(third);
  free(fourth);
}

CASE(free_of_null_does_nothing) {
  errno = untouched;
  free(opaque_pointer(NULL));
  EXPECT(errno == untouched);
}

CASE_WITH(other_frees_of_null_do_nothing, bursar_only) {
  void (*free_old)(void*) = (void (*)(void*))guest_symbol("cfree");
  void (*free_with_size)(void*, size_t) = (void (*)(void*, size_t))guest_symbol("free_sized");
  void (*free_aligned)(void*, size_t, size_t) = (void (*)(void*, size_t, size_t))guest_symbol("free_aligned_sized");
  EXPECT(free_old != NULL && free_with_size != NULL && free_aligned != NULL);
  errno = untouched;
  free_old(NULL);
  free_with_size(NULL, 0);
  free_with_size(NULL, 100);
  free_aligned(NULL, 64, 0);
  free_aligned(NULL, 64, 128);
  EXPECT(errno == untouched);
}

CASE(usable_size_of_null_is_zero) { EXPECT(malloc_usable_size(opaque_pointer(NULL)) == 0); }

// --- too much

CASE(malloc_beyond_ptrdiff_max_fails_with_enomem) {
  for (int i = 0; i < too_much_count; ++i) EXPECT_FAILS_WITH(ENOMEM, malloc(opaque(too_much[i])));
  EXPECT_FAILS_WITH(ENOMEM, malloc(opaque(PTRDIFF_MAX)));
  EXPECT_FAILS_WITH(ENOMEM, malloc(opaque((size_t)1 << 62)));
}

CASE(calloc_beyond_ptrdiff_max_fails_with_enomem) {
  for (int i = 0; i < too_much_count; ++i) {
    EXPECT_FAILS_WITH(ENOMEM, calloc(opaque(too_much[i]), 1));
    EXPECT_FAILS_WITH(ENOMEM, calloc(1, opaque(too_much[i])));
  }
}

CASE(calloc_overflow_fails_with_enomem) {
  static const size_t pairs[][2] = {{SIZE_MAX, SIZE_MAX},
                                    {SIZE_MAX, 2},
                                    {SIZE_MAX / 2 + 1, 2},
                                    {SIZE_MAX / 2 + 2, 2},
                                    {(size_t)1 << 32, (size_t)1 << 32},
                                    {((size_t)1 << 32) + 1, ((size_t)1 << 32)},
                                    {SIZE_MAX / 16 + 1, 16},
                                    {SIZE_MAX / 16 + 2, 16},
                                    {SIZE_MAX / 3 + 1, 3}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    EXPECT_FAILS_WITH(ENOMEM, calloc(opaque(pairs[i][0]), opaque(pairs[i][1])));
    EXPECT_FAILS_WITH(ENOMEM, calloc(opaque(pairs[i][1]), opaque(pairs[i][0])));
  }
}

CASE(realloc_of_null_beyond_ptrdiff_max_fails_with_enomem) {
  for (int i = 0; i < too_much_count; ++i)
    EXPECT_FAILS_WITH(ENOMEM, realloc(opaque_pointer(NULL), opaque(too_much[i])));
}

CASE(a_failed_realloc_leaves_the_block_as_it_was) {
  for (int i = 0; i < sizes_count; ++i) {
    unsigned char* block = malloc(sizes[i]);
    EXPECT(block != NULL);
    memset(block, 0x5a, sizes[i]);
    const size_t usable = malloc_usable_size(block);
    for (int j = 0; j < too_much_count; ++j) EXPECT_FAILS_WITH(ENOMEM, realloc(block, opaque(too_much[j])));
    EXPECT_FAILS_WITH(ENOMEM, realloc(block, opaque((size_t)1 << 60)));
    EXPECT(malloc_usable_size(block) == usable);
    EXPECT(all_bytes_are(block, 0x5a, sizes[i]));
    free(block);
  }
}

// --- calloc

CASE(calloc_clears_recycled_memory) {
  for (int round = 0; round < 4; ++round)
    for (int i = 0; i < sizes_count - (round > 0); ++i) {
      enum { several = 6 };
      unsigned char* blocks[several];
      for (int k = 0; k < several; ++k) {
        blocks[k] = malloc(sizes[i]);
        EXPECT(blocks[k] != NULL);
        memset(blocks[k], 0xa5, malloc_usable_size(blocks[k]));
      }
      for (int k = 0; k < several; ++k) free(blocks[k]);
      if (round == 3) malloc_trim(0);
      for (int k = 0; k < several; ++k) {
        blocks[k] = k % 2 == 0 ? calloc(1, sizes[i]) : calloc(sizes[i], 1);
        EXPECT(blocks[k] != NULL);
        EXPECT(all_bytes_are(blocks[k], 0, sizes[i]));
      }
      for (int k = 0; k < several; ++k) free(blocks[k]);
    }
}

CASE(calloc_clears_what_a_shrunk_or_grown_block_left_dirty) {
  for (int i = 0; i < sizes_count - 1; ++i)
    for (int j = 0; j < sizes_count - 1; ++j) {
      unsigned char* block = malloc(sizes[i]);
      EXPECT(block != NULL);
      memset(block, 0xa5, malloc_usable_size(block));
      block = realloc(block, sizes[j]);
      EXPECT(block != NULL);
      memset(block, 0xa5, malloc_usable_size(block));
      unsigned char* between = calloc(1, sizes[i]);
      EXPECT(between != NULL && all_bytes_are(between, 0, sizes[i]));
      free(block);
      unsigned char* after = calloc(1, sizes[j]);
      EXPECT(after != NULL && all_bytes_are(after, 0, sizes[j]));
      free(after);
      free(between);
    }
}

// --- alignment

CASE(malloc_is_aligned_to_16_for_every_size) {
  static void* blocks[5000];
  for (size_t n = 0; n < 5000; ++n) {
    blocks[n] = n % 2 == 0 ? malloc(n) : calloc(1, n);
    EXPECT(blocks[n] != NULL && is_aligned(blocks[n], 16));
  }
  for (size_t n = 0; n < 5000; ++n) {
    blocks[n] = realloc(blocks[n], 4999 - n + 1);
    EXPECT(blocks[n] != NULL && is_aligned(blocks[n], 16));
    free(blocks[n]);
  }
  for (size_t bytes = 1; bytes < 64 * MIB; bytes += bytes / 3 + 1) {
    void* block = malloc(bytes);
    EXPECT(block != NULL && is_aligned(block, 16));
    free(block);
  }
}

CASE_WITH(aligned_alloc_takes_powers_of_two_only, bursar_only) {
  static const size_t wrong[] = {0, 3, 5, 6, 7, 9, 12, 24, 48, 100, 4095, 4097, SIZE_MAX, (size_t)PTRDIFF_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    EXPECT_FAILS_WITH(EINVAL, aligned_alloc(opaque(wrong[i]), 64));
}

CASE(aligned_alloc_takes_sizes_that_are_no_multiple) {
  for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
    for (size_t bytes = 0; bytes < 3000; bytes = bytes * 3 + 1) {
      unsigned char* block = aligned_alloc(alignment, bytes);
      EXPECT(block != NULL && is_aligned(block, alignment < 16 ? 16 : alignment));
      memset(block, 0x11, bytes);
      EXPECT(malloc_usable_size(block) >= bytes);
      free(block);
    }
}

CASE(memalign_rounds_the_alignment_up) {
  static const size_t asked[] = {0, 1, 3, 17, 24, 33, 48, 100, 129, 3000, 4097, 65537};
  static const size_t given[] = {1, 1, 4, 32, 32, 64, 64, 128, 256, 4096, 8192, 131072};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; ++i)
    for (int k = 0; k < 5; ++k) {
      unsigned char* block = memalign(asked[i], 100);
      EXPECT(block != NULL && is_aligned(block, given[i]) && is_aligned(block, 16));
      memset(block, 0x12, 100);
      EXPECT(opaque_pointer(malloc(24)) != NULL);  // Left live, so that the next is not aligned by chance.
      if (k % 2 == 0) free(block);
    }
}

CASE(memalign_beyond_the_last_power_of_two_fails_with_einval) {
  EXPECT_FAILS_WITH(EINVAL, memalign(opaque(SIZE_MAX), 8));
  EXPECT_FAILS_WITH(EINVAL, memalign(opaque(SIZE_MAX / 2 + 2), 8));
}

CASE(alignment_and_size_that_overflow_fail_with_enomem) {
  static const size_t alignments[] = {32, 4096, 65536, (size_t)1 << 30, (size_t)1 << 62, (size_t)1 << 63};
  for (size_t i = 0; i < sizeof alignments / sizeof *alignments; ++i) {
    for (int j = 0; j < too_much_count; ++j) {
      EXPECT_FAILS_WITH(ENOMEM, memalign(opaque(alignments[i]), opaque(too_much[j])));
      EXPECT_FAILS_WITH(ENOMEM, aligned_alloc(opaque(alignments[i]), opaque(too_much[j])));
      void* block = &block;
      EXPECT(posix_memalign(&block, opaque(alignments[i]), opaque(too_much[j])) == ENOMEM);
      EXPECT(block == &block);
    }
    EXPECT_FAILS_WITH(ENOMEM, memalign(opaque(alignments[i]), opaque(SIZE_MAX - alignments[i])));
    EXPECT_FAILS_WITH(ENOMEM, memalign(opaque(alignments[i]), opaque(SIZE_MAX - alignments[i] + 1)));
  }
  for (size_t bytes = 0; bytes < 100000; bytes = bytes * 10 + 1) {
    EXPECT_FAILS_WITH(ENOMEM, memalign(opaque((size_t)1 << 62), opaque(bytes)));
    EXPECT_FAILS_WITH(ENOMEM, memalign(opaque((size_t)1 << 63), opaque(bytes)));
    EXPECT_FAILS_WITH(ENOMEM, aligned_alloc(opaque((size_t)1 << 62), opaque(bytes)));
    EXPECT_FAILS_WITH(ENOMEM, aligned_alloc(opaque((size_t)1 << 63), opaque(bytes)));
  }
}

CASE(posix_memalign_checks_the_alignment) {
  static const size_t wrong[] = {0, 1, 2, 4, 7, 9, 12, 24, 48, 100, 4095, SIZE_MAX, (size_t)1 << 63 | 8};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    void* block = &block;
    EXPECT(posix_memalign(&block, opaque(wrong[i]), 64) == EINVAL);
    EXPECT(block == &block);
  }
}

CASE(posix_memalign_gives_the_alignment) {
  for (size_t alignment = 8; alignment <= 1 << 22; alignment *= 2)
    for (int i = 0; i < sizes_count; ++i) {
      void* block = NULL;
      errno = untouched;
      EXPECT(posix_memalign(&block, alignment, sizes[i]) == 0);
      EXPECT(errno == untouched);
      EXPECT(block != NULL && is_aligned(block, alignment));
      memset(block, 0x13, sizes[i] < 100000 ? sizes[i] : 100000);
      free(block);
    }
}

CASE(posix_memalign_of_zero_is_freeable) {
  void* block = NULL;
  EXPECT(posix_memalign(&block, 64, opaque(0)) == 0);
  EXPECT(block != NULL && is_aligned(block, 64));
  free(block);
}

CASE(valloc_is_page_aligned) {
  for (size_t bytes = 0; bytes < 100000; bytes = bytes * 2 + 1) {
    unsigned char* block = valloc(bytes);
    EXPECT(block != NULL && is_aligned(block, (size_t)page_bytes()));
    memset(block, 0x14, bytes);
    EXPECT(malloc_usable_size(block) >= bytes);
    free(block);
  }
}

CASE(valloc_of_too_much_fails_with_enomem) {
  for (int i = 0; i < too_much_count; ++i) EXPECT_FAILS_WITH(ENOMEM, valloc(opaque(too_much[i])));
}

CASE(pvalloc_rounds_up_to_pages) {
  const size_t page = (size_t)page_bytes();
  for (size_t bytes = 1; bytes < 100000; bytes = bytes * 2 + 1) {
    unsigned char* block = pvalloc(bytes);
    const size_t rounded = (bytes + page - 1) / page * page;
    EXPECT(block != NULL && is_aligned(block, page));
    EXPECT(malloc_usable_size(block) >= rounded);
    memset(block, 0x15, rounded);
    free(block);
  }
  void* empty = pvalloc(opaque(0));
  EXPECT(empty != NULL && is_aligned(empty, page));
  free(empty);
}

CASE(pvalloc_of_too_much_fails_with_enomem) {
  for (int i = 0; i < too_much_count; ++i) EXPECT_FAILS_WITH(ENOMEM, pvalloc(opaque(too_much[i])));
}

CASE(huge_alignments_give_aligned_writable_blocks) {
  for (int shift = 20; shift <= 30; ++shift)
    for (int k = 0; k < 3; ++k) {
      const size_t alignment = (size_t)1 << shift;
      const size_t bytes = k == 0 ? 1 : k == 1 ? 100000 : 3 * MIB + 5;
      unsigned char* block = aligned_alloc(alignment, bytes);
      EXPECT(block != NULL && is_aligned(block, alignment));
      const size_t usable = malloc_usable_size(block);
      EXPECT(usable >= bytes);
      memset(block, 0x16, usable < 16 * MIB ? usable : bytes);
      free(block);
    }
}

CASE_WITH(what_is_reserved_for_an_alignment_is_not_usable, bursar_only) {
  for (int shift = 16; shift <= 30; ++shift) {
    unsigned char* block = aligned_alloc((size_t)1 << shift, 3 * MIB + 5);
    EXPECT(block != NULL && is_aligned(block, (size_t)1 << shift));
    EXPECT_AT_MOST(malloc_usable_size(block), 8 * MIB);
    free(block);
  }
}

CASE(huge_alignments_give_their_address_space_back) {
  for (int i = 0; i < 300; ++i) {
    unsigned char* block = aligned_alloc(GIB, 100);
    EXPECT(block != NULL && is_aligned(block, GIB));
    block[99] = 1;
    free(block);
  }
  EXPECT_AT_MOST(mapped_bytes(), 40 * GIB);
}

// --- usable size

CASE(usable_size_is_constant_and_writable) {
  enum { count = 3000 };
  static unsigned char* blocks[count];
  static size_t usable[count];
  uint64_t state = 88172645463325252U;
  for (int i = 0; i < count; ++i) {
    const size_t bytes = next_random(&state) % (i % 50 == 0 ? 300000 : 3000);
    blocks[i] = malloc(bytes);
    EXPECT(blocks[i] != NULL);
    usable[i] = malloc_usable_size(blocks[i]);
    EXPECT(usable[i] >= bytes);
    memset(blocks[i], i & 0xff, usable[i]);
  }
  for (int i = 0; i < count; ++i) {
    EXPECT(malloc_usable_size(blocks[i]) == usable[i]);
    EXPECT(all_bytes_are(blocks[i], (unsigned char)i, usable[i]));
    if (i % 2 == 0) {
      free(blocks[i]);
      blocks[i] = NULL;
    }
  }
  for (int i = 1; i < count; i += 2) {
    EXPECT(malloc_usable_size(blocks[i]) == usable[i]);
    EXPECT(all_bytes_are(blocks[i], (unsigned char)i, usable[i]));
    free(blocks[i]);
  }
}

// --- errno

CASE(success_leaves_errno_alone) {
  errno = untouched;
  void* first = malloc(10);
  EXPECT(errno == untouched && first != NULL);
  free(first);
  EXPECT(errno == untouched);
  for (int i = 0; i < sizes_count; ++i) {
    void* block = malloc(sizes[i]);
    EXPECT(block != NULL && errno == untouched);
    EXPECT(malloc_usable_size(block) >= sizes[i] && errno == untouched);
    block = realloc(block, sizes[(i + 5) % sizes_count]);
    EXPECT(block != NULL && errno == untouched);
    block = reallocarray(block, sizes[(i + 3) % sizes_count], 2);
    EXPECT(block != NULL && errno == untouched);
    free(block);
    EXPECT(errno == untouched);
    block = calloc(3, sizes[i]);
    EXPECT(block != NULL && errno == untouched);
    free(block);
    EXPECT(errno == untouched);
    block = memalign(8192, sizes[i]);
    EXPECT(block != NULL && errno == untouched);
    free(block);
    EXPECT(errno == untouched);
  }
}

CASE(free_of_many_blocks_leaves_errno_alone) {
  enum { count = 20000 };
  static void* blocks[count];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < count; ++i) EXPECT((blocks[i] = malloc(i % 100 == 0 ? 300000 : 200)) != NULL);
    errno = untouched;
    for (int i = 0; i < count; ++i) free(blocks[i]);
    EXPECT(errno == untouched);
  }
}
