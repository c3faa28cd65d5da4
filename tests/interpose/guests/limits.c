// Limits of the address space, of data, of locked memory and of mappings.
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

static void set_limit(int resource, size_t bytes) {
  const struct rlimit limit = {bytes, bytes};
  EXPECT(setrlimit(resource, &limit) == 0);
}

// The limit holds before the first instruction of the program.
static void start_under(int resource, size_t bytes) {
  if (guest_is_again()) return;
  set_limit(resource, bytes);
  guest_again();
}

// How many bytes can be had in blocks of one size; all of them are freed again.
static size_t bytes_to_be_had(size_t bytes, size_t most) {
  void** chain = NULL;
  size_t sum = 0;
  errno = 0;
  while (sum < most) {
    void** block = malloc(bytes);
    if (block == NULL) {
      EXPECT(errno == ENOMEM);
      break;
    }
    *block = chain;
    ((char*)block)[bytes - 1] = 1;
    chain = block;
    sum += bytes;
  }
  while (chain != NULL) {
    void** next = *chain;
    free(chain);
    chain = next;
  }
  return sum;
}

static void* allocate_in_thread(void* argument) { return (void*)bytes_to_be_had((size_t)argument, 4 * MIB); }

static void use_all_of(size_t limit, size_t expected) {
  const size_t most = 2 * limit;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 * KIB);
  EXPECT(pthread_create(&thread, &attributes, allocate_in_thread, (void*)1000) == 0);
  void* had = NULL;
  EXPECT(pthread_join(thread, &had) == 0);
  EXPECT((size_t)had >= MIB);
  EXPECT_AT_LEAST(bytes_to_be_had(MIB, most), expected);
  EXPECT_AT_LEAST(bytes_to_be_had(64, most), expected / 2);
  EXPECT_AT_LEAST(bytes_to_be_had(3000, most), expected / 2);
  EXPECT_AT_LEAST(bytes_to_be_had(100000, most), expected / 2);
  EXPECT_AT_LEAST(bytes_to_be_had(MIB, most), expected / 2);
  EXPECT_AT_LEAST(bytes_to_be_had(64, most), expected / 2);
}

CASE(address_space_of_64_mib) {
  start_under(RLIMIT_AS, 64 * MIB);
  use_all_of(64 * MIB, 24 * MIB);
}

CASE(address_space_of_128_mib) {
  start_under(RLIMIT_AS, 128 * MIB);
  use_all_of(128 * MIB, 80 * MIB);
}

CASE_WITH(address_space_of_256_mib, costly) {
  start_under(RLIMIT_AS, 256 * MIB);
  use_all_of(256 * MIB, 180 * MIB);
}

CASE_WITH(address_space_of_1536_mib, costly) {
  start_under(RLIMIT_AS, 1536 * MIB);
  EXPECT_AT_LEAST(bytes_to_be_had(MIB, 2 * GIB), 1200 * MIB);
  EXPECT_AT_LEAST(bytes_to_be_had(1000, 64 * MIB), 64 * MIB);
}

CASE(data_of_32_mib) {
  start_under(RLIMIT_DATA, 32 * MIB);
  use_all_of(32 * MIB, 8 * MIB);
}

CASE_WITH(data_of_256_mib, costly) {
  start_under(RLIMIT_DATA, 256 * MIB);
  use_all_of(256 * MIB, 160 * MIB);
}

CASE(a_limit_set_by_the_program_itself) {
  free(malloc(100));
  const size_t limit = mapped_bytes() + 48 * MIB;
  set_limit(RLIMIT_AS, limit);
  EXPECT_AT_LEAST(bytes_to_be_had(MIB, GIB), 24 * MIB);
  EXPECT_AT_LEAST(bytes_to_be_had(64, GIB), 16 * MIB);
  EXPECT_AT_LEAST(bytes_to_be_had(MIB, GIB), 16 * MIB);
}

