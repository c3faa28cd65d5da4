// Preloaded beside the allocator: wraps what allocators call, and allocates in each wrapper, as tracing libraries do.
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static __thread int depth __attribute__((tls_model("initial-exec")));

// The first time, dlsym allocates as well.
static void* real(const char* name) {
  void* block = calloc(1, 40);
  void* function = dlsym(RTLD_NEXT, name);
  free(block);
  return function;
}

// The real function's answer, or, when the wrapper was entered from its own allocation, the system's.
#define WRAP(type, name, parameters, arguments, direct)       \
  type name parameters {                                      \
    static type(*next) parameters;                            \
    if (depth > 0) return direct;                             \
    ++depth;                                                  \
    if (next == NULL) next = (type(*) parameters)real(#name); \
    free(malloc(100));                                        \
    type result = next arguments;                             \
    free(calloc(10, 100));                                    \
    --depth;                                                  \
    return result;                                            \
  }

WRAP(void*, mmap, (void* address, size_t bytes, int protection, int flags, int file, off_t offset),
     (address, bytes, protection, flags, file, offset),
     (void*)syscall(SYS_mmap, address, bytes, protection, flags, file, offset))
WRAP(int, munmap, (void* address, size_t bytes), (address, bytes), (int)syscall(SYS_munmap, address, bytes))
WRAP(int, madvise, (void* address, size_t bytes, int advice), (address, bytes, advice),
     (int)syscall(SYS_madvise, address, bytes, advice))
WRAP(int, mprotect, (void* address, size_t bytes, int protection), (address, bytes, protection),
     (int)syscall(SYS_mprotect, address, bytes, protection))
WRAP(ssize_t, read, (int file, void* buffer, size_t bytes), (file, buffer, bytes),
     syscall(SYS_read, file, buffer, bytes))
WRAP(int, close, (int file), (file), (int)syscall(SYS_close, file))
WRAP(int, clock_gettime, (clockid_t clock, struct timespec* time), (clock, time),
     (int)syscall(SYS_clock_gettime, clock, time))
WRAP(ssize_t, getrandom, (void* buffer, size_t bytes, unsigned flags), (buffer, bytes, flags),
     syscall(SYS_getrandom, buffer, bytes, flags))
WRAP(long, sysconf, (int name), (name), 4096)
WRAP(int, pthread_setspecific, (pthread_key_t key, const void* value), (key, value), 0)
WRAP(int, dl_iterate_phdr, (int (*callback)(struct dl_phdr_info*, size_t, void*), void* data), (callback, data), 0)
WRAP(char*, secure_getenv, (const char* name), (name), NULL)

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = va_arg(list, int);
  va_end(list);
  free(malloc(64));
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
