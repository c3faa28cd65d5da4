// Every function of the malloc family is there, and each one's blocks are every other one's.
#include "expect.h"

#include <ctype.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

typedef void* (*malloc_function)(size_t);
typedef void* (*calloc_function)(size_t, size_t);
typedef void* (*realloc_function)(void*, size_t);
typedef void* (*memalign_function)(size_t, size_t);
typedef void (*free_function)(void*);

static void* needed(const char* name) {
  void* function = guest_symbol(name);
  if (function == NULL) guest_failed(__FILE__, __LINE__, name);
  return function;
}

static void fill(void* block, size_t bytes) {
  EXPECT(block != NULL);
  EXPECT(malloc_usable_size(block) >= bytes);
  memset(block, 0x5c, bytes);
}

CASE(each_maker_fits_each_free) {
  enum { makers = 9 };
  for (int freer = 0; freer < 3; ++freer)
    for (size_t bytes = 1; bytes < 600000; bytes = bytes * 5 + 3) {
      void* made[makers] = {malloc(bytes),
                            calloc(bytes, 1),
                            realloc(opaque_pointer(NULL), bytes),
                            memalign(64, bytes),
                            aligned_alloc(256, bytes),
                            valloc(bytes),
                            pvalloc(bytes),
                            NULL,
                            reallocarray(opaque_pointer(NULL), bytes, 1)};
      EXPECT(posix_memalign(&made[7], 128, bytes) == 0);
      for (int i = 0; i < makers; ++i) fill(made[i], bytes);
      for (int i = 0; i < makers; ++i) {
        EXPECT(all_bytes_are(made[i], 0x5c, bytes));
        if (freer == 0) free(made[i]);
        if (freer == 1) EXPECT(realloc(made[i], opaque(0)) == NULL);
        if (freer == 2) {
          void* grown = realloc(made[i], 3 * bytes);
          EXPECT(grown != NULL && all_bytes_are(grown, 0x5c, bytes));
          free(grown);
        }
      }
    }
}

CASE(libc_names_share_the_heap) {
  const malloc_function libc_malloc = (malloc_function)needed("__libc_malloc");
  const calloc_function libc_calloc = (calloc_function)needed("__libc_calloc");
  const realloc_function libc_realloc = (realloc_function)needed("__libc_realloc");
  const memalign_function libc_memalign = (memalign_function)needed("__libc_memalign");
  const malloc_function libc_valloc = (malloc_function)needed("__libc_valloc");
  const malloc_function libc_pvalloc = (malloc_function)needed("__libc_pvalloc");
  const free_function libc_free = (free_function)needed("__libc_free");
  for (size_t bytes = 1; bytes < 600000; bytes = bytes * 5 + 3) {
    void* made[] = {libc_malloc(bytes),       libc_calloc(1, bytes), libc_realloc(NULL, bytes),
                    libc_memalign(64, bytes), libc_valloc(bytes),    libc_pvalloc(bytes)};
    for (size_t i = 0; i < sizeof made / sizeof *made; ++i) {
      fill(made[i], bytes);
      if (i % 2 == 0) {
        void* grown = realloc(made[i], 2 * bytes);
        fill(grown, 2 * bytes);
        free(grown);
      } else {
        free(made[i]);
      }
    }
    void* mine = malloc(bytes);
    fill(mine, bytes);
    mine = libc_realloc(mine, 2 * bytes);
    fill(mine, 2 * bytes);
    libc_free(mine);
    libc_free(memalign(4096, bytes));
  }
  libc_free(NULL);
}