CASE(a_limit_below_what_is_in_use) {
  void* blocks[200];
  for (size_t i = 0; i < 200; ++i) EXPECT((blocks[i] = malloc(i * 1000)) != NULL);
  set_limit(RLIMIT_AS, MIB);
  errno = 0;
  EXPECT(malloc(64 * MIB) == NULL && errno == ENOMEM);
  for (size_t i = 0; i < 200; ++i) free(blocks[i]);
  void* again = malloc(1000);  // What was freed is still there.
  EXPECT(again != NULL);
  free(again);
}

CASE(realloc_at_the_limit_keeps_the_block) {
  set_limit(RLIMIT_AS, 256 * MIB);
  unsigned char* block = malloc(8 * MIB);
  EXPECT(block != NULL);
  memset(block, 0x71, 8 * MIB);
  errno = 0;
  EXPECT(realloc(block, 300 * MIB) == NULL && errno == ENOMEM);
  EXPECT(all_bytes_are(block, 0x71, 8 * MIB));
  free(block);
}

// --- locked memory

static void lock_everything(void) {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) guest_skip("this user may not lock memory");
}

CASE(locked_memory_stays_small) {
  lock_everything();
  const size_t before = resident_bytes();
  EXPECT_AT_MOST(before, 32 * MIB);
  for (int i = 0; i < 10000; ++i) EXPECT(malloc(100) != NULL);
  EXPECT_AT_MOST(resident_bytes(), before + 16 * MIB);
}

CASE(calloc_clears_locked_memory) {
  lock_everything();
  for (int round = 0; round < 3; ++round)
    for (size_t bytes = 1; bytes < 16 * MIB; bytes = bytes * 3 + 1) {
      unsigned char* block = malloc(bytes);
      EXPECT(block != NULL);
      memset(block, 0xa5, bytes);
      free(block);
      malloc_trim(0);
      block = calloc(1, bytes);
      EXPECT(block != NULL && all_bytes_are(block, 0, bytes));
      memset(block, 0xa5, bytes);
      free(block);
    }
}

CASE(realloc_moves_locked_memory) {
  lock_everything();
  unsigned char* block = NULL;
  for (size_t bytes = MIB; bytes <= 32 * MIB; bytes += MIB) {
    block = realloc(block, bytes);
    EXPECT(block != NULL);
    memset(block + bytes - MIB, 0x72, MIB);
  }
  EXPECT(all_bytes_are(block, 0x72, 32 * MIB));
  free(block);
}

// --- mappings

enum { many = 70000 };
static char* large[2 * many];

CASE_WITH(seventy_thousand_large_blocks_can_live_at_once, costly) {
  for (int i = 0; i < many; ++i) {
    large[i] = malloc(MIB);
    EXPECT(large[i] != NULL);
  }
  large[0][0] = large[many / 2][100] = large[many - 1][MIB - 1] = 1;
  for (int i = 0; i < many; i += 2) free(large[i]);
  for (int i = 0; i < many; i += 2) EXPECT((large[i] = malloc(MIB)) != NULL);
  for (int i = 0; i < many; ++i) free(large[i]);
}

// Every second one of more blocks than the kernel allows mappings is freed: giving those back must fail somewhere.
CASE_WITH(more_holes_than_mappings_are_allowed, costly) {
  for (int i = 0; i < 2 * many; ++i) {
    large[i] = malloc(600 * KIB);
    EXPECT(large[i] != NULL);
  }
  errno = 4711;
  for (int i = 0; i < 2 * many; i += 2) free(large[i]);
  EXPECT(errno == 4711);
  for (int i = 0; i < 2000; i += 2) {
    large[i] = calloc(1, 600 * KIB);
    EXPECT(large[i] != NULL);
    EXPECT(large[i][0] == 0 && large[i][600 * KIB - 1] == 0);
    large[i][0] = 1;
  }
  for (size_t i = 0; i < 10000; ++i) EXPECT(malloc(i % 1000) != NULL);
  for (int i = 0; i < 2000; i += 2) free(large[i]);
  for (int i = 1; i < 2 * many; i += 2) free(large[i]);
  char* block = malloc(100 * MIB);
  EXPECT(block != NULL);
  memset(block, 1, 100 * MIB);
  free(block);
}
