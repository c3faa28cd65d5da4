// What every guest program shares: cases, expectations, and looks at the process that allocate nothing.
//
// A guest is an ordinary program that knows no allocator. It holds cases; `guest FILE.CASE` runs one of them in this
// process and ends with 0 if all expectations held, with 77 if the case cannot be had here, and after a line
// `FAILED file:line: expression` with 1 otherwise.
#ifndef GUESTS_EXPECT_H
#define GUESTS_EXPECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

// Where a case is run.
enum {
  every_way = 0,
  dynamic_only = 1,  // needs a dynamic loader: not in the static ways
  bursar_only = 2,   // an answer that the C library gives otherwise, or not at all
  aborts = 4,        // ends in SIGABRT; standard output says what standard error must be
  plain_only = 8,    // only where nothing is preloaded or linked
  costly = 16,       // takes seconds, and no other way in could change the answer: by preload alone
  uncounted = 32,    // what there is without an account, or forbids what only an account asks for: not with settings
  no_new_file = 64,  // forbids to open files: not with a report that goes to one
};

struct guest_case {
  const char* file;
  const char* name;
  void (*run)(void);
  unsigned flags;
};

#define CASE_WITH(name, flags)                                                                                     \
  static void name(void);                                                                                          \
  static const struct guest_case name##_case = {__FILE__, #name, name, (flags)};                                   \
  static const struct guest_case* const name##_entry __attribute__((section("guest_cases"), used)) = &name##_case; \
  static void name(void)
#define CASE(name) CASE_WITH(name, every_way)

#define EXPECT(condition)                                           \
  do {                                                              \
    if (!(condition)) guest_failed(__FILE__, __LINE__, #condition); \
  } while (0)

// The expression and the two values it compares.
#define EXPECT_AT_MOST(value, limit)                                                                     \
  do {                                                                                                   \
    const unsigned long long value_ = (value), limit_ = (limit);                                         \
    if (value_ > limit_) guest_failed_compare(__FILE__, __LINE__, #value " <= " #limit, value_, limit_); \
  } while (0)

#define EXPECT_AT_LEAST(value, limit)                                                                    \
  do {                                                                                                   \
    const unsigned long long value_ = (value), limit_ = (limit);                                         \
    if (value_ < limit_) guest_failed_compare(__FILE__, __LINE__, #value " >= " #limit, value_, limit_); \
  } while (0)

#ifdef __cplusplus
extern "C" {
#endif

extern const char* guest_program;   // argv[0]
extern const char* guest_selected;  // the case that runs
extern int guest_argc;              // the arguments behind the case's name
extern char** guest_argv;

__attribute__((noreturn)) void guest_failed(const char* file, int line, const char* expression);
__attribute__((noreturn)) void guest_failed_compare(const char* file, int line, const char* expression,
                                                    unsigned long long value, unsigned long long limit);
__attribute__((noreturn)) void guest_skip(const char* reason);

// Starts this program again with the same case, in this process; GUEST_AGAIN tells the second run.
__attribute__((noreturn)) void guest_again(void);
int guest_is_again(void);

size_t resident_bytes(void);
size_t mapped_bytes(void);
int task_count(void);

// The answer of a function that this C library may lack; null if nobody in this process defines it.
void* guest_symbol(const char* name);

#ifdef __cplusplus
}
#endif

// The compiler forgets what it knows about a value.
static inline void* opaque_pointer(const void* pointer) {
  void* result = (void*)(uintptr_t)pointer;
  __asm__ volatile("" : "+r"(result) : : "memory");
  return result;
}

static inline size_t opaque(size_t value) {
  __asm__ volatile("" : "+r"(value));
  return value;
}

// A small generator, so that no run depends on the C library's.
static inline uint64_t next_random(uint64_t* state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545F4914F6CDD1DU;
}

static inline int all_bytes_are(const void* block, unsigned char value, size_t bytes) {
  const unsigned char* first = (const unsigned char*)block;
  return bytes == 0 || (*first == value && memcmp(first, first + 1, bytes - 1) == 0);
}

static inline int is_aligned(const void* pointer, size_t alignment) {
  return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

#endif
