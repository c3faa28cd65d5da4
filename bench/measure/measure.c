// Runs a program and says in one line of JSON what it took.
// measure [-e NAME=VALUE]... [--preload LIBRARY] [--stdout FILE] -- PROGRAM ARGUMENTS...
//
// The environment and the preload are the program's alone. Times, page faults and the status are the program's with the
// descendants it waited for, peak_rss_kib is the largest of them. `status` is the exit status, or minus the signal.
// SIGTERM and SIGINT are handed on. A launcher this small hides nothing: Linux counts what is resident before exec.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { status_usage = 2, status_not_executed = 127 };

typedef struct {
  char** environment;  // what -e gave, ended by a null
  const char* preload;
  const char* stdout_path;
  char** command;
} Order;

static volatile sig_atomic_t child_id;

static void hand_on(int signal_number) {
  if (child_id > 0) kill((pid_t)child_id, signal_number);
}

static void refuse(void) {
  fputs("usage: measure [-e NAME=VALUE]... [--preload LIBRARY] [--stdout FILE] -- PROGRAM ARGUMENTS...\n", stderr);
  exit(status_usage);
}

static Order order_of(int count, char** arguments) {
  Order order = {calloc((size_t)count, sizeof(char*)), NULL, NULL, NULL};
  if (order.environment == NULL) exit(1);
  int index = 1;
  for (size_t variables = 0; index + 1 < count && strcmp(arguments[index], "--") != 0; index += 2) {
    char* value = arguments[index + 1];
    if (strcmp(arguments[index], "-e") == 0 && strchr(value, '=') != NULL) {
      order.environment[variables++] = value;
    } else if (strcmp(arguments[index], "--preload") == 0) {
      order.preload = value;
    } else if (strcmp(arguments[index], "--stdout") == 0) {
      order.stdout_path = value;
    } else {
      refuse();
    }
  }
  if (index + 1 >= count) refuse();
  order.command = arguments + index + 1;
  return order;
}

static void give_up(const char* what) {
  perror(what);
  _exit(status_not_executed);
}

static void redirect_stdout(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0 || dup2(file, STDOUT_FILENO) < 0) give_up(path);
}

static void become(const Order* order) {
  // Without it a launcher that is killed leaves the program running beside the next measurement.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up("prctl");
  if (order->stdout_path != NULL) redirect_stdout(order->stdout_path);
  for (char** variable = order->environment; *variable != NULL; ++variable) {
    if (putenv(*variable) != 0) give_up("putenv");
  }
  if (order->preload != NULL && setenv("LD_PRELOAD", order->preload, 1) != 0) give_up("setenv");
  execvp(order->command[0], order->command);
  give_up(order->command[0]);
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec * 1e-6; }

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int count, char** arguments) {
  const Order order = order_of(count, arguments);
  // Blocked until the child is known, so that no signal is lost between fork and the assignment.
  sigset_t handed_on, before;
  sigemptyset(&handed_on);
  sigaddset(&handed_on, SIGTERM);
  sigaddset(&handed_on, SIGINT);
  sigprocmask(SIG_BLOCK, &handed_on, &before);
  const double start = now();
  const pid_t child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  if (child == 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    become(&order);
  }
  child_id = child;
  struct sigaction action = {.sa_handler = hand_on, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigprocmask(SIG_SETMASK, &before, NULL);

  int status = 0;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) != child) {
    perror("wait4");
    return 1;
  }
  const double wall = now() - start;
  printf(
      "{\"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f, \"page_faults\": %ld, \"peak_rss_kib\": %ld, "
      "\"status\": %d}\n",
      wall, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_minflt + usage.ru_majflt, usage.ru_maxrss,
      WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
  return 0;
}
