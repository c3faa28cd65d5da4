// Runs a program and says on standard output what it took: seconds of time, KiB resident at most.
// measure PROGRAM [LIBRARY]; a launcher this small hides less of a small program than a large one would, since Linux
// counts the launcher's own pages as the program's until exec.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const double start = now();
  const pid_t child = fork();
  if (child == 0) {
    if (argc > 2) setenv("LD_PRELOAD", argv[2], 1);
    execl(argv[1], argv[1], (char*)NULL);
    _exit(127);
  }
  int status = 1;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 1;
  printf("%.6f %ld\n", now() - start, usage.ru_maxrss);
  return status == 0 ? 0 : 1;
}
