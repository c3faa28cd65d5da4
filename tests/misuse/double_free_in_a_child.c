// double_free_in_a_child BYTES: after a fork the child's heap still sees it, and only the child ends.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "misuse.h"

int main(int count, char** arguments) {
  (void)count;
  void* block = hidden(malloc(number(arguments[1])));
  tell(block);
  const pid_t child = fork();
  if (child == 0) {
    free(block);
    free(hidden(block));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  free(block);
  return WIFSIGNALED(status) ? raise(WTERMSIG(status)) : 1;
}
