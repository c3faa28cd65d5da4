// What every bench shares: random numbers, and a way to keep the compiler from seeing through malloc.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint64_t state;
} Random;

// xorshift64*: the same sequence in every run and for every allocator.
static inline uint64_t next_random(Random* random) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return random->state * UINT64_C(2685821657736338717);
}

// Small sizes are common and large ones rare, as in programs: halves from one power of two to the next.
static inline size_t next_size(Random* random, unsigned bits_min, unsigned bits_max) {
  const uint64_t number = next_random(random);
  unsigned bits = bits_min;
  while (bits < bits_max && (number >> (bits + 16) & 1) != 0) ++bits;
  return ((size_t)1 << bits) + (size_t)(number & (((uint64_t)1 << bits) - 1));
}

// Writes the first and last byte, so that the memory is real.
static inline void touch(void* block, size_t bytes) {
  ((volatile char*)block)[0] = 1;
  ((volatile char*)block)[bytes - 1] = 1;
}
