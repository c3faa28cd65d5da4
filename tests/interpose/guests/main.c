// The body of every guest program: finds the case, runs it, and tells how it ended.
#include "expect.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

extern const struct guest_case* const __start_guest_cases[];
extern const struct guest_case* const __stop_guest_cases[];

// Weak: a static program has no dlsym unless something else brings it.
extern void* dlsym(void* handle, const char* name) __attribute__((weak));

const char* guest_program;
const char* guest_selected;
int guest_argc;
char** guest_argv;

static void write_all(const char* text) {
  size_t left = strlen(text);
  while (left > 0) {
    const ssize_t written = write(2, text, left);
    if (written <= 0) break;
    text += written;
    left -= (size_t)written;
  }
}

static const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

void guest_failed(const char* file, int line, const char* expression) {
  char text[512];
  snprintf(text, sizeof text, "FAILED %s:%d: %s\n", base_name(file), line, expression);
  write_all(text);
  _exit(1);
}

void guest_failed_compare(const char* file, int line, const char* expression, unsigned long long value,
                          unsigned long long limit) {
  char text[512];
  snprintf(text, sizeof text, "FAILED %s:%d: %s (%llu, limit %llu)\n", base_name(file), line, expression, value, limit);
  write_all(text);
  _exit(1);
}

void guest_skip(const char* reason) {
  write_all("skipped: ");
  write_all(reason);
  write_all("\n");
  _exit(77);
}

int guest_is_again(void) { return getenv("GUEST_AGAIN") != NULL; }

void guest_again(void) {
  setenv("GUEST_AGAIN", "1", 1);
  char* arguments[] = {(char*)guest_program, (char*)guest_selected, NULL};
  execv("/proc/self/exe", arguments);
  guest_failed(__FILE__, __LINE__, "execv of this program");
}

// Field `index` of /proc/self/statm, in bytes.
static size_t statm_bytes(int index) {
  char text[256];
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) guest_failed(__FILE__, __LINE__, "open of /proc/self/statm");
  const ssize_t bytes = read(fd, text, sizeof text - 1);
  close(fd);
  if (bytes <= 0) guest_failed(__FILE__, __LINE__, "read of /proc/self/statm");
  text[bytes] = '\0';
  const char* at = text;
  for (; index > 0; --index) at = strchr(at, ' ') + 1;
  return strtoul(at, NULL, 10) * (size_t)getpagesize();
}

size_t mapped_bytes(void) { return statm_bytes(0); }
size_t resident_bytes(void) { return statm_bytes(1); }

int task_count(void) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) guest_failed(__FILE__, __LINE__, "open of /proc/self/task");
  int count = 0;
  char entries[4096];
  long bytes;
  while ((bytes = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
    for (long at = 0; at < bytes;) {
      const struct dirent64* entry = (const struct dirent64*)(entries + at);
      if (entry->d_name[0] != '.') ++count;
      at += entry->d_reclen;
    }
  close(fd);
  return count;
}

#define MAYBE(name) extern void name(void) __attribute__((weak));
#define MAYBE_LIST(of)                                                                                              \
  of(cfree) of(free_sized) of(free_aligned_sized) of(__libc_malloc) of(__libc_calloc) of(__libc_realloc)            \
      of(__libc_free) of(__libc_cfree) of(__libc_memalign) of(__libc_valloc) of(__libc_pvalloc) of(__libc_mallinfo) \
          of(__libc_mallopt) of(__libc_reallocarray) of(__posix_memalign)
MAYBE_LIST(MAYBE)

void* guest_symbol(const char* name) {
  static const struct {
    const char* name;
    void (*address)(void);
  } table[] = {
#define ROW(name) {#name, name},
      MAYBE_LIST(ROW)};
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
    if (strcmp(table[i].name, name) == 0 && table[i].address != NULL) return (void*)table[i].address;
  return dlsym != NULL ? dlsym(NULL, name) : NULL;
}

static int list_cases(void) {
  for (const struct guest_case* const* at = __start_guest_cases; at != __stop_guest_cases; ++at) {
    const char* file = base_name((*at)->file);
    printf("%.*s.%s %u\n", (int)(strchr(file, '.') - file), file, (*at)->name, (*at)->flags);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc >= 2 && strcmp(argv[1], "--list") == 0) return list_cases();
  if (argc < 2) return 2;
  guest_program = argv[0];
  guest_selected = argv[1];
  guest_argc = argc - 2;
  guest_argv = argv + 2;
  const char* dot = strchr(argv[1], '.');
  if (dot == NULL) return 2;
  for (const struct guest_case* const* at = __start_guest_cases; at != __stop_guest_cases; ++at) {
    const char* file = base_name((*at)->file);
    const size_t length = (size_t)(strchr(file, '.') - file);
    if ((size_t)(dot - argv[1]) != length || strncmp(file, argv[1], length) != 0) continue;
    if (strcmp(dot + 1, (*at)->name) != 0) continue;
    (*at)->run();
    return 0;
  }
  write_all("no such case\n");
  return 2;
}