CASE_WITH(rare_libc_names_share_the_heap, bursar_only) {
  void* (*libc_reallocarray)(void*, size_t, size_t) = (void* (*)(void*, size_t, size_t))needed("__libc_reallocarray");
  const free_function libc_cfree = (free_function)needed("__libc_cfree");
  const free_function old_free = (free_function)needed("cfree");
  int (*posix)(void**, size_t, size_t) = (int (*)(void**, size_t, size_t))needed("__posix_memalign");
  int (*option)(int, int) = (int (*)(int, int))needed("__libc_mallopt");
  needed("__libc_mallinfo");
  void* block = libc_reallocarray(malloc(10), 10, 100);
  fill(block, 1000);
  libc_cfree(block);
  EXPECT(posix(&block, 64, 100) == 0);
  fill(block, 100);
  EXPECT(is_aligned(block, 64));
  old_free(block);
  block = malloc(300000);
  fill(block, 300000);
  old_free(block);
  EXPECT(option(M_ARENA_MAX, 1) == 1);
}

CASE_WITH(sized_frees_free, bursar_only) {
  void (*free_with_size)(void*, size_t) = (void (*)(void*, size_t))needed("free_sized");
  void (*free_aligned)(void*, size_t, size_t) = (void (*)(void*, size_t, size_t))needed("free_aligned_sized");
  const size_t before = resident_bytes();
  for (int round = 0; round < 2000; ++round)
    for (size_t bytes = 1; bytes < 600000; bytes = bytes * 5 + 3) {
      char* block = malloc(bytes);
      EXPECT(block != NULL);
      block[0] = 1;
      errno = 4711;
      free_with_size(block, bytes);
      block = aligned_alloc(256, bytes);
      EXPECT(block != NULL);
      block[bytes - 1] = 1;
      free_aligned(block, 256, bytes);
      EXPECT(errno == 4711);
    }
  void* empty = malloc(opaque(0));
  free_with_size(empty, 0);
  void* zeroed = calloc(10, 10);
  free_with_size(zeroed, 100);
  EXPECT_AT_MOST(resident_bytes(), before + 16 * MIB);
}

// --- what the heap tells about itself

CASE(mallopt_accepts_every_known_parameter) {
  static const int parameters[][2] = {
      {M_MXFAST, 64},    {M_TRIM_THRESHOLD, 1 << 20}, {M_TOP_PAD, 1 << 16}, {M_MMAP_THRESHOLD, 1 << 18},
      {M_MMAP_MAX, 100}, {M_CHECK_ACTION, 3},         {M_ARENA_TEST, 2},    {M_ARENA_MAX, 1},
      {M_PERTURB, 0}};
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; ++i)
    EXPECT(mallopt(parameters[i][0], parameters[i][1]) == 1);
  void* block = malloc(100);
  fill(block, 100);
  free(block);
}

CASE(mallinfo_counts_live_blocks) {
  enum { count = 1000 };
  static void* blocks[count];
  for (int i = 0; i < count; ++i) EXPECT((blocks[i] = malloc(1000)) != NULL);
  void* large = malloc(5 * MIB);
  EXPECT(large != NULL);
  const struct mallinfo2 full = mallinfo2();
  EXPECT(full.uordblks + full.hblkhd >= count * 1000 + 5 * MIB);
  EXPECT_AT_MOST(full.uordblks, 1024 * MIB);
  EXPECT(full.arena + full.hblkhd >= count * 1000 + 5 * MIB);
  EXPECT(full.uordblks != 0);
  for (int i = 0; i < count; ++i) free(blocks[i]);
  free(large);
  const struct mallinfo2 empty = mallinfo2();
  EXPECT(empty.uordblks + empty.hblkhd + count * 500 <= full.uordblks + full.hblkhd);
}

CASE(mallinfo_in_ints_agrees) {
  void* block = malloc(100000);
  EXPECT(block != NULL);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const struct mallinfo small = mallinfo();
#pragma GCC diagnostic pop
  const struct mallinfo2 wide = mallinfo2();
  EXPECT(small.uordblks > 0 && (size_t)small.uordblks == wide.uordblks);
  EXPECT((size_t)small.arena == wide.arena);
  free(block);
}

