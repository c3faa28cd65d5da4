/* Blocks in every state that `bursar whose` can tell, each in a variable named after it; then stop_here. */
#include <bursar/bursar.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { sizes_count = 48, freed_count = 8, remote_count = 33 };

char *in_use, *in_bin, *in_arena, *freed_in_arena, *large, *mapping, *kept_mapping, *freed_large, *gathered, *orphaned;
char* freed[freed_count];
char* remote[remote_count];
char* sized[sizes_count];
size_t usable[sizes_count];
char foreign;

static pthread_barrier_t turn;

void stop_here(void) { puts("stopped"); }

static char* allocate(size_t bytes) {
  char* block = malloc(bytes);
  if (block == NULL) abort();
  block[0] = block[bytes - 1] = 1;
  return block;
}

/* Has a heap of its own, so it gathers what it frees of others. */
static void* free_for_others(void* unused) {
  (void)unused;
  char* own = allocate(10);
  pthread_barrier_wait(&turn); /* or it would get the dead thread's heap */
  pthread_barrier_wait(&turn);
  for (int i = 0; i < remote_count; ++i) free(remote[i]);
  free(gathered);
  pthread_barrier_wait(&turn);
  pthread_barrier_wait(&turn);
  free(own);
  return NULL;
}

static void* leave_a_block(void* unused) {
  (void)unused;
  orphaned = allocate(2000);
  return NULL;
}

static void allocate_all(void) {
  in_use = allocate(100);
  in_bin = allocate(100);
  size_t bytes = 1;
  for (int i = 0; i < sizes_count; ++i) {
    sized[i] = allocate(bytes);
    usable[i] = malloc_usable_size(sized[i]);
    bytes += bytes / 4 + 1;
  }
  for (int i = 0; i < freed_count; ++i) freed[i] = allocate(32 * 1024);
  for (int i = 0; i < remote_count; ++i) remote[i] = allocate(64);
  large = allocate(300000);
  mapping = allocate(5 << 20);
  kept_mapping = allocate(3 << 20);
  freed_large = allocate(700000);
  gathered = allocate(5000);
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
  allocate_all();
  if (pthread_create(&living, NULL, free_for_others, NULL) != 0) abort();
  pthread_barrier_wait(&turn);
  if (pthread_create(&dead, NULL, leave_a_block, NULL) != 0) abort();
  pthread_join(dead, NULL);
  for (int i = 0; i < freed_count; ++i) free(freed[i]);
  free(kept_mapping);
  free(freed_large);
  pthread_barrier_wait(&turn);
  pthread_barrier_wait(&turn);
  free(in_bin);
  stop_here();
  pthread_barrier_wait(&turn);
  pthread_join(living, NULL);
  return 0;
}
