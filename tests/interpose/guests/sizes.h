// Sizes at the edges, and what must be said of a call that fails.
#ifndef GUESTS_SIZES_H
#define GUESTS_SIZES_H

#include "expect.h"

enum { untouched = 4711 };

#define EXPECT_FAILS_WITH(error, call)    \
  do {                                    \
    errno = untouched;                    \
    EXPECT(opaque_pointer(call) == NULL); \
    EXPECT(errno == (error));             \
  } while (0)

static const size_t sizes[] = {1,    7,    8,     16,    24,     100,     1000,    1024,
                               4095, 4096, 10000, 32768, 100000, 1 << 20, 5 << 20, 33 << 20};
enum { sizes_count = sizeof sizes / sizeof *sizes };

static const size_t too_much[] = {(size_t)PTRDIFF_MAX + 1,
                                  (size_t)PTRDIFF_MAX + 4097,
                                  SIZE_MAX - 65536,
                                  SIZE_MAX - 4096,
                                  SIZE_MAX - 4095,
                                  SIZE_MAX - 16,
                                  SIZE_MAX - 15,
                                  SIZE_MAX - 1,
                                  SIZE_MAX};
enum { too_much_count = sizeof too_much / sizeof *too_much };

#endif
