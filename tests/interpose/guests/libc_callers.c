// What the C library allocates for the program: the program frees it, or the library does, later.
#include "expect.h"

#include <argz.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <malloc.h>
#include <netdb.h>
#include <obstack.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <wchar.h>
#include <wordexp.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static void expect_and_free(void* block) {
  EXPECT(block != NULL);
  EXPECT(malloc_usable_size(block) > 0);
  free(block);
}

CASE(strings_made_by_the_c_library_can_be_freed) {
  expect_and_free(strdup("a string"));
  expect_and_free(strndup("a string", 4));
  expect_and_free(wcsdup(L"a wide string"));
  char* text = NULL;
  EXPECT(asprintf(&text, "%d %s %0*d", 42, "words", 5000, 1) > 5000);
  expect_and_free(text);
  expect_and_free(realpath("/proc/self", NULL));
  expect_and_free(canonicalize_file_name("/tmp"));
  expect_and_free(getcwd(NULL, 0));
  expect_and_free(get_current_dir_name());
  char* vector = NULL;
  size_t length = 0;
  EXPECT(argz_create_sep("a:b:c:d", ':', &vector, &length) == 0);
  EXPECT(argz_add(&vector, &length, "another") == 0);
  expect_and_free(vector);
  char* longer = strdup("grows");
  longer = realloc(longer, 100000);
  expect_and_free(longer);
}

CASE(lines_read_by_the_c_library_can_be_freed) {
  FILE* stream = tmpfile();
  EXPECT(stream != NULL);
  for (int i = 0; i < 1000; ++i) fprintf(stream, "%0*d\n", i * 7 % 3000 + 1, i);
  rewind(stream);
  char* line = NULL;
  size_t capacity = 0;
  int lines = 0;
  while (getline(&line, &capacity, stream) > 0) ++lines;
  EXPECT(lines == 1000);
  EXPECT(malloc_usable_size(line) >= capacity);
  free(line);
  rewind(stream);
  char* word = NULL;
  EXPECT(fscanf(stream, "%ms", &word) == 1);
  expect_and_free(word);
  line = malloc(1);
  capacity = 1;
  EXPECT(getdelim(&line, &capacity, '\n', stream) > 0);
  free(line);
  fclose(stream);
}

CASE(memory_streams_hand_their_buffer_over) {
  char* text = NULL;
  size_t bytes = 0;
  FILE* stream = open_memstream(&text, &bytes);
  EXPECT(stream != NULL);
  for (int i = 0; i < 20000; ++i) fprintf(stream, "line %d\n", i);
  EXPECT(fclose(stream) == 0);
  EXPECT(bytes > 100000 && malloc_usable_size(text) >= bytes);
  free(text);
  wchar_t* wide = NULL;
  stream = open_wmemstream(&wide, &bytes);
  EXPECT(stream != NULL);
  for (int i = 0; i < 1000; ++i) fwprintf(stream, L"line %d\n", i);
  EXPECT(fclose(stream) == 0);
  expect_and_free(wide);
  stream = fmemopen(NULL, 5000, "w+");
  EXPECT(stream != NULL && fputs("text", stream) >= 0 && fclose(stream) == 0);
}

static int by_name(const struct dirent** a, const struct dirent** b) { return alphasort(a, b); }

CASE(directories_patterns_and_words) {
  struct dirent** entries = NULL;
  const int count = scandir("/proc/self", &entries, NULL, by_name);
  EXPECT(count > 10);
  for (int i = 0; i < count; ++i) expect_and_free(entries[i]);
  expect_and_free(entries);
  DIR* directory = opendir("/");
  EXPECT(directory != NULL && readdir(directory) != NULL && closedir(directory) == 0);
  glob_t found;
  EXPECT(glob("/proc/self/s*", 0, NULL, &found) == 0 && found.gl_pathc > 0);
  globfree(&found);
  regex_t expression;
  EXPECT(regcomp(&expression, "^(a|b)*c{2,30}[[:alpha:]]+$", REG_EXTENDED) == 0);
  EXPECT(regexec(&expression, "ababccxyz", 0, NULL, 0) == 0);
  regfree(&expression);
  wordexp_t words;
  EXPECT(wordexp("one 'two three' four", &words, WRDE_NOCMD) == 0 && words.we_wordc == 3);
  wordfree(&words);
}

