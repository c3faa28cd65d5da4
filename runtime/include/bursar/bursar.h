/* bursar's C API: tasks, budgets, figures. Works with every malloc, does more when bursar is the malloc. */
#ifndef BURSAR_BURSAR_H
#define BURSAR_BURSAR_H

#include <stddef.h> /* NOLINT(modernize-deprecated-headers): for C too */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* All functions are weak: a program may name them and still run without bursar. Then their address is null, so test
 * it before the call:
 *
 *     bursar_task* task = bursar_task_begin ? bursar_task_begin("request", BURSAR_TASK_ARENA) : NULL;
 *     ...
 *     if (task) bursar_task_end(task);
 *
 * All are thread safe. None may be called from a signal handler that may have interrupted malloc. */
#if defined(__GNUC__)
#define BURSAR_WEAK __attribute__((weak))
#else
#define BURSAR_WEAK
#endif

/* A named piece of work: a request, a query, a file to compile. An opaque handle, never an address: one that is stale or was never given
 * out is recognized. */
typedef struct bursar_task bursar_task;

enum {
  /* Nothing special. */
  BURSAR_TASK_DEFAULT = 0,
  /* malloc and operator new of the beginning thread cut blocks of up to 4 KiB one after the other from chunks of the task
   * until it ends, so that what is allocated together lies together and is given back together. Any thread may free such a block at any time; a
   * block that outlives the task stays valid and keeps 64 KiB until it is freed. */
  BURSAR_TASK_ARENA = 1
};

/* Begins a task on the calling thread, within the one it is in; until it ends, or the thread switches to another, what the thread allocates
 * is counted to it. `kind` names what sort of work it is ("GET /search"): tasks of one kind are told together, so an address or a number does
 * not belong in it (bursar_task_label takes those). It need not live longer than the call and may be null; 63 bytes of it are kept.
 * Returns null when there are 65,535 tasks already; bursar_task_end takes that too. Cost: a few hundred nanoseconds for the pair of calls while
 * the account is kept, else some dozen; with an arena a chunk of 64 KiB when the last one still has blocks. */
BURSAR_WEAK bursar_task* bursar_task_begin(const char* kind, unsigned flags);

/* Ends a task: the innermost of the calling thread, or one further out (those within it end too), or one that this thread is not in. Where other
 * threads are in it, it is over when the last of them leaves it: what they allocate till then is its own, and nobody can go into it any more. What is no
 * task (any more) is told once on standard error and ignored. The thread goes on in the task that the ended one was begun in; outside all where
 * that has ended, or where it was another thread that began the ended one there and is in it (it handed the work over). A thread that ends leaves
 * its task, and ends those around it that it began and nobody else is in. In a forked child the tasks of the forking thread go on, and those that no
 * thread was in; the others are no tasks there. */
BURSAR_WEAK void bursar_task_end(bursar_task* task);

/* The calling thread goes on in another task, or, for null, outside all, and tells in which one it was (null: in none). For coroutines and thread
 * pools: switch in before the piece of work runs, and back after it. Several threads may be in one task at a time. A handle that is
 * no task (any more) stands for outside all. */
BURSAR_WEAK bursar_task* bursar_task_switch(bursar_task* task);

/* The task that the calling thread is in, or null. */
BURSAR_WEAK bursar_task* bursar_task_current(void);

/* Tells this one task from others of its kind, for the lists of the worst: "GET /search?q=x". 47 bytes are kept. */
BURSAR_WEAK void bursar_task_label(bursar_task* task, const char* label);

/* At most so many bytes of the task may live at a time; 0 takes the limit away. Beyond, malloc gives null with ENOMEM in threads that are in the
 * task, and operator new throws bursar::BudgetExceeded. Returns 0, or ENOTSUP while no account is kept (BURSAR=stats, ledger or budget),
 * EINVAL for what is no task. With several threads in the task the limit may be passed by 16 KiB each. */
