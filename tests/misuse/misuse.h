// What every program of misuse needs: addresses told without touching the heap, pointers nobody can see through.
#ifndef TESTS_MISUSE_MISUSE_H
#define TESTS_MISUSE_MISUSE_H

#include <stdio.h>
#include <stdlib.h>

// The runner compares what is told with the addresses in the library's message, in this order.
static inline void tell(const void* pointer) { dprintf(1, "%p\n", pointer); }

// The compiler forgets where the pointer came from, so it neither warns nor drops a call.
static inline void* hidden(void* pointer) {
  __asm__ volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

static inline size_t number(const char* text) { return strtoul(text, NULL, 0); }

#endif
