// System calls that fail, or that a sandbox does not allow: the heap goes on, and calloc still clears.
#include "denied.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

enum { blocks_max = 400 };

static unsigned char* blocks[blocks_max];
static size_t sizes[blocks_max];

// Everything must be served: only calls that save memory or copying are denied.
static void use_heap(uint64_t seed) {
  uint64_t state = seed;
  for (int i = 0; i < 2500; ++i) {
    const size_t at = next_random(&state) % blocks_max;
    if (blocks[at] != NULL) EXPECT(all_bytes_are(blocks[at], (unsigned char)at, sizes[at]));
    const size_t bytes = next_random(&state) % (i % 50 == 0 ? 6 * MIB : i % 5 == 0 ? 100000 : 2000);
    if (i % 3 == 0) {
      const size_t kept = sizes[at] < bytes ? sizes[at] : bytes;
      unsigned char* moved = realloc(blocks[at], bytes + 1);
      EXPECT(moved != NULL && all_bytes_are(moved, (unsigned char)at, kept));
      blocks[at] = moved;
    } else {
      free(blocks[at]);
      blocks[at] = i % 3 == 1 ? calloc(1, bytes) : malloc(bytes);
      EXPECT(blocks[at] != NULL);
      if (i % 3 == 1) EXPECT(all_bytes_are(blocks[at], 0, bytes));
    }
    sizes[at] = bytes;
    memset(blocks[at], (int)at, bytes);
  }
  for (int i = 0; i < blocks_max; ++i) {
    free(blocks[i]);
    blocks[i] = NULL;
    sizes[i] = 0;
  }
  malloc_trim(0);
}

static void* use_heap_in_thread(void* argument) {
  use_heap(77);
  return argument;
}

static void use_heap_everywhere(void) {
  use_heap(1);
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, use_heap_in_thread, NULL) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
  use_heap(2);
}

CASE(madvise_that_is_not_permitted) {
  DENY(WITH_ERRNO(EPERM), SYS_madvise);
  use_heap_everywhere();
}

CASE(madvise_that_does_not_exist) {
  use_heap(5);
  DENY(WITH_ERRNO(ENOSYS), SYS_madvise);
  use_heap_everywhere();
}

CASE(madvise_that_answers_einval) {
  DENY(WITH_ERRNO(EINVAL), SYS_madvise);
  use_heap_everywhere();
}

CASE(munmap_that_is_not_permitted) {
  DENY(WITH_ERRNO(EPERM), SYS_munmap);
  use_heap_everywhere();
}

CASE(munmap_that_has_no_memory) {
  use_heap(5);
  DENY(WITH_ERRNO(ENOMEM), SYS_munmap);
  use_heap_everywhere();
}

CASE(mremap_that_is_not_permitted) {
  DENY(WITH_ERRNO(EPERM), SYS_mremap);
  use_heap_everywhere();
}

CASE(mremap_that_does_not_exist) {
  use_heap(5);
  DENY(WITH_ERRNO(ENOSYS), SYS_mremap);
  use_heap_everywhere();
}

CASE(mremap_that_has_no_memory) {
  DENY(WITH_ERRNO(ENOMEM), SYS_mremap);
  use_heap_everywhere();
}

CASE(all_that_saves_memory_is_denied) {
  DENY(WITH_ERRNO(EPERM), SYS_madvise, SYS_munmap, SYS_mremap);
  use_heap(1);
  use_heap(2);
}

// From the first instruction of the program on.
CASE(random_numbers_and_advice_are_denied_from_the_start) {
  if (!guest_is_again()) {
    DENY(WITH_ERRNO(ENOSYS), SYS_getrandom, SYS_madvise, SYS_mremap, SYS_rseq, SYS_membarrier, SYS_sched_getaffinity,
         SYS_prctl, SYS_mincore);
    guest_again();
  }
  use_heap_everywhere();
}

CASE(random_numbers_and_advice_are_not_permitted_from_the_start) {
  if (!guest_is_again()) {
    DENY(WITH_ERRNO(EPERM), SYS_getrandom, SYS_madvise, SYS_mremap, SYS_membarrier, SYS_sched_getaffinity, SYS_mincore);
    guest_again();
  }
  use_heap_everywhere();
}

// --- no new memory. The C library takes a refused brk for a break, so these are not for it.

