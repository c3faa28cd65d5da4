/* Blocks in every state that `bursar whose` can tell, each in a variable named after it; then stop_here. */
#include <bursar/bursar.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { sizes_count = 48, freed_count = 8, remote_count = 332, returned_count = 640, attention_count = 100 };

char *in_use, *in_bin, *in_queue, *in_rest, *in_arena, *freed_in_arena, *large, *mapping, *kept_mapping, *freed_large,
    *orphaned;
char *stray, *gathered_in_parcel, *gathered_in_chain;
char* freed[freed_count];
char* remote[remote_count];
char* returned[returned_count]; /* every fourth stays in use */
char* sized[sizes_count];
size_t usable[sizes_count];
char foreign;

static char* attention[attention_count];
static pthread_barrier_t turn;

void stop_here(void) { puts("stopped"); }

static char* allocate(size_t bytes) {
  char* block = malloc(bytes);
  if (block == NULL) abort();
  block[0] = block[bytes - 1] = 1;
  return block;
}

/* Blocks of 80 bytes share cache lines, so the first 64 go home, and 32 stay before the rest goes, too; others stay at once. */
static void send_home(void) {
  free(gathered_in_parcel); /* a dead thread's; the others are main's */
  free(stray);
  /* More than may wait for an owner who does not come. */
  for (int i = 0; i < returned_count; ++i)
    if (i % 4 != 0) free(returned[i]);
  /* More than all parcels hold: the last ones travel in chains. */
  for (int i = 0; i < remote_count; ++i) free(remote[i]);
  free(gathered_in_chain);
}

/* So much free memory that the next call which leaves the fast path begins to give out few blocks at a time. */
static void call_for_attention(void) {
  for (int i = 0; i < attention_count; ++i) free(attention[i]);
  for (int i = 0; i < 4; ++i) (void)allocate(3000);
}

/* Has a heap of its own, so it gathers what it frees of others. */
static void* free_for_others(void* unused) {
  (void)unused;
  char* own = allocate(100);
  (void)allocate(3000);                    /* a slab of the class, so that what lies free stays so */
  in_rest = own + malloc_usable_size(own); /* fresh blocks come in the order of their addresses */
  pthread_barrier_wait(&turn);             /* or it would get the dead thread's heap */
  pthread_barrier_wait(&turn);
  call_for_attention(); /* first, since whoever looks at the clock sends what was gathered */
  send_home();
  pthread_barrier_wait(&turn);
  pthread_barrier_wait(&turn);
  free(own);
  return NULL;
}

static void* leave_a_block(void* unused) {
  (void)unused;
  orphaned = allocate(2000);
  gathered_in_parcel = allocate(1000);
  return NULL;
}

static void allocate_all(void) {
  in_use = allocate(100);
  size_t bytes = 1;
  for (int i = 0; i < sizes_count; ++i) {
    sized[i] = allocate(bytes);
    usable[i] = malloc_usable_size(sized[i]);
    bytes += bytes / 4 + 1;
  }
  for (int i = 0; i < freed_count; ++i) freed[i] = allocate(32 * 1024);
  for (int i = 0; i < remote_count; ++i) remote[i] = allocate(80);
  for (int i = 0; i < returned_count; ++i) returned[i] = allocate(20000);
  large = allocate(300000);
  mapping = allocate(5 << 20);
  kept_mapping = allocate(3 << 20);
  freed_large = allocate(700000);
  stray = allocate(20000);
  gathered_in_chain = allocate(1000);
  for (int i = 0; i < attention_count; ++i) attention[i] = allocate(400000);
  bursar_task* task = bursar_task_begin("gdb", BURSAR_TASK_ARENA);
  in_arena = allocate(200);
  freed_in_arena = allocate(300);
  (void)allocate(100);
  free(freed_in_arena);
  bursar_task_end(task);
}

int main(void) {
  pthread_t living, dead;
  pthread_barrier_init(&turn, NULL, 2);
  if (pthread_create(&living, NULL, free_for_others, NULL) != 0) abort();
  pthread_barrier_wait(&turn);
  if (pthread_create(&dead, NULL, leave_a_block, NULL) != 0) abort();
  pthread_join(dead, NULL);
  allocate_all();
  for (int i = 0; i < freed_count; ++i) free(freed[i]);
  free(kept_mapping);
  free(freed_large);
  pthread_barrier_wait(&turn);
  pthread_barrier_wait(&turn);
  in_queue = allocate(100);
  in_bin = in_queue + malloc_usable_size(in_queue);
  free(in_queue);
  stop_here();
  pthread_barrier_wait(&turn);
  pthread_join(living, NULL);
  return 0;
}
