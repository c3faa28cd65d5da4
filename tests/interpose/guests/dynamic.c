// Libraries that come and go, and the allocator itself opened by a program that runs on another one.
#include "expect.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>

static const char* path_of(const char* variable, const char* name) {
  static char path[4096];
  const char* directory = getenv(variable);
  if (directory == NULL || directory[0] == '\0') guest_skip("the test names no such library");
  snprintf(path, sizeof path, "%s%s", directory, name);
  return path;
}

static void* open_library(const char* name, int flags) {
  void* library = dlopen(path_of("GUEST_LIBRARIES", name), flags);
  if (library == NULL) guest_failed(__FILE__, __LINE__, dlerror());
  return library;
}

static void* function(void* library, const char* name) {
  void* address = dlsym(library, name);
  if (address == NULL) guest_failed(__FILE__, __LINE__, name);
  return address;
}

static int (*call)(void);

static void* call_in_thread(void* argument) {
  for (int i = 0; i < 3; ++i) EXPECT(call() == 1);
  free(malloc(1000));
  return argument;
}

static void call_in_threads(int count) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, call_in_thread, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
  }
}

static int stop_flag;

static void* allocate(void* argument) {
  for (size_t i = 0; !__atomic_load_n(&stop_flag, __ATOMIC_RELAXED); ++i) free(malloc(i % 5000));
  return argument;
}

CASE_WITH(a_library_with_keys_comes_and_goes, dynamic_only) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
  size_t before = 0;
  for (int i = 0; i < 150; ++i) {
    if (i == 30) before = resident_bytes();
    void* library = open_library("libkeys_library.so", RTLD_NOW);
    call = (int (*)(void))function(library, "touch_key");
    void* (*make)(size_t) = (void* (*)(size_t))function(library, "allocate_in_library");
    void (*give)(void*) = (void (*)(void*))function(library, "free_in_library");
    call_in_threads(3);
    void* theirs = make(300);
    give(malloc(300));
    EXPECT(dlclose(library) == 0);
    free(theirs);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 8 * MIB);
  stop_flag = 1;
  EXPECT(pthread_join(thread, NULL) == 0);
}

CASE_WITH(thread_local_variables_of_a_library_come_and_go, dynamic_only) {
  size_t before = 0;
  for (int i = 0; i < 150; ++i) {
    if (i == 30) before = resident_bytes();
    void* library = open_library("libtls_library.so", i % 2 == 0 ? RTLD_NOW : RTLD_LAZY);
    call = (int (*)(void))function(library, "touch_variables");
    EXPECT(call() == 1);
    call_in_threads(5);
    EXPECT(dlclose(library) == 0);
  }
  EXPECT_AT_MOST(resident_bytes(), before + 8 * MIB);
}

static void use_cxx_library(int flags) {
  void* library = open_library("libcxx_library.so", flags);
  EXPECT(((int (*)(void))function(library, "use_containers"))() == 1);
  EXPECT(((int (*)(size_t))function(library, "get_null"))(PTRDIFF_MAX) == 1);
  EXPECT(((int (*)(size_t))function(library, "catch_bad_alloc"))(PTRDIFF_MAX) == 1);
  EXPECT(((int (*)(size_t))function(library, "catch_own_error"))(PTRDIFF_MAX) == 1);
  EXPECT(((int (*)(void))function(library, "use_containers"))() == 1);
}

// As an interpreter opens a module: the C++ library is in the reach of this library alone.
CASE_WITH(a_cxx_library_in_a_c_program_catches_bad_alloc, dynamic_only) { use_cxx_library(RTLD_NOW | RTLD_LOCAL); }
CASE_WITH(a_global_cxx_library_in_a_c_program_catches_bad_alloc, dynamic_only) {
  use_cxx_library(RTLD_NOW | RTLD_GLOBAL);
}

CASE_WITH(errors_of_the_loader_are_freed, dynamic_only) {
  for (int i = 0; i < 200; ++i) {
    EXPECT(dlopen("/no/such/library.so", RTLD_NOW) == NULL);
    EXPECT(dlsym(RTLD_DEFAULT, "no_such_symbol_anywhere") == NULL);
    if (i % 2 == 0) EXPECT(dlerror() != NULL);
  }
}

CASE_WITH(a_c_program_gets_no_cxx_runtime, dynamic_only) {
  FILE* maps = fopen("/proc/self/maps", "r");
  EXPECT(maps != NULL);
  char* line = NULL;
  size_t capacity = 0;
  int lines = 0;
  while (getline(&line, &capacity, maps) > 0) {
    ++lines;
    EXPECT(strstr(line, "libstdc++") == NULL);
    EXPECT(strstr(line, "libgcc_s") == NULL);
  }
  EXPECT(lines > 5);
  free(line);
  fclose(maps);
}

// --- the allocator as a library like any other

static void use_as_a_library(void* library) {
  void* (*its_malloc)(size_t) = (void* (*)(size_t))function(library, "malloc");
  void* (*its_calloc)(size_t, size_t) = (void* (*)(size_t, size_t))function(library, "calloc");
  void* (*its_realloc)(void*, size_t) = (void* (*)(void*, size_t))function(library, "realloc");
  void (*its_free)(void*) = (void (*)(void*))function(library, "free");
  EXPECT((void*)its_malloc != (void*)malloc);
  for (size_t bytes = 1; bytes < 8 * MIB; bytes = bytes * 3 + 1) {
    char* theirs = its_malloc(bytes);
    char* zeroed = its_calloc(1, bytes);
    char* mine = malloc(bytes);
    EXPECT(theirs != NULL && zeroed != NULL && mine != NULL);
    EXPECT(all_bytes_are(zeroed, 0, bytes));
    memset(theirs, 1, bytes);
    memset(mine, 2, bytes);
    theirs = its_realloc(theirs, bytes * 2);
    EXPECT(theirs != NULL && all_bytes_are(theirs, 1, bytes) && all_bytes_are(mine, 2, bytes));
    its_free(theirs);
    its_free(zeroed);
    free(mine);
  }
}

static void* library_in_thread;
static void* use_in_thread(void* argument) {
  use_as_a_library(library_in_thread);
  return argument;
}

static void open_the_allocator(const char* variable, int in_another_namespace) {
  const char* path = path_of(variable, "");
  for (int i = 0; i < 3; ++i) {
    void* library = in_another_namespace ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) guest_failed(__FILE__, __LINE__, dlerror());
    use_as_a_library(library);
    library_in_thread = library;
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, use_in_thread, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(dlclose(library) == 0);
    free(malloc(1000));
  }
}

CASE_WITH(the_allocator_can_be_opened_later, plain_only) { open_the_allocator("GUEST_BURSAR", 0); }
CASE_WITH(the_allocator_can_be_opened_in_another_namespace, plain_only) { open_the_allocator("GUEST_BURSAR", 1); }
