// Files: the heap keeps none open, needs none, and does not mind which are closed.
#include "expect.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void use_heap(void) {
  static void* blocks[1000];
  for (size_t i = 0; i < 1000; ++i) EXPECT((blocks[i] = malloc(i * i)) != NULL);
  for (size_t i = 0; i < 1000; ++i) free(blocks[i]);
}

static void* use_in_thread(void* argument) {
  use_heap();
  return argument;
}

// Descriptors of this process beyond the first three, but the one that looks.
static int open_files(void) {
  const int directory = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT(directory >= 0);
  char entries[4096];
  int count = 0;
  long bytes;
  while ((bytes = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0)
    for (long at = 0; at < bytes;) {
      const struct dirent64* entry = (const struct dirent64*)(entries + at);
      const int file = entry->d_name[0] == '.' ? 0 : atoi(entry->d_name);
      if (file > 2 && file != directory) ++count;
      at += entry->d_reclen;
    }
  close(directory);
  return count;
}

CASE(no_file_stays_open) {
  EXPECT(open_files() == 0);
  use_heap();
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, use_in_thread, NULL) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
  EXPECT(open_files() == 0);
}

// As daemons do.
CASE(all_files_may_be_closed) {
  use_heap();
  for (int file = 0; file < 1024; ++file) close(file);
  use_heap();
  EXPECT(open("/dev/null", O_RDWR) == 0);  // The lowest is free: nobody took it meanwhile.
  use_heap();
}

CASE(files_that_take_the_first_numbers_stay_untouched) {
  for (int file = 0; file < 1024; ++file) close(file);
  int files[3];
  for (int i = 0; i < 3; ++i) {
    char path[] = "/tmp/guest-XXXXXX";
    files[i] = mkstemp(path);
    EXPECT(files[i] == i);
    unlink(path);
  }
  use_heap();
  for (int i = 0; i < 3; ++i) {
    struct stat status;
    EXPECT(fstat(files[i], &status) == 0 && status.st_size == 0);
  }
}

CASE_WITH(no_file_may_be_opened, no_new_file) {
  const struct rlimit none = {0, 0};
  EXPECT(setrlimit(RLIMIT_NOFILE, &none) == 0);
  use_heap();
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, use_in_thread, NULL) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
}
