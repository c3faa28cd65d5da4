// The rarer ways to a child: out of a signal handler, without handlers, in shared memory, by spawning.
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern char** environ;

static void wait_for(pid_t child) {
  int status = -1;
  pid_t done;
  do done = waitpid(child, &status, 0);
  while (done < 0 && errno == EINTR);
  EXPECT(done == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void use_heap(void) {
  static void* blocks[500];
  uint64_t state = 99;
  for (int i = 0; i < 5000; ++i) {
    const size_t at = next_random(&state) % 500;
    free(blocks[at]);
    blocks[at] = malloc(next_random(&state) % (i % 50 == 0 ? 300000 : 3000));
    EXPECT(blocks[at] != NULL);
    *(char*)blocks[at] = 1;
  }
  for (int i = 0; i < 500; ++i) {
    free(blocks[i]);
    blocks[i] = NULL;
  }
}

static int stop_flag;

static void* allocate(void* argument) {
  for (size_t i = 0; !__atomic_load_n(&stop_flag, __ATOMIC_RELAXED); ++i) {
    void* block = malloc(i % 4000);
    EXPECT(block != NULL);
    free(block);
    if (i % 512 == 0) free(malloc(2 * MIB));
  }
  return argument;
}

// --- out of a handler

static volatile sig_atomic_t handler_calls;

static void fork_in_handler(int signal) {
  (void)signal;
  const int saved = errno;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  EXPECT(child > 0);
  wait_for(child);
  ++handler_calls;
  errno = saved;
}

// One thread, which the signal finds somewhere in malloc or free most of the time.
CASE(fork_in_a_handler_that_interrupted_malloc) {
  struct sigaction action = {.sa_handler = fork_in_handler, .sa_flags = SA_RESTART};
  EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
  const pid_t parent = getpid();
  const pid_t sender = fork();
  EXPECT(sender >= 0);
  if (sender == 0) {
    for (;;) {
      if (kill(parent, SIGUSR1) != 0 || getppid() != parent) _exit(0);
      usleep(300);
    }
  }
  static void* blocks[1000];
  uint64_t state = 5;
  while (handler_calls < 400) {
    const size_t at = next_random(&state) % 1000;
    free(blocks[at]);
    const size_t bytes = next_random(&state) % (at == 0 ? 2000000 : 2000) + 1;
    blocks[at] = malloc(bytes);
    EXPECT(blocks[at] != NULL);
    ((char*)blocks[at])[bytes - 1] = 1;
  }
  signal(SIGUSR1, SIG_IGN);
  EXPECT(kill(sender, SIGKILL) == 0);
  EXPECT(waitpid(sender, NULL, 0) == sender);
  for (int i = 0; i < 1000; ++i) free(blocks[i]);
  use_heap();
}

// --- _Fork

CASE(the_child_of__Fork_uses_the_heap) {
  void* block = malloc(1000);
  memset(block, 0x31, 1000);
  for (int i = 0; i < 20; ++i) {
    const pid_t child = _Fork();
    EXPECT(child >= 0);
    if (child == 0) {
      EXPECT(all_bytes_are(block, 0x31, 1000));
      free(block);
      use_heap();
      _exit(0);
    }
    wait_for(child);
  }
  EXPECT(all_bytes_are(block, 0x31, 1000));
  free(block);
}

CASE(_Fork_beside_allocating_threads_leaves_the_parent_whole) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
  for (int i = 0; i < 200; ++i) {
    const pid_t child = _Fork();
    EXPECT(child >= 0);
    if (child == 0) _exit(0);
    wait_for(child);
    free(malloc(5000));
  }
  __atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED);
  EXPECT(pthread_join(thread, NULL) == 0);
  use_heap();
}

// --- children in the parent's memory

static void* volatile made_by_child;

CASE(what_a_vfork_child_allocates_is_the_parents) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
  for (int i = 0; i < 200; ++i) {
    void* volatile block = malloc(400);
    memset(block, 0x32, 400);
    const pid_t child = vfork();
    EXPECT(child >= 0);
    if (child == 0) {
      free(block);
      made_by_child = malloc(700);
      memset(made_by_child, 0x33, 700);
      free(malloc(2 * MIB));
      _exit(0);
    }
    wait_for(child);
    EXPECT(all_bytes_are(made_by_child, 0x33, 700));
    free(made_by_child);
  }
  __atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED);
  EXPECT(pthread_join(thread, NULL) == 0);
  use_heap();
}

static int allocate_in_clone(void* argument) {
  (void)argument;
  free(made_by_child);
  made_by_child = malloc(900);
  memset(made_by_child, 0x34, 900);
  return 0;
}

CASE(what_a_child_in_shared_memory_allocates_is_the_parents) {
  const size_t bytes = 256 * KIB;
  char* stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(stack != MAP_FAILED);
  for (int i = 0; i < 200; ++i) {
    const pid_t child = clone(allocate_in_clone, stack + bytes, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    EXPECT(child > 0);
    wait_for(child);
    EXPECT(all_bytes_are(made_by_child, 0x34, 900));
    free(malloc(1000));
  }
  free(made_by_child);
  use_heap();
}

// --- other programs

CASE(spawned_programs_start) {
  if (guest_is_again()) {
    use_heap();
    return;
  }
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
  setenv("GUEST_AGAIN", "1", 1);
  char* arguments[] = {(char*)guest_program, (char*)guest_selected, NULL};
  for (int i = 0; i < 20; ++i) {
    posix_spawn_file_actions_t actions;
    EXPECT(posix_spawn_file_actions_init(&actions) == 0);
    EXPECT(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0) == 0);
    pid_t child;
    EXPECT(posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    wait_for(child);
  }
  __atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED);
  EXPECT(pthread_join(thread, NULL) == 0);
}

CASE(shell_commands_run) {
  EXPECT(system("exit 0") == 0);
  for (int i = 0; i < 5; ++i) {
    FILE* stream = popen("echo text", "r");
    EXPECT(stream != NULL);
    char* line = NULL;
    size_t capacity = 0;
    EXPECT(getline(&line, &capacity, stream) == 5 && strcmp(line, "text\n") == 0);
    free(line);
    EXPECT(pclose(stream) == 0);
  }
}