CASE(malloc_trim_answers_zero_or_one) {
  for (int i = 0; i < 10; ++i) {
    enum { count = 2000 };
    static char* blocks[count];
    for (int k = 0; k < count; ++k) {
      EXPECT((blocks[k] = malloc(4000)) != NULL);
      memset(blocks[k], 1, 4000);
    }
    for (int k = 0; k < count; ++k) free(blocks[k]);
    const int answer = malloc_trim(i % 2 == 0 ? 0 : 4096);
    EXPECT(answer == 0 || answer == 1);
  }
}

CASE(malloc_trim_gives_memory_back) {
  enum { count = 16000 };
  static char* blocks[count];
  for (int k = 0; k < count; ++k) {
    EXPECT((blocks[k] = malloc(4000)) != NULL);
    memset(blocks[k], 1, 4000);
  }
  const size_t full = resident_bytes();
  for (int k = 0; k < count; ++k) free(blocks[k]);
  malloc_trim(0);
  EXPECT_AT_MOST(resident_bytes() + 40 * MIB, full);
}

// A document of elements, text and attributes whose tags match.
static int is_well_formed(const char* at) {
  char open[32][32];
  int depth = 0, elements = 0;
  while (*at != '\0') {
    if (*at != '<') {
      if (depth == 0 && !isspace((unsigned char)*at)) return 0;
      ++at;
      continue;
    }
    const char* end = strchr(at, '>');
    if (end == NULL) return 0;
    if (at[1] == '?' || at[1] == '!') {
      at = end + 1;
      continue;
    }
    const int closes = at[1] == '/';
    const char* name = at + 1 + closes;
    const size_t length = strcspn(name, " />");
    if (length == 0 || length >= sizeof open[0]) return 0;
    int quotes = 0;
    for (const char* c = at; c < end; ++c) quotes += *c == '"';
    if (quotes % 2 != 0) return 0;
    if (closes) {
      if (depth == 0 || strncmp(open[depth - 1], name, length) != 0 || open[depth - 1][length] != '\0') return 0;
      --depth;
    } else if (end[-1] != '/') {
      if (depth == 32) return 0;
      memcpy(open[depth], name, length);
      open[depth++][length] = '\0';
      ++elements;
    }
    at = end + 1;
  }
  return depth == 0 && elements > 0;
}

CASE(malloc_info_writes_well_formed_xml) {
  char* text = NULL;
  size_t bytes = 0;
  FILE* stream = open_memstream(&text, &bytes);
  EXPECT(stream != NULL);
  void* block = malloc(100000);
  EXPECT(malloc_info(0, stream) == 0);
  EXPECT(fclose(stream) == 0);
  EXPECT(bytes > 0 && strstr(text, "<malloc") != NULL);
  EXPECT(is_well_formed(text));
  free(text);
  free(block);
}

CASE(malloc_info_refuses_options) {
  char* text = NULL;
  size_t bytes = 0;
  FILE* stream = open_memstream(&text, &bytes);
  EXPECT(stream != NULL);
  errno = 0;
  const int answer = malloc_info(1, stream);
  // The C library returns the error itself; -1 with errno is what its manual promises.
  EXPECT(answer == EINVAL || (answer == -1 && errno == EINVAL));
  EXPECT(fclose(stream) == 0 && bytes == 0);
  free(text);
}

CASE(malloc_stats_writes_to_standard_error) {
  const int file = memfd_create("stats", MFD_CLOEXEC);
  const int saved = dup(2);
  EXPECT(file >= 0 && saved >= 0);
  void* block = malloc(100000);
  EXPECT(dup2(file, 2) == 2);
  int state = -1;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  malloc_stats();
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  fflush(stderr);
  EXPECT(dup2(saved, 2) == 2);
  close(saved);
  struct stat status;
  EXPECT(fstat(file, &status) == 0 && status.st_size > 0);
  EXPECT(state == PTHREAD_CANCEL_ENABLE);
  free(block);
}