static int compare_ints(const void* a, const void* b) {
  const int left = *(const int*)a, right = *(const int*)b;
  return (left > right) - (left < right);
}
static int compare_keys(const void* a, const void* b) { return strcmp(a, b); }

CASE(sorts_trees_tables_and_obstacks) {
  enum { count = 200000 };
  int* numbers = malloc(count * sizeof *numbers);
  EXPECT(numbers != NULL);
  for (int i = 0; i < count; ++i) numbers[i] = (int)((unsigned)i * 2654435761U >> 8);
  qsort(numbers, count, sizeof *numbers, compare_ints);
  for (int i = 1; i < count; ++i) EXPECT(numbers[i - 1] <= numbers[i]);
  free(numbers);
  void* root = NULL;
  for (int i = 0; i < 2000; ++i) {
    char key[32];
    snprintf(key, sizeof key, "%d", i * 7919 % 2000);
    EXPECT(tsearch(strdup(key), &root, compare_keys) != NULL);
  }
  tdestroy(root, free);
  EXPECT(hcreate(1000) != 0);
  for (int i = 0; i < 500; ++i) {
    char key[32];
    snprintf(key, sizeof key, "%d", i);
    EXPECT(hsearch((ENTRY){strdup(key), NULL}, ENTER) != NULL);
  }
  hdestroy();
  struct obstack stack;
  obstack_init(&stack);
  for (int i = 1; i < 3000; ++i) memset(obstack_alloc(&stack, i), 1, (size_t)i);
  obstack_free(&stack, NULL);
}

CASE(locales_conversions_and_time) {
  EXPECT(setlocale(LC_ALL, "C.UTF-8") != NULL);
  iconv_t conversion = iconv_open("UTF-16LE", "UTF-8");
  EXPECT(conversion != (iconv_t)-1);
  char input[] = "some text", output[100];
  char *in = input, *out = output;
  size_t in_left = sizeof input, out_left = sizeof output;
  EXPECT(iconv(conversion, &in, &in_left, &out, &out_left) == 0);
  iconv_close(conversion);
  locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
  EXPECT(locale != (locale_t)0);
  locale_t copy = duplocale(locale);
  freelocale(locale);
  freelocale(copy);
  for (int i = 0; i < 20; ++i) {
    setenv("TZ", i % 2 == 0 ? "Europe/Berlin" : "UTC", 1);
    tzset();
  }
  for (int i = 0; i < 300; ++i) {
    char name[32];
    snprintf(name, sizeof name, "GUEST_VARIABLE_%d", i);
    EXPECT(setenv(name, "value", 1) == 0);
    EXPECT(setenv(name, "another value", 1) == 0);
  }
  for (int i = 0; i < 300; ++i) {
    char name[32];
    snprintf(name, sizeof name, "GUEST_VARIABLE_%d", i);
    EXPECT(unsetenv(name) == 0);
  }
}

CASE_WITH(addresses_are_resolved, dynamic_only) {
  for (int i = 0; i < 10; ++i) {
    struct addrinfo* list = NULL;
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    EXPECT(getaddrinfo("127.0.0.1", "80", &hints, &list) == 0);
    freeaddrinfo(list);
  }
}

CASE(buffers_of_streams) {
  for (int i = 0; i < 200; ++i) {
    FILE* stream = fopen("/dev/null", "w");
    EXPECT(stream != NULL);
    for (int k = 0; k < 100; ++k) fprintf(stream, "%d\n", k);
    char* buffer = malloc(10000);
    EXPECT(buffer != NULL);
    fclose(stream);
    stream = fopen("/dev/null", "w");
    EXPECT(stream != NULL && setvbuf(stream, buffer, _IOFBF, 10000) == 0);
    for (int k = 0; k < 10000; ++k) putc('x', stream);
    fclose(stream);
    free(buffer);
  }
}
