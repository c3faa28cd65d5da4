// Tasks by the C API, and their bump arenas under plain malloc.
#include <malloc.h>
#include <pthread.h>

#include "bursar/bursar.h"
#include "expect.h"

static void* keep_block(void* kept) {
  bursar_task* task = bursar_task_begin("thread", BURSAR_TASK_ARENA);
  unsigned char* block = malloc(100);
  memset(block, 7, 100);
  *(void**)kept = block;
  bursar_task_end(task);
  return NULL;
}

static void* end_inside(void* kept) {
  (void)bursar_task_begin("never ended", BURSAR_TASK_ARENA);
  (void)bursar_task_begin("nor this", BURSAR_TASK_DEFAULT);
  (void)bursar_task_begin(NULL, BURSAR_TASK_ARENA);
  *(void**)kept = malloc(40);
  return NULL;
}

static void* free_block(void* block) {
  free(block);
  return NULL;
}

static void in_thread(void* (*work)(void*), void* argument) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, work, argument) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
}

CASE_WITH(an_arena_cuts_blocks_one_after_the_other, bursar_only) {
  bursar_task* task = bursar_task_begin("request", BURSAR_TASK_ARENA);
  EXPECT(task != NULL);
  char* former = malloc(48);
  int chunks = 1;
  for (int i = 0; i < 2000; ++i) {
    char* block = malloc(48);
    EXPECT(block != NULL && (uintptr_t)block % 16 == 0 && malloc_usable_size(block) >= 48);
    memset(block, i, 48);
    // The header of 8 bytes and the block, rounded up to 16; only a new chunk breaks the row. Chunks lie on granules.
    if (block - former != 64) {
      EXPECT((uintptr_t)block % (32 * KIB) == 16);
      ++chunks;
    }
    former = block;
  }
  EXPECT(chunks <= 2);
  bursar_task_end(task);
}

// Slabs begin on multiples of 32 KiB, and blocks of 48 bytes lie there side by side; in an arena there is a header between them.
static int come_from_slabs(void) {
  for (int i = 0; i < 8; ++i)
    if ((uintptr_t)malloc(48) % (32 * KIB) % 48 != 0) return 0;
  return 1;
}

CASE_WITH(outside_of_the_task_blocks_are_no_arena_s, bursar_only) {
  bursar_task* outer = bursar_task_begin("outer", BURSAR_TASK_DEFAULT);
  EXPECT(come_from_slabs());
  bursar_task* inner = bursar_task_begin("inner", BURSAR_TASK_ARENA);
  char* first = malloc(48);
  char* second = malloc(48);
  EXPECT(second - first == 64);
  EXPECT(!come_from_slabs());
  bursar_task_end(inner);
  EXPECT(come_from_slabs());
  bursar_task_end(outer);
}

CASE_WITH(ending_the_outer_task_ends_the_inner_ones, bursar_only) {
  bursar_task* outer = bursar_task_begin("outer", BURSAR_TASK_DEFAULT);
  EXPECT(bursar_task_begin("inner", BURSAR_TASK_ARENA) != NULL);
  bursar_task_end(outer);
  EXPECT(come_from_slabs());
}

CASE_WITH(a_block_outlives_its_task_and_its_thread, bursar_only) {
  unsigned char* kept[64];
  for (int i = 0; i < 64; ++i) in_thread(keep_block, &kept[i]);
  for (int i = 0; i < 64; ++i) EXPECT(all_bytes_are(kept[i], 7, 100));
  for (int i = 0; i < 32; ++i) in_thread(free_block, kept[i]);
  for (int i = 32; i < 64; ++i) EXPECT(all_bytes_are(kept[i], 7, 100));
  for (int i = 32; i < 64; ++i) free(kept[i]);
}

CASE_WITH(a_thread_may_end_inside_its_tasks, bursar_only) {
  size_t before = 0;
  for (int i = 0; i < 3000; ++i) {
    if (i == 300) before = resident_bytes();
    void* block = NULL;
    in_thread(end_inside, &block);
    free(block);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 2 * MIB);
}

CASE_WITH(a_realloc_in_an_arena_keeps_the_contents, bursar_only) {
  bursar_task* task = bursar_task_begin("grow", BURSAR_TASK_ARENA);
  unsigned char* block = NULL;
  for (size_t bytes = 1; bytes < 100000; bytes += bytes / 3 + 1) {
    block = realloc(block, bytes);
    EXPECT(block != NULL);
    if (bytes > 1) EXPECT(block[0] == 9 && (uintptr_t)block % 16 == 0);
    memset(block, 9, bytes);
  }
  unsigned char* zeroed = calloc(10, 50);
  EXPECT(all_bytes_are(zeroed, 0, 500));
  free(zeroed);
  free(block);
  bursar_task_end(task);
}

CASE_WITH(many_short_tasks_leave_nothing, bursar_only) {
  size_t before = 0;
  for (int i = 0; i < 50000; ++i) {
    if (i == 5000) before = resident_bytes();
    bursar_task* task = bursar_task_begin("short", BURSAR_TASK_ARENA);
    void* blocks[10];
    for (int k = 0; k < 10; ++k) blocks[k] = malloc((size_t)(k * 100));
    for (int k = 0; k < 10; ++k) free(blocks[k]);
    bursar_task_end(task);
  }
  EXPECT_AT_MOST(resident_bytes(), before + MIB);
}

CASE_WITH(a_block_freed_twice_in_an_arena_is_seen, bursar_only | aborts) {
  (void)bursar_task_begin("twice", BURSAR_TASK_ARENA);
  void* block = malloc(32);
  void* other = malloc(32);
  free(block);
  EXPECT(other != NULL);
  printf("bursar: double free of %p\n", block);
  fflush(stdout);
  free(block);
}
