// Work of which a test knows what it allocates. Blocks have 100 bytes, of which 112 are handed out.
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REQUIRE(fact) ((fact) ? (void)0 : fail(__FILE__, #fact, __LINE__))

static inline void fail(const char* file, const char* fact, int line) {
  fprintf(stderr, "%s:%d: %s\n", file, line, fact);
  _exit(99);
}

static inline void* block(void) {
  void* made = malloc(100);
  REQUIRE(made != NULL);
  return made;
}

static inline void blocks(int count) {
  for (int i = 0; i < count; ++i) (void)block();
}

static inline void churn(int count) {
  for (int i = 0; i < count; ++i) free(block());
}

static inline void in_threads(int count, void* (*work)(void*)) {
  pthread_t* threads = calloc((size_t)count, sizeof(*threads));
  for (intptr_t i = 0; i < count; ++i) REQUIRE(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  for (int i = 0; i < count; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
  free(threads);
}
