/* Runs tasks that allocate as the arguments say, in their order:
 *
 *   KIND:TASKS:ALLOCATIONS:BYTES    so many tasks, which allocate so many blocks of so many bytes and free them at their end
 *   open:KIND:LABEL:BYTES           a task that has a block and stays
 *   turn:KIND:ALLOCATIONS:BYTES     a task a millisecond until standard input ends
 *   wait                            until standard input ends
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bursar/bursar.h>

enum { allocations_max = 4096 };

static void* blocks[allocations_max];

static void run_task(const char* kind, unsigned long allocations, unsigned long bytes) {
  bursar_task* task = bursar_task_begin(kind, BURSAR_TASK_DEFAULT);
  for (unsigned long i = 0; i < allocations && i < allocations_max; ++i) blocks[i] = malloc(bytes);
  for (unsigned long i = 0; i < allocations && i < allocations_max; ++i) free(blocks[i]);
  bursar_task_end(task);
}

static int input_has_ended(int milliseconds) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  char character;
  return poll(&input, 1, milliseconds) > 0 && read(STDIN_FILENO, &character, 1) <= 0;
}

static void do_what_it_says(char* argument) {
  char* parts[4] = {argument, "", "0", "0"};
  int count = 0;
  for (char* part = strtok(argument, ":"); part != NULL && count < 4; part = strtok(NULL, ":")) parts[count++] = part;
  const unsigned long last = strtoul(parts[3], NULL, 10);
  if (strcmp(parts[0], "wait") == 0) {
    while (!input_has_ended(-1)) continue;
  } else if (strcmp(parts[0], "turn") == 0) {
    while (!input_has_ended(1)) run_task(parts[1], strtoul(parts[2], NULL, 10), last);
  } else if (strcmp(parts[0], "open") == 0) {
    bursar_task* task = bursar_task_begin(parts[1], BURSAR_TASK_DEFAULT);
    bursar_task_label(task, parts[2]);
    blocks[0] = malloc(last);
    bursar_task_switch(NULL);
  } else {
    const unsigned long tasks = strtoul(parts[1], NULL, 10);
    for (unsigned long i = 0; i < tasks; ++i) run_task(parts[0], strtoul(parts[2], NULL, 10), last);
  }
}

int main(int count, char** arguments) {
  if (bursar_task_begin == NULL) {
    fputs("shown_tasks: runs on bursar alone\n", stderr);
    return 1;
  }
  for (int i = 1; i < count; ++i) do_what_it_says(arguments[i]);
  return 0;
}
