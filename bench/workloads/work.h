// What every workload shares: its command line, random numbers, sealed blocks, threads and metrics.
//
//   NAME THREADS SCALE [VARIANT]     SCALE in percent: 100 is the full run, 1 to 10 a smoke test
//
// On standard output stand only lines `metric NAME VALUE UNIT`; the exit status is 1 where a block lost its contents.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { threads_max = 64, bytes_per_kib = 1024, bytes_per_mib = 1024 * 1024, page_bytes = 4096 };

static inline void fail(const char* what) {
  fprintf(stderr, "wrong: %s\n", what);
  _exit(1);
}

static inline void check(int holds, const char* what) {
  if (!holds) fail(what);
}

// ---- the command line -----------------------------------------------------------------------------------------------

typedef struct {
  int threads;
  long percent;
  const char* variant;  // "" where none is named
} Arguments;

static inline Arguments arguments_of(int count, char** words) {
  const Arguments arguments = {
      count > 1 ? atoi(words[1]) : 1,
      count > 2 ? atol(words[2]) : 100,
      count > 3 ? words[3] : "",
  };
  if (arguments.threads < 1 || arguments.threads > threads_max || arguments.percent < 1) {
    fprintf(stderr, "usage: %s THREADS SCALE [VARIANT]\n", words[0]);
    exit(2);
  }
  return arguments;
}

static inline int is_variant(const Arguments* arguments, const char* name) {
  return strcmp(arguments->variant, name) == 0;
}

// This much of what the full run does, never nothing.
static inline long scaled(const Arguments* arguments, long full) {
  const long part = full * arguments->percent / 100;
  return part > 0 ? part : 1;
}

// A thread's share of it.
static inline long scaled_share(const Arguments* arguments, long full) {
  const long share = scaled(arguments, full) / arguments->threads;
  return share > 0 ? share : 1;
}

// ---- random numbers -------------------------------------------------------------------------------------------------

typedef struct {
  uint64_t state;
} Random;

// Streams of different seeds have nothing in common that a size or an index would show.
static inline Random random_of(uint64_t seed) {
  const Random random = {(seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
  return random;
}

// xorshift64*: the same sequence in every run and for every allocator.
static inline uint64_t next_random(Random* random) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return random->state * UINT64_C(2685821657736338717);
}

// A number below the bound, by a multiplication instead of a division.
static inline uint32_t next_below(Random* random, uint32_t bound) {
  return (uint32_t)(((next_random(random) >> 32) * bound) >> 32);
}

// Small sizes are common and large ones rare, as in programs: halves from one power of two to the next.
static inline size_t next_size(Random* random, unsigned bits_min, unsigned bits_max) {
  const uint64_t number = next_random(random);
  unsigned bits = bits_min;
  while (bits < bits_max && (number >> (bits + 16) & 1) != 0) ++bits;
  return ((size_t)1 << bits) + (size_t)(number & (((uint64_t)1 << bits) - 1));
}

// All powers of two are as common: what buffers and tables are like.
static inline size_t next_size_even(Random* random, unsigned bits_min, unsigned bits_max) {
  const unsigned bits = bits_min + next_below(random, bits_max - bits_min);
  return ((size_t)1 << bits) + (size_t)(next_random(random) >> 20 & (((uint64_t)1 << bits) - 1));
}

// ---- sealed blocks --------------------------------------------------------------------------------------------------

// A block of 9 bytes or more carries its size in its first word and a mark in its last byte: both ends are touched, and
// whoever frees it can tell that nobody else wrote there.
static inline void seal(void* block, size_t bytes) {
  *(volatile size_t*)block = bytes;
  ((volatile unsigned char*)block)[bytes - 1] = (unsigned char)(bytes * 31 + 7);
}

// Returns its size. A block that was handed out twice has no seal when it is freed for the second time.
static inline size_t break_seal(void* block) {
  const size_t bytes = *(volatile size_t*)block;
  check(bytes != 0 && ((volatile unsigned char*)block)[bytes - 1] == (unsigned char)(bytes * 31 + 7),
        "a block lost its contents");
  *(volatile size_t*)block = 0;
  return bytes;
}

static inline void* allocate_sealed(size_t bytes) {
  void* block = malloc(bytes);
  check(block != NULL, "no memory");
  seal(block, bytes);
  return block;
}

// Null is fine, as with free.
static inline void free_sealed(void* block) {
  if (block != NULL) break_seal(block);
  free(block);
}

// What a program holds beside the blocks in question: without it, its resident memory would be the libraries'.
static inline void hold_others(void) {
  enum { others = 60 * 1000, other_bytes = 100 };
  static void* held[others];
  for (int i = 0; i < others; ++i) held[i] = allocate_sealed(other_bytes);
  check(held[0] != held[1], "two blocks in one place");
}

// Writes a word of every page, so that all of the block is real.
static inline void touch_pages(void* block, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += page_bytes) ((volatile char*)block)[offset] = 1;
}

// ---- threads --------------------------------------------------------------------------------------------------------

typedef struct {
  void (*work)(int index);
  int index;
  pthread_t thread;
} Worker;

static inline void* run_worker(void* argument) {
  const Worker* worker = (const Worker*)argument;
  worker->work(worker->index);
  return NULL;
}

// Calls work(0) to work(threads - 1) at once. One thread is the program's own: such programs are not multithreaded.
static inline void run_threads(int threads, void (*work)(int index)) {
  static Worker workers[threads_max];
  if (threads == 1) {
    work(0);
    return;
  }
  for (int i = 0; i < threads; ++i) {
    workers[i].work = work;
    workers[i].index = i;
    check(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) == 0, "no thread");
  }
  for (int i = 0; i < threads; ++i) pthread_join(workers[i].thread, NULL);
}

// ---- what it took ---------------------------------------------------------------------------------------------------

static inline void report_metric(const char* name, double value, const char* unit) {
  printf("metric %s %.4f %s\n", name, value, unit);
}

// Resident bytes of this process, read without a call of malloc.
static inline size_t resident_bytes(void) {
  char text[128] = "";
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  check(file >= 0 && read(file, text, sizeof text - 1) > 0, "no /proc/self/statm");
  close(file);
  unsigned long size_pages = 0;
  unsigned long resident_pages = 0;
  check(sscanf(text, "%lu %lu", &size_pages, &resident_pages) == 2, "what /proc/self/statm says");
  return (size_t)resident_pages * (size_t)sysconf(_SC_PAGESIZE);
}

static inline void sleep_ms(long milliseconds) {
  const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}
