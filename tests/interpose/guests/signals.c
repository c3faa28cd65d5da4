// malloc and free in signal handlers.
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

static volatile sig_atomic_t handler_calls;
static void* volatile kept[64];

static void use_heap(size_t seed) {
  for (size_t i = 0; i < 10; ++i) {
    const size_t bytes = (seed * 37 + i * 211) % 3000 + 1;
    unsigned char* block = malloc(bytes);
    EXPECT(block != NULL);
    memset(block, (int)i, bytes);
    unsigned char* zeroed = calloc(1, bytes);
    EXPECT(zeroed != NULL && all_bytes_are(zeroed, 0, bytes));
    EXPECT(all_bytes_are(block, (unsigned char)i, bytes));
    free(zeroed);
    free(block);
  }
}

static void allocate_in_handler(int signal) {
  (void)signal;
  const int saved = errno;
  const size_t at = (size_t)handler_calls % 64;
  free(kept[at]);
  kept[at] = malloc(at * 50);
  EXPECT(kept[at] != NULL);
  use_heap(at);
  if (at == 0) free(malloc(2 * MIB));
  ++handler_calls;
  errno = saved;
}

static void every(int microseconds, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | flags};
  EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
  const struct itimerval interval = {{0, microseconds}, {0, microseconds}};
  EXPECT(setitimer(ITIMER_REAL, &interval, NULL) == 0);
}

static void no_more(void) {
  const struct itimerval never = {{0, 0}, {0, 0}};
  EXPECT(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

CASE(a_raised_signal_may_allocate) {
  signal(SIGUSR1, allocate_in_handler);
  for (int i = 0; i < 1000; ++i) {
    void* block = malloc((size_t)i);
    EXPECT(raise(SIGUSR1) == 0);
    free(block);
  }
  EXPECT(handler_calls == 1000);
}

// The program computes; its handlers alone use the heap while signals are open.
CASE(a_handler_that_interrupts_a_computation_may_allocate) {
  every(200, allocate_in_handler, 0);
  uint64_t state = 3;
  while (handler_calls < 500) next_random(&state);
  no_more();
  use_heap(opaque((size_t)state));
}

CASE(a_handler_on_a_small_stack_of_its_own_may_allocate) {
  const size_t bytes = (size_t)sysconf(_SC_SIGSTKSZ);
  const stack_t stack = {.ss_sp = malloc(bytes), .ss_size = bytes};
  EXPECT(stack.ss_sp != NULL && sigaltstack(&stack, NULL) == 0);
  every(200, allocate_in_handler, SA_ONSTACK);
  uint64_t state = 3;
  while (handler_calls < 200) next_random(&state);
  no_more();
  use_heap(opaque((size_t)state));
}

static sigjmp_buf back;

static void allocate_and_jump(int signal) {
  allocate_in_handler(signal);
  siglongjmp(back, 1);
}

CASE(a_handler_may_allocate_and_jump_away) {
  signal(SIGUSR1, allocate_and_jump);
  for (volatile int i = 0; i < 500; ++i)
    if (sigsetjmp(back, 1) == 0) raise(SIGUSR1);
  EXPECT(handler_calls == 500);
  use_heap(1);
}

static void allocate_small_in_handler(int signal) {
  (void)signal;
  const int saved = errno;
  const size_t at = (size_t)handler_calls % 20;
  free(kept[at]);
  kept[at] = malloc(at * 50);
  EXPECT(kept[at] != NULL);
  memset(kept[at], 0x7e, at * 50);
  ++handler_calls;
  errno = saved;
}

// Not promised by any standard, and real programs do it: the handler interrupts malloc itself. Here it does so in the
// slow paths alone, since its blocks are small and the program's are not: the few instructions in which the fast path
// takes a block off a list are open to a handler that takes from the same list.
CASE_WITH(a_handler_that_interrupts_a_slow_path_may_allocate, bursar_only) {
  static unsigned char* blocks[500];
  static size_t sizes[500];
  uint64_t state = 11;
  free(malloc(100));
  free(malloc(5000));
  every(100, allocate_small_in_handler, 0);
  while (handler_calls < 3000) {
    const size_t at = next_random(&state) % 500;
    if (blocks[at] != NULL) EXPECT(all_bytes_are(blocks[at], (unsigned char)at, sizes[at]));
    free(blocks[at]);
    sizes[at] = 2000 + next_random(&state) % (at < 10 ? 1000000 : 30000);
    blocks[at] = malloc(sizes[at]);
    EXPECT(blocks[at] != NULL);
    memset(blocks[at], (int)at, sizes[at]);
  }
  no_more();
  for (size_t at = 0; at < 500; ++at) {
    if (blocks[at] != NULL) EXPECT(all_bytes_are(blocks[at], (unsigned char)at, sizes[at]));
    free(blocks[at]);
  }
}

static void fault_handler(int signal) {
  (void)signal;
  use_heap(7);
  handler_calls = 1;
  siglongjmp(back, 1);
}

CASE(a_handler_of_a_fault_may_allocate) {
  signal(SIGSEGV, fault_handler);
  char* page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  void* block = malloc(100);
  if (sigsetjmp(back, 1) == 0) *(volatile char*)page = 1;
  EXPECT(handler_calls == 1);
  free(block);
}