BURSAR_WEAK int bursar_task_set_budget(bursar_task* task, size_t bytes);

/* What an allocation met that its task's budget does not allow. */
struct bursar_budget_event {
  bursar_task* task;   /* null: the program did not begin it (tasks=thread, loop, process) */
  const char* kind;    /* its kind */
  const char* label;   /* or "" */
  size_t limit_bytes;  /* the budget */
  size_t live_bytes;   /* of the task now */
  size_t wanted_bytes; /* the allocation's */
};

/* What to do about it. */
enum bursar_budget_answer {
  BURSAR_BUDGET_REFUSE = 0, /* the allocation fails */
  BURSAR_BUDGET_ALLOW = 1   /* this once it is served all the same */
};

/* Called in the thread whose allocation is over the budget, before it fails. It may free, log, raise the budget (then ALLOW), set a
 * flag; what it allocates itself is not refused. It must return: no exception, longjmp or pthread_exit may leave it. One for the process; null
 * takes it away. */
typedef enum bursar_budget_answer (*bursar_budget_handler)(const struct bursar_budget_event* event, void* context);
BURSAR_WEAK void bursar_set_budget_handler(bursar_budget_handler handler, void* context);

/* The figures of the process in one snapshot. Bytes as handed out. */
struct bursar_metrics {
  uint64_t is_counting;          /* 1 while the account is kept; else the next nine are 0 */
  uint64_t peak_bytes;           /* the highest current_bytes; may be 16 KiB a thread off */
  uint64_t current_bytes;        /* live */
  uint64_t allocations;          /* all so far */
  uint64_t frees;                /* the same */
  uint64_t tasks;                /* ended so far */
  uint64_t allocations_per_task; /* their mean, rounded */
  uint64_t task_current_bytes;   /* live of the task that the calling thread is in */
  uint64_t task_peak_bytes;      /* the same */
  uint64_t task_allocations;     /* the same */
  /* So far, as bursar's runtime and whoever else calls bursar_metrics_count told; also while no account is kept. In a forked child
   * with an account, since the fork. The runtime tells in steps: docs/runtime/metrics.md has by how much each may lag. */
  uint64_t interned_strings;     /* texts that interners took in */
  uint64_t interner_saved_bytes; /* of texts that they had already */
  uint64_t arena_bytes;          /* handed out by arenas */
  uint64_t arena_allocations;
  uint64_t pool_hits; /* objects and arenas lent without a call of the heap */
  uint64_t pool_misses;
  uint64_t cache_hits; /* look-ups that found what they asked for: of an interner, the text */
  uint64_t cache_misses;
};

/* Fills the first `bytes` bytes of a snapshot (sizeof *metrics: so later versions can add to it). Returns 0, or EINVAL for a null pointer. Cost: below a
 * microsecond with up to some dozen threads. */
BURSAR_WEAK int bursar_metrics_read(struct bursar_metrics* metrics, size_t bytes);

/* The counters that code outside the heap keeps. */
enum bursar_counter {
  BURSAR_INTERNED_STRINGS,
  BURSAR_INTERNER_SAVED_BYTES,
  BURSAR_ARENA_BYTES,
  BURSAR_ARENA_ALLOCATIONS,
  BURSAR_POOL_HITS,
  BURSAR_POOL_MISSES,
  BURSAR_CACHE_HITS,
  BURSAR_CACHE_MISSES
};

/* Adds to one of them; a negative change takes back what was told too much. While an account is kept they are in its ledger, so nothing of it
 * is lost however the process ends. Any thread, signal handlers too. Cost: an atomic addition. */
BURSAR_WEAK void bursar_metrics_count(enum bursar_counter counter, int64_t change);

/* How many bytes the block has, as malloc_usable_size; 0 for null and for what is no block of bursar. */
BURSAR_WEAK size_t bursar_usable(const void* block);

#ifdef __cplusplus
}
#endif

#endif
