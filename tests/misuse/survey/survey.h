// What the programs of the survey share. Each commits one fault of memory use and then says that nobody minded.
#ifndef TESTS_MISUSE_SURVEY_SURVEY_H
#define TESTS_MISUSE_SURVEY_SURVEY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Out of line and opaque: the compiler must neither warn of a fault nor remove it.
__attribute__((noinline)) static void* take(size_t bytes) {
  void* block = malloc(bytes);
  __asm__ volatile("" : "+r"(block) : : "memory");
  return block;
}

__attribute__((noinline)) static void give(void* block) {
  __asm__ volatile("" : "+r"(block) : : "memory");
  free(block);
}

static inline int not_caught(void) {
  puts("not caught");
  fflush(stdout);
  return 0;
}

static inline int is(const char* argument, const char* name) { return strcmp(argument, name) == 0; }

#endif
