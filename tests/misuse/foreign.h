// Pointers that are no blocks of any heap, by name.
#ifndef TESTS_MISUSE_FOREIGN_H
#define TESTS_MISUSE_FOREIGN_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "misuse.h"

static char in_static_data[64] __attribute__((aligned(16)));

static inline void* foreign(const char* name, void* on_stack) {
  if (strcmp(name, "stack") == 0) return on_stack;
  if (strcmp(name, "static") == 0) return in_static_data;
  if (strcmp(name, "code") == 0) return (void*)((uintptr_t)&printf & ~(uintptr_t)15);
  if (strcmp(name, "one") == 0) return (void*)1;
  if (strcmp(name, "first_page") == 0) return (void*)16;
  if (strcmp(name, "far") == 0) return (char*)malloc(64) + (UINT64_C(1) << 30);
  if (strcmp(name, "unmapped") == 0) return (void*)UINT64_C(0x123456789ab0);
  if (strcmp(name, "not_canonical") == 0) return (void*)UINT64_C(0x4141414141414140);
  if (strcmp(name, "kernel") == 0) return (void*)UINT64_C(0xffff888000000000);
  if (strcmp(name, "last") == 0) return (void*)UINT64_C(0xfffffffffffffff0);
  if (strcmp(name, "mapped") == 0)
    return mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  exit(2);
}

#endif
