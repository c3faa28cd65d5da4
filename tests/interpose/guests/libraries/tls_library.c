// A library with thread-local variables that the loader allocates on first use, and frees when the thread is gone.
#include <stdlib.h>
#include <string.h>

static __thread char large[10000] = {1};
static __thread char* block;

int touch_variables(void) {
  if (large[0] != 1) return 0;
  memset(large + 1, 0x42, sizeof large - 1);
  free(block);
  block = malloc(200);
  return block != NULL;
}
