/* Runs tasks as it is told on standard input, a line each: KIND<tab>LABEL<tab>ALLOCATIONS<tab>BYTES<tab>KEPT. Answers each with a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bursar/bursar.h>

static void run_task(const char* kind, const char* label, int allocations, size_t bytes, int kept) {
  static void* blocks[10000];
  bursar_task* task = bursar_task_begin(kind, BURSAR_TASK_DEFAULT);
  bursar_task_label(task, label);
  for (int i = 0; i < allocations; ++i) blocks[i] = malloc(bytes);
  for (int i = kept; i < allocations; ++i) free(blocks[i]);
  bursar_task_end(task);
}

int main(void) {
  char line[1024];
  if (bursar_task_begin == NULL) return 3;
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char* kind = strtok(line, "\t\n");
    const char* label = strtok(NULL, "\t\n");
    const char* allocations = strtok(NULL, "\t\n");
    const char* bytes = strtok(NULL, "\t\n");
    const char* kept = strtok(NULL, "\t\n");
    if (kept == NULL) return 4;
    run_task(kind, label, atoi(allocations), (size_t)atoi(bytes), atoi(kept));
    puts("done");
    fflush(stdout);
  }
  return 0;
}
