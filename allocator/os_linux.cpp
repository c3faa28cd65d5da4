// The only system calls of the heap, on Linux for x86-64 and arm64.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "allocator/os.h"
#include "allocator/os_vdso.h"

namespace bursar::os {
namespace {

#if defined(__x86_64__)
long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
constexpr const char* clock_function_name = "__vdso_clock_gettime";
#elif defined(__aarch64__)
long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
constexpr const char* clock_function_name = "__kernel_clock_gettime";
#else
#error "bursar knows the system call conventions of x86-64 and arm64 only"
#endif

/// Absent from the headers of kernels before 4.14 and 5.14.
constexpr int madvise_wipe_on_fork = 18;
constexpr int madvise_populate_write = 23;

/// None that any kernel knows.
constexpr int madvise_unknown = 10'000;

long as_long(const volatile void* pointer) noexcept { return reinterpret_cast<long>(pointer); }

bool is_error(long result) noexcept { return result < 0 && result > -4096; }

void* map(void* where, size_t bytes, int protection, int flags, int descriptor = -1) noexcept {
  const long result = system_call(SYS_mmap, as_long(where), static_cast<long>(bytes), protection, flags, descriptor, 0);
  return is_error(result) ? nullptr : reinterpret_cast<void*>(result);
}

long advise(void* start, size_t bytes, int advice) noexcept {
  return system_call(SYS_madvise, as_long(start), static_cast<long>(bytes), advice);
}

/// Emulators take every advice for a hint and say yes to it (qemu-user 7.2): then a yes means nothing.
bool answers_mean_something(void* start, size_t bytes) noexcept {
  return is_error(advise(start, bytes, madvise_unknown));
}

using ClockFunction = int (*)(clockid_t, timespec*);

/// Null before it was looked for and where there is none.
constinit std::atomic<ClockFunction> kernel_clock{nullptr};
constinit std::atomic<bool> was_looked_for{false};

bool read_kernel_clock(clockid_t clock, timespec& time) noexcept {
  if (!was_looked_for.load(std::memory_order_acquire)) {
    kernel_clock.store(reinterpret_cast<ClockFunction>(vdso_function(clock_function_name)), std::memory_order_relaxed);
    was_looked_for.store(true, std::memory_order_release);
  }
  const ClockFunction function = kernel_clock.load(std::memory_order_relaxed);
  return function != nullptr && function(clock, &time) == 0;
}

uint64_t read_clock(clockid_t clock, uint64_t units_per_second) noexcept {
  timespec time{};
  // Not by libc's function: it may be called before libc is relocated (LD_AUDIT). Not by the system call either where it can be
  // had otherwise: it is slower, and sandboxes omit it from their lists.
  if (!read_kernel_clock(clock, time) && is_error(system_call(SYS_clock_gettime, clock, as_long(&time)))) return 0;
  const uint64_t ns_per_unit = 1'000'000'000 / units_per_second;
  return static_cast<uint64_t>(time.tv_sec) * units_per_second + static_cast<uint64_t>(time.tv_nsec) / ns_per_unit;
}

}  // namespace

void* reserve(size_t bytes) noexcept {
  return map(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

void* reserve_readable(size_t bytes) noexcept {
  return map(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

bool commit(void* start, size_t bytes) noexcept {
  const long result = system_call(SYS_mprotect, as_long(start), static_cast<long>(bytes), PROT_READ | PROT_WRITE);
  if (!is_error(result)) return true;
  // Some sandboxes forbid mprotect and nothing else. The pages hold nothing yet, so they may be mapped anew.
  if (result == -ENOMEM) return false;
  return map_memory_over(start, bytes);
}

bool purge(void* start, size_t bytes) noexcept { return !is_error(advise(start, bytes, MADV_DONTNEED)); }

bool release(void* start, size_t bytes) noexcept {
  return !is_error(system_call(SYS_munmap, as_long(start), static_cast<long>(bytes)));
}

bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  return !is_error(
      system_call(SYS_mremap, as_long(start), static_cast<long>(old_bytes), static_cast<long>(new_bytes), 0));
}

Moved move_pages(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept {
  const long result = system_call(SYS_mremap, as_long(start), static_cast<long>(old_bytes),
                                  static_cast<long>(new_bytes), MREMAP_MAYMOVE | MREMAP_FIXED, as_long(target));
  if (!is_error(result)) return Moved::yes;
  // What a sandbox or another kernel answers before it does anything.
  return result == -EPERM || result == -ENOSYS || result == -EACCES ? Moved::refused : Moved::failed;
}

void advise_huge_pages(void* start, size_t bytes) noexcept { (void)advise(start, bytes, MADV_HUGEPAGE); }
void advise_small_pages(void* start, size_t bytes) noexcept { (void)advise(start, bytes, MADV_NOHUGEPAGE); }

bool wipe_in_child(void* start, size_t bytes) noexcept {
  return answers_mean_something(start, bytes) && !is_error(advise(start, bytes, madvise_wipe_on_fork));
}

uint64_t now_ms() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE, 1'000); }

uint64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC, 1'000'000'000); }

uint64_t unix_now_ns() noexcept { return read_clock(CLOCK_REALTIME, 1'000'000'000); }

size_t address_space_bytes_max() noexcept {
  static constinit std::atomic<size_t> known{0};
  if (const size_t bytes = known.load(std::memory_order_relaxed); bytes != 0) return bytes;
  rlimit64 limit{};
  const bool is_limited =
      !is_error(system_call(SYS_prlimit64, 0, RLIMIT_AS, 0, as_long(&limit))) && limit.rlim_cur != RLIM64_INFINITY;
  const size_t bytes = is_limited ? limit.rlim_cur : SIZE_MAX;
  known.store(bytes, std::memory_order_relaxed);
  return bytes;
}

size_t page_bytes() noexcept {
  const size_t bytes = getauxval(AT_PAGESZ);
  return bytes != 0 ? bytes : 4096;
}

void wait_while(const std::atomic<uint32_t>* word, uint32_t expected, uint32_t timeout_ms) noexcept {
  timespec timeout{};
  timeout.tv_sec = timeout_ms / 1000;
  timeout.tv_nsec = static_cast<long>(timeout_ms % 1000) * 1'000'000;
  (void)system_call(SYS_futex, as_long(word), FUTEX_WAIT_PRIVATE, expected, as_long(&timeout));
}

void wake_one(const std::atomic<uint32_t>* word) noexcept {
  (void)system_call(SYS_futex, as_long(word), FUTEX_WAKE_PRIVATE, 1);
}

SignalBlock::SignalBlock() noexcept {
  const uint64_t all = ~uint64_t{0};
  (void)system_call(SYS_rt_sigprocmask, SIG_SETMASK, as_long(&all), as_long(&former_mask_), sizeof(uint64_t));
}

SignalBlock::~SignalBlock() {
  (void)system_call(SYS_rt_sigprocmask, SIG_SETMASK, as_long(&former_mask_), 0, sizeof(uint64_t));
}

int process_id() noexcept { return static_cast<int>(system_call(SYS_getpid)); }

int parent_process_id() noexcept { return static_cast<int>(system_call(SYS_getppid)); }

uint32_t thread_id() noexcept { return static_cast<uint32_t>(system_call(SYS_gettid)); }

void thread_name(char (&name)[thread_name_bytes]) noexcept {
  if (is_error(system_call(SYS_prctl, PR_GET_NAME, as_long(name)))) name[0] = '\0';
  name[thread_name_bytes - 1] = '\0';
}

Usage usage() noexcept {
  rusage figures{};
  if (is_error(system_call(SYS_getrusage, RUSAGE_SELF, as_long(&figures)))) return {};
  const auto ns = [](const timeval& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1'000;
  };
  return {static_cast<uint64_t>(figures.ru_maxrss) * 1024, static_cast<uint64_t>(figures.ru_minflt + figures.ru_majflt),
          ns(figures.ru_utime), ns(figures.ru_stime)};
}

bool executable_path(char* path, size_t bytes) noexcept {
  const long length =
      system_call(SYS_readlinkat, AT_FDCWD, as_long("/proc/self/exe"), as_long(path), static_cast<long>(bytes - 1));
  if (is_error(length)) return false;
  path[length] = '\0';
  return true;
}

void abort_process() noexcept {
  const long process = system_call(SYS_getpid);
  (void)system_call(SYS_tgkill, process, system_call(SYS_gettid), SIGABRT);
  // SIGABRT is blocked, ignored or handled by somebody who returned: give it back its default and ask again.
  uint64_t every_signal_open[2] = {};
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  } action{};
  (void)system_call(SYS_rt_sigaction, SIGABRT, as_long(&action), 0, sizeof(uint64_t));
  (void)system_call(SYS_rt_sigprocmask, SIG_SETMASK, as_long(every_signal_open), 0, sizeof(uint64_t));
  (void)system_call(SYS_tgkill, process, system_call(SYS_gettid), SIGABRT);
  while (true) (void)system_call(SYS_exit_group, 127);
}

void write_to(int descriptor, const char* text, size_t bytes) noexcept {
  while (bytes != 0) {
    const long written = system_call(SYS_write, descriptor, as_long(text), static_cast<long>(bytes));
    if (written == -EINTR) continue;
    if (written <= 0) return;
    text += written;
    bytes -= static_cast<size_t>(written);
  }
}

int create_file(const char* path, int extra_flags) noexcept {
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | extra_flags;
  return static_cast<int>(system_call(SYS_openat, AT_FDCWD, as_long(path), flags, 0600));
}

int open_file(const char* path) noexcept {
  return static_cast<int>(system_call(SYS_openat, AT_FDCWD, as_long(path), O_RDONLY | O_CLOEXEC));
}

long read_file(int descriptor, char* buffer, size_t bytes) noexcept {
  long result = -EINTR;
  while (result == -EINTR) result = system_call(SYS_read, descriptor, as_long(buffer), static_cast<long>(bytes));
  return result;
}

void close_file(int descriptor) noexcept { (void)system_call(SYS_close, descriptor); }

int duplicate(int descriptor) noexcept {
  long copy = -1;
  for (long lowest = 1000; is_error(copy) && lowest > 2; lowest /= 2) {
    copy = system_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, lowest);
  }
  return static_cast<int>(copy);
}

FileIdentity identity_of(int descriptor) noexcept {
  struct statx figures {};
  const long result = system_call(SYS_statx, descriptor, as_long(""), AT_EMPTY_PATH, STATX_INO, as_long(&figures));
  if (is_error(result)) return {};
  return {uint64_t{figures.stx_dev_major} << 32 | figures.stx_dev_minor, figures.stx_ino};
}

int allocate_file(int descriptor, size_t bytes) noexcept {
  return static_cast<int>(system_call(SYS_fallocate, descriptor, 0, 0, static_cast<long>(bytes)));
}

size_t file_bytes_max() noexcept {
  rlimit64 limit{};
  const bool is_known = !is_error(system_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, as_long(&limit)));
  return is_known && limit.rlim_cur != RLIM64_INFINITY ? limit.rlim_cur : SIZE_MAX;
}

int resize_file(int descriptor, size_t bytes) noexcept {
  return static_cast<int>(system_call(SYS_ftruncate, descriptor, static_cast<long>(bytes)));
}

Populated populate(void* start, size_t bytes) noexcept {
  if (!answers_mean_something(start, bytes)) return Populated::unknown;
  long result = -EINTR;
  while (result == -EINTR) result = advise(start, bytes, madvise_populate_write);
  if (!is_error(result)) return Populated::yes;
  // EFAULT stands for SIGBUS; EHWPOISON for broken memory.
  return result == -EFAULT || result == -ENOMEM || result == -EHWPOISON ? Populated::no_room : Populated::unknown;
}

bool map_file_over(void* where, int descriptor, size_t bytes) noexcept {
  return map(where, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor) != nullptr;
}

bool map_memory_over(void* where, size_t bytes) noexcept {
  return map(where, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) != nullptr;
}

}  // namespace bursar::os
