// double_free_in_a_thread BYTES: a thread that is not the first frees its block twice.
#include <pthread.h>

#include "misuse.h"

static void* work(void* argument) {
  void* block = hidden(malloc(number((const char*)argument)));
  tell(block);
  free(block);
  free(hidden(block));
  return NULL;
}

int main(int count, char** arguments) {
  (void)count;
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, arguments[1]) != 0) return 1;
  pthread_join(thread, NULL);
  return 0;
}
