// Event loops as programs have them: turning HOW. Each turn makes and frees ten blocks.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 500
#define REQUIRE(fact) ((fact) ? (void)0 : fail(#fact, __LINE__))

static void fail(const char* fact, int line) {
  fprintf(stderr, "turning.c:%d: %s (errno %d)\n", line, fact, errno);
  _exit(99);
}

static void churn(void) {
  for (int i = 0; i < 10; ++i) {
    void* block = malloc(100);
    REQUIRE(block != NULL);
    free(block);
  }
}

struct Loop {
  int epoll;
  int from;
  int to;
  int turns;
};

static struct Loop loop_over(int from, int to, int turns) {
  struct Loop loop = {epoll_create1(EPOLL_CLOEXEC), from, to, turns};
  struct epoll_event event = {.events = EPOLLIN};
  REQUIRE(loop.epoll >= 0 && epoll_ctl(loop.epoll, EPOLL_CTL_ADD, from, &event) == 0);
  return loop;
}

/// Takes a byte and hands it on, so many times.
static void* turn(void* argument) {
  struct Loop* loop = argument;
  for (int i = 0; i < loop->turns; ++i) {
    struct epoll_event event;
    int ready;
    do {
      ready = epoll_wait(loop->epoll, &event, 1, -1);
    } while (ready < 0 && errno == EINTR);
    REQUIRE(ready == 1);
    churn();
    char byte;
    REQUIRE(read(loop->from, &byte, 1) == 1 && write(loop->to, &byte, 1) == 1);
  }
  return NULL;
}

/// A loop of its own: it writes to itself.
static void turn_alone(int turns) {
  int ends[2];
  REQUIRE(pipe(ends) == 0 && write(ends[1], "", 1) == 1);
  struct Loop loop = loop_over(ends[0], ends[1], turns);
  turn(&loop);
  close(loop.epoll);
  close(ends[0]);
  close(ends[1]);
}

static void* turn_named(void* argument) {
  pthread_setname_np(pthread_self(), ((struct Loop*)argument)->turns % 2 == 0 ? "loop-1" : "loop-2");
  return turn(argument);
}

static void run_two(void) {
  int there[2];
  int back[2];
  REQUIRE(pipe(there) == 0 && pipe(back) == 0 && write(there[1], "", 1) == 1);
  struct Loop loops[] = {loop_over(there[0], back[1], TURNS), loop_over(back[0], there[1], TURNS)};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) REQUIRE(pthread_create(&threads[i], NULL, turn_named, &loops[i]) == 0);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}

static volatile sig_atomic_t handled;

static void poll_in_handler(int number) {
  (void)number;
  const int errno_before = errno;
  (void)poll(NULL, 0, 1);
  struct timeval none = {0, 0};
  (void)select(0, NULL, NULL, NULL, &none);
  errno = errno_before;
  ++handled;
}

static void run_handler(void) {
  const struct sigaction action = {.sa_handler = poll_in_handler};
  REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
  const struct itimerval often = {{0, 2000}, {0, 2000}};
  REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
  while (handled < 100) turn_alone(50);
  const struct itimerval never = {{0, 0}, {0, 0}};
  REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static void note_end(void* cleaned) {
  free(malloc(100));
  __atomic_fetch_add((int*)cleaned, 1, __ATOMIC_RELAXED);
}

static int waiting;

static void* wait_for_ever(void* cleaned) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  pthread_cleanup_push(note_end, cleaned);
  churn();
  __atomic_fetch_add(&waiting, 1, __ATOMIC_RELAXED);
  struct epoll_event event;
  (void)epoll_wait(epoll, &event, 1, -1);
  pthread_cleanup_pop(0);
  return NULL;
}

static void run_cancel(void) {
  int cleaned = 0;
  for (int i = 0; i < 50; ++i) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, wait_for_ever, &cleaned) == 0);
    while (i % 2 == 0 && __atomic_load_n(&waiting, __ATOMIC_RELAXED) <= i) usleep(100);
    REQUIRE(pthread_cancel(thread) == 0);
    void* result = NULL;
    REQUIRE(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    waiting = i + 1;
  }
  REQUIRE(cleaned >= 25);
  turn_alone(10);
}

static void do_nothing(int number) { (void)number; }

static void run_interrupted(void) {
  const struct sigaction action = {.sa_handler = do_nothing};
  REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
  for (int i = 0; i < 20; ++i) {
    struct pollfd none = {-1, 0, 0};
    errno = 0;
    REQUIRE(poll(&none, 1, 1) == 0 && errno == 0);
    churn();
    // Often enough that one comes after the wait has begun.
    const struct itimerval soon = {{0, 5000}, {0, 5000}};
    REQUIRE(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    REQUIRE(poll(&none, 1, -1) == -1 && errno == EINTR);
    const struct itimerval never = {{0, 0}, {0, 0}};
    REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
    churn();
  }
  struct epoll_event event;
  REQUIRE(epoll_wait(-1, &event, 1, 0) == -1 && errno == EBADF);
}

static void run_fork(void) {
  turn_alone(10);
  // Within a turn.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  turn_alone(child == 0 ? 20 : 30);
  if (child == 0) exit(0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } ways[] = {{"two", run_two},
              {"handler", run_handler},
              {"cancel", run_cancel},
              {"interrupted", run_interrupted},
              {"fork", run_fork}};
  for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); ++i) {
    if (strcmp(argv[1], ways[i].name) != 0) continue;
    ways[i].run();
    return 0;
  }
  return 2;
}
