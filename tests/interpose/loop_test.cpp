// libbursar-loop.so by itself: this program stands for the heap and hears of each border.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

namespace {

/// "(" for an entered turn, ")" for one left, by one thread.
thread_local std::string borders;

}  // namespace

extern "C" {
void bursar_loop_leave() {
  borders += ")";
  errno = EDOM;
}
void bursar_loop_enter() {
  borders += "(";
  errno = ERANGE;
}
int __poll_chk(pollfd* descriptors, nfds_t count, int timeout_ms, size_t bytes);
int __ppoll_chk(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask, size_t bytes);
}

namespace {

enum class Wait { none, some, endless };

/// A pipe, and every call that waits for it to be readable.
class Loop : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(pipe(pipe_), 0);
    epoll_ = epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = pipe_[0]}};
    ASSERT_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, pipe_[0], &event), 0);
    sigemptyset(&mask_);
    borders.clear();
  }
  void TearDown() override {
    for (const int descriptor : {pipe_[0], pipe_[1], epoll_}) close(descriptor);
  }

  void fill() const { ASSERT_EQ(write(pipe_[1], "x", 1), 1); }

  struct Case {
    const char* name;
    std::function<int(Wait)> wait;
  };

  std::vector<Case> cases() {
    const auto ms = [](Wait wait) { return wait == Wait::none ? 0 : wait == Wait::some ? 1 : -1; };
    const auto spec = [this](Wait wait) -> timespec* {
      spec_ = {0, wait == Wait::some ? 1000 : 0};
      return wait == Wait::endless ? nullptr : &spec_;
    };
    const auto val = [this](Wait wait) -> timeval* {
      val_ = {0, wait == Wait::some ? 1 : 0};
      return wait == Wait::endless ? nullptr : &val_;
    };
    const auto set = [this] {
      FD_ZERO(&set_);
      FD_SET(pipe_[0], &set_);
      return &set_;
    };
    const auto poll_set = [this] {
      poll_ = {pipe_[0], POLLIN, 0};
      return &poll_;
    };
    const size_t bytes = sizeof(pollfd);
    const int count = pipe_[0] + 1;
    return {
        {"epoll_wait", [=, this](Wait wait) { return epoll_wait(epoll_, &event_, 1, ms(wait)); }},
        {"epoll_pwait", [=, this](Wait wait) { return epoll_pwait(epoll_, &event_, 1, ms(wait), &mask_); }},
        {"epoll_pwait2", [=, this](Wait wait) { return epoll_pwait2(epoll_, &event_, 1, spec(wait), &mask_); }},
        {"poll", [=](Wait wait) { return poll(poll_set(), 1, ms(wait)); }},
        {"ppoll", [=, this](Wait wait) { return ppoll(poll_set(), 1, spec(wait), &mask_); }},
        {"__poll_chk", [=](Wait wait) { return __poll_chk(poll_set(), 1, ms(wait), bytes); }},
        {"__ppoll_chk", [=, this](Wait wait) { return __ppoll_chk(poll_set(), 1, spec(wait), &mask_, bytes); }},
        {"select", [=](Wait wait) { return select(count, set(), nullptr, nullptr, val(wait)); }},
        {"pselect", [=, this](Wait wait) { return pselect(count, set(), nullptr, nullptr, spec(wait), &mask_); }},
    };
  }

  int pipe_[2] = {-1, -1};
  int epoll_ = -1;
  sigset_t mask_;
  epoll_event event_{};
  pollfd poll_{};
  fd_set set_;
  timespec spec_{};
  timeval val_{};
};

TEST_F(Loop, ACallThatWaitsEndsATurnAndItsReturnBeginsOne) {
  for (const Case& each : cases()) {
    borders.clear();
    EXPECT_EQ(each.wait(Wait::some), 0) << each.name;
    EXPECT_EQ(borders, ")(") << each.name;
  }
}

TEST_F(Loop, ACallThatMayWaitIsABorderThoughEventsAreThere) {
  fill();
  for (const Case& each : cases()) {
    borders.clear();
    EXPECT_EQ(each.wait(Wait::endless), 1) << each.name;
    EXPECT_EQ(borders, ")(") << each.name;
  }
}

TEST_F(Loop, ACallThatCannotWaitAndFindsNothingIsNoBorder) {
  for (const Case& each : cases()) {
    EXPECT_EQ(each.wait(Wait::none), 0) << each.name;
    EXPECT_EQ(borders, "") << each.name;
  }
}

TEST_F(Loop, ACallThatCannotWaitAndFindsEventsIsABorder) {
  fill();
  for (const Case& each : cases()) {
    borders.clear();
    EXPECT_EQ(each.wait(Wait::none), 1) << each.name;
    EXPECT_EQ(borders, ")(") << each.name;
  }
}

TEST_F(Loop, ASuccessfulCallLeavesErrnoAlone) {
  fill();
  for (const Case& each : cases()) {
    errno = EBFONT;
    EXPECT_EQ(each.wait(Wait::endless), 1) << each.name;
    EXPECT_EQ(errno, EBFONT) << each.name;
  }
}

TEST_F(Loop, AFailedCallHasItsOwnErrno) {
  close(epoll_);
  errno = 0;
  EXPECT_EQ(epoll_wait(epoll_, &event_, 1, -1), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(borders, ")(");
}

void do_nothing(int) {}

TEST_F(Loop, ASignalInterruptsTheWaitAndItsMaskHolds) {
  struct sigaction action {};
  action.sa_handler = do_nothing;
  ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &blocked, nullptr), 0);
  // The signal is pending, and only the masks of these calls let it through.
  for (const Case& each : cases()) {
    const std::string name = each.name;
    if (name != "epoll_pwait" && name != "epoll_pwait2" && name != "ppoll" && name != "__ppoll_chk" &&
        name != "pselect")
      continue;
    ASSERT_EQ(raise(SIGUSR1), 0);
    borders.clear();
    EXPECT_EQ(each.wait(Wait::endless), -1) << name;
    EXPECT_EQ(errno, EINTR) << name;
    EXPECT_EQ(borders, ")(") << name;
  }
}

struct Cancelled {
  Loop* loop;
  std::function<int(Wait)>* wait;
  std::atomic<bool> is_ready{false};
  std::atomic<bool> has_cleaned_up{false};
};

/// Its destructor runs only where the unwinding passes through the functions of the library.
struct CleanUp {
  Cancelled& cancelled;
  ~CleanUp() { cancelled.has_cleaned_up = borders == ")"; }
};

void* wait_for_ever(void* argument) {
  auto& cancelled = *static_cast<Cancelled*>(argument);
  const CleanUp clean_up{cancelled};
  cancelled.is_ready = true;
  (*cancelled.wait)(Wait::endless);
  return nullptr;
}

TEST_F(Loop, AThreadIsCancelledWhileItWaits) {
  for (const Case& each : cases()) {
    std::function<int(Wait)> wait = each.wait;
    Cancelled cancelled{this, &wait};
    pthread_t thread{};
    ASSERT_EQ(pthread_create(&thread, nullptr, wait_for_ever, &cancelled), 0);
    while (!cancelled.is_ready) sched_yield();
    ASSERT_EQ(pthread_cancel(thread), 0);
    void* result = nullptr;
    ASSERT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED) << each.name;
    EXPECT_TRUE(cancelled.has_cleaned_up) << each.name;
  }
}

}  // namespace