// Takes what there is; each block is whole, and the end is a null with ENOMEM.
static void expect_an_end(size_t bytes) {
  void** chain = NULL;
  size_t count = 0;
  for (;;) {
    errno = 0;
    void** block = malloc(bytes);
    if (block == NULL) break;
    EXPECT(++count * bytes < GIB);
    memset(block, 0x11, bytes);
    *block = chain;
    chain = block;
  }
  EXPECT(errno == ENOMEM);
  errno = 0;
  EXPECT(calloc(1, 64 * MIB) == NULL && errno == ENOMEM);
  errno = 0;
  EXPECT(aligned_alloc(4096, 64 * MIB) == NULL && errno == ENOMEM);
  void* first = chain;
  if (first != NULL) {
    errno = 0;
    EXPECT(realloc(first, 64 * MIB) == NULL && errno == ENOMEM);
  }
  while (chain != NULL) {
    void** next = *chain;
    EXPECT(all_bytes_are(chain + 1, 0x11, bytes - sizeof *chain));
    free(chain);
    chain = next;
  }
  size_t again = 0;
  for (; again < count; ++again) {
    void** block = malloc(bytes);
    if (block == NULL) break;
    *block = chain;
    chain = block;
  }
  // What was freed can be had again.
  EXPECT(again >= count - count / 8);
}

CASE_WITH(mmap_that_has_no_memory, bursar_only) {
  free(malloc(100));
  DENY(WITH_ERRNO(ENOMEM), SYS_mmap);
  expect_an_end(100);
}

CASE_WITH(mmap_that_is_not_permitted, bursar_only) {
  void* some[100];
  for (size_t i = 0; i < 100; ++i) some[i] = malloc(i * 1000);
  DENY(WITH_ERRNO(EPERM), SYS_mmap, SYS_mremap);
  expect_an_end(5000);
  for (size_t i = 0; i < 100; ++i) free(some[i]);
}

CASE_WITH(mmap_and_mprotect_that_do_not_exist, bursar_only) {
  free(malloc(100));
  DENY(WITH_ERRNO(ENOSYS), SYS_mmap, SYS_mprotect, SYS_madvise, SYS_munmap);
  expect_an_end(300);
}

// Where pages become usable by mprotect, this too is no memory; otherwise nothing changes.
CASE(mprotect_that_is_denied) {
  void* block = malloc(100);
  DENY(WITH_ERRNO(ENOMEM), SYS_mprotect);
  for (size_t i = 0; i < 20000; ++i) {
    errno = 0;
    char* next = malloc(i % 3000);
    if (next == NULL) {
      EXPECT(errno == ENOMEM);
      break;
    }
    memset(next, 1, i % 3000);
  }
  free(block);
  errno = 0;
  block = malloc(64 * MIB);
  EXPECT(block != NULL || errno == ENOMEM);
  free(block);
}

// --- sandboxes

CASE_WITH(no_file_is_opened_and_no_random_number_asked_for_after_the_start, uncounted) {
  free(malloc(1));
  DENY(SECCOMP_RET_KILL_PROCESS, SYS_getrandom, SYS_openat, SYS_open, SYS_readlink, SYS_readlinkat, SYS_socket,
       SYS_clock_gettime, SYS_sched_getaffinity, SYS_ioctl, SYS_prctl);
  use_heap(1);
  use_heap(2);
}

CASE_WITH(a_strict_sandbox_allows_all_the_heap_needs, uncounted) {
  free(malloc(1));
  const int calls[] = {SYS_mmap,  SYS_munmap,     SYS_mprotect, SYS_madvise,      SYS_mremap,
                       SYS_futex, SYS_exit_group, SYS_write,    SYS_rt_sigreturn, SYS_brk};
  allow_only(calls, sizeof calls / sizeof *calls);
  use_heap(1);
  use_heap(2);
}

// --- an account

CASE_WITH(a_child_without_memory_for_an_account_ends_as_it_would, bursar_only | uncounted) {
  if (!guest_is_again()) {
    setenv("BURSAR", "stats,out=/dev/null", 1);
    guest_again();
  }
  free(malloc(1));
  close(STDERR_FILENO);  // it would be told there
  DENY(WITH_ERRNO(EPERM), SYS_mmap, SYS_madvise);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) exit(0);
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}
