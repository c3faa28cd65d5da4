// libbursar-loop.so: the calls in which an event loop waits, with the borders of its turns around them.
#include "interpose/loop/loop.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>

#include "interpose/export.h"

// A library of its own, because a malloc that replaced poll in every program would be asking for trouble: only programs whose turns are
// tasks load it. It may not wait by a system call of its own: the C library's functions are the points at which a thread can
// be cancelled, which unwinds through the functions here. So none of them is noexcept.

namespace {

/// The function that would have been called without this library.
template <typename... Arguments>
class Next {
 public:
  explicit constexpr Next(const char* name) : name_(name) {}

  int operator()(Arguments... arguments) {
    Function* const found = find();
    if (found != nullptr) return found(arguments...);
    errno = ENOSYS;
    return -1;
  }

  using Function = int(Arguments...);

  /// Null where the C library is too old to have it.
  Function* find() {
    auto* found = found_.load(std::memory_order_relaxed);
    if (found != nullptr) return found;
    found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name_));
    found_.store(found, std::memory_order_relaxed);  // Whoever comes at the same time finds the same.
    return found;
  }

 private:
  const char* name_;
  std::atomic<Function*> found_{nullptr};
};

constinit Next<int, epoll_event*, int, int> next_epoll_wait{"epoll_wait"};
constinit Next<int, epoll_event*, int, int, const sigset_t*> next_epoll_pwait{"epoll_pwait"};
constinit Next<int, epoll_event*, int, const timespec*, const sigset_t*> next_epoll_pwait2{"epoll_pwait2"};
constinit Next<pollfd*, nfds_t, int> next_poll{"poll"};
constinit Next<pollfd*, nfds_t, const timespec*, const sigset_t*> next_ppoll{"ppoll"};
constinit Next<pollfd*, nfds_t, int, size_t> next_poll_chk{"__poll_chk"};
constinit Next<pollfd*, nfds_t, const timespec*, const sigset_t*, size_t> next_ppoll_chk{"__ppoll_chk"};
constinit Next<int, fd_set*, fd_set*, fd_set*, timeval*> next_select{"select"};
constinit Next<int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*> next_pselect{"pselect"};

/// Before main, since dlsym takes the loader's lock, which a thread that waits in a signal handler may hold.
[[gnu::constructor]] void find_all() {
  next_epoll_wait.find();
  next_epoll_pwait.find();
  next_epoll_pwait2.find();
  next_poll.find();
  next_ppoll.find();
  next_poll_chk.find();
  next_ppoll_chk.find();
  next_select.find();
  next_pselect.find();
}

void leave_turn() {
  const int errno_before = errno;
  bursar_loop_leave();
  errno = errno_before;
}

void enter_turn() {
  const int errno_before = errno;
  bursar_loop_enter();
  errno = errno_before;
}

/// A call that may wait ends a turn, and its return begins one. A call that only looks (timeout 0) is a border where it finds
/// something: loops that are never idle get all their events so. Where it finds nothing, the turn goes on: loops look between the
/// steps of one piece of work.
template <typename Wait>
int with_borders(bool may_wait, Wait wait) {
  if (bursar_loop_leave == nullptr || bursar_loop_enter == nullptr) return wait();
  if (may_wait) leave_turn();
  const int result = wait();
  if (may_wait) {
    enter_turn();
  } else if (result > 0) {
    leave_turn();
    enter_turn();
  }
  return result;
}

/// Of a null pointer, which stands for waiting without end, as of a time.
bool may_wait_for(const timespec* timeout) {
  return timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
}

bool may_wait_for(const timeval* timeout) {
  return timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_usec != 0;
}

}  // namespace

BURSAR_EXPORT void bursar_loop_is_loaded() {}

BURSAR_EXPORT int epoll_wait(int epoll, epoll_event* events, int events_max, int timeout_ms) {
  return with_borders(timeout_ms != 0, [&] { return next_epoll_wait(epoll, events, events_max, timeout_ms); });
}

BURSAR_EXPORT int epoll_pwait(int epoll, epoll_event* events, int events_max, int timeout_ms, const sigset_t* mask) {
  return with_borders(timeout_ms != 0, [&] { return next_epoll_pwait(epoll, events, events_max, timeout_ms, mask); });
}

BURSAR_EXPORT int epoll_pwait2(int epoll, epoll_event* events, int events_max, const timespec* timeout,
                               const sigset_t* mask) {
  return with_borders(may_wait_for(timeout),
                      [&] { return next_epoll_pwait2(epoll, events, events_max, timeout, mask); });
}

BURSAR_EXPORT int poll(pollfd* descriptors, nfds_t count, int timeout_ms) {
  return with_borders(timeout_ms != 0, [&] { return next_poll(descriptors, count, timeout_ms); });
}

BURSAR_EXPORT int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return with_borders(may_wait_for(timeout), [&] { return next_ppoll(descriptors, count, timeout, mask); });
}

// What programs that were compiled with _FORTIFY_SOURCE call: the last argument is the size of the array.
BURSAR_EXPORT int __poll_chk(pollfd* descriptors, nfds_t count, int timeout_ms, size_t bytes) {
  return with_borders(timeout_ms != 0, [&] { return next_poll_chk(descriptors, count, timeout_ms, bytes); });
}

BURSAR_EXPORT int __ppoll_chk(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask,
                              size_t bytes) {
  return with_borders(may_wait_for(timeout), [&] { return next_ppoll_chk(descriptors, count, timeout, mask, bytes); });
}

BURSAR_EXPORT int select(int count, fd_set* to_read, fd_set* to_write, fd_set* exceptional, timeval* timeout) {
  return with_borders(may_wait_for(timeout),
                      [&] { return next_select(count, to_read, to_write, exceptional, timeout); });
}

BURSAR_EXPORT int pselect(int count, fd_set* to_read, fd_set* to_write, fd_set* exceptional, const timespec* timeout,
                          const sigset_t* mask) {
  return with_borders(may_wait_for(timeout),
                      [&] { return next_pselect(count, to_read, to_write, exceptional, timeout, mask); });
}
