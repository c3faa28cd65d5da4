/* bursar's C API: tasks. Works with every malloc, does more when bursar is the malloc. */
#ifndef BURSAR_BURSAR_H
#define BURSAR_BURSAR_H

#ifdef __cplusplus
extern "C" {
#endif

/* All functions are weak: a program may name them and still run without bursar. Then their address is null, so test
 * it before the call:
 *
 *     bursar_task* task = bursar_task_begin ? bursar_task_begin("request", BURSAR_TASK_ARENA) : NULL;
 *     ...
 *     if (task) bursar_task_end(task);
 */
#if defined(__GNUC__)
#define BURSAR_WEAK __attribute__((weak))
#else
#define BURSAR_WEAK
#endif

/* A named piece of work: a request, a query, a file to compile. */
typedef struct bursar_task bursar_task;

enum {
  /* Nothing special. */
  BURSAR_TASK_DEFAULT = 0,
  /* malloc and operator new of the beginning thread cut blocks of up to 4 KiB one after the other from chunks of the task
   * until it ends, so that what is allocated together lies together and is given back together. Any thread may free such a block at any time; a
   * block that outlives the task stays valid and keeps 64 KiB until it is freed. */
  BURSAR_TASK_ARENA = 1
};

/* Begins a task on the calling thread, within the one it is in. `name` tells its kind to an account by task, which is not kept yet; it
 * need not live longer than the call and may be null. Returns null when there is no memory for it; bursar_task_end takes that too. Cost: a malloc and a free for the pair of
 * calls, and with an arena a chunk of 64 KiB from the heap when the last one still has blocks. */
BURSAR_WEAK bursar_task* bursar_task_begin(const char* name, unsigned flags);

/* Ends a task that the calling thread began, and those within it. Anything else is told once on standard error and
 * ignored. */
BURSAR_WEAK void bursar_task_end(bursar_task* task);

#ifdef __cplusplus
}
#endif

#endif
