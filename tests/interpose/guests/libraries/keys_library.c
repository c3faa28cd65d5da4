// A library that comes and goes: it allocates in its constructor, in keys of threads and in its destructor.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_key_t key;
static char* of_the_library;

static void destroy(void* value) {
  char* more = malloc(3000);
  memset(more, 1, 3000);
  free(value);
  free(more);
}

__attribute__((constructor)) static void open_library(void) {
  of_the_library = malloc(5000);
  memset(of_the_library, 0x41, 5000);
  if (pthread_key_create(&key, destroy) != 0) abort();
}

__attribute__((destructor)) static void close_library(void) {
  for (int i = 0; i < 5000; ++i)
    if (of_the_library[i] != 0x41) abort();
  free(of_the_library);
  pthread_key_delete(key);
}

int touch_key(void) {
  if (pthread_getspecific(key) == NULL && pthread_setspecific(key, malloc(100)) != 0) return 0;
  return 1;
}

void* allocate_in_library(size_t bytes) { return malloc(bytes); }
void free_in_library(void* block) { free(block); }
