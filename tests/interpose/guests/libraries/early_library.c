// Preloaded beside the allocator: allocates before all constructors and frees after all destructors of the program.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void* blocks[200];

static void die(const char* text) {
  if (write(2, text, strlen(text)) < 0) _exit(2);
  abort();
}

__attribute__((constructor(101))) static void early(void) {
  for (size_t i = 0; i < 200; ++i) {
    const size_t bytes = i * i * 3 + 1;
    blocks[i] = i % 3 == 0 ? calloc(1, bytes) : i % 3 == 1 ? malloc(bytes) : aligned_alloc(64, bytes);
    if (blocks[i] == NULL || malloc_usable_size(blocks[i]) < bytes) die("early malloc failed\n");
    memset(blocks[i], 0x51, bytes);
  }
  for (size_t i = 0; i < 200; i += 4) {
    blocks[i] = realloc(blocks[i], 2 * (i * i * 3 + 1));
    if (blocks[i] == NULL) die("early realloc failed\n");
  }
}

__attribute__((destructor(101))) static void late(void) {
  for (size_t i = 0; i < 200; ++i) {
    const unsigned char* bytes = blocks[i];
    if (bytes[0] != 0x51 || bytes[i * i * 3] != 0x51) die("early block changed\n");
    free(blocks[i]);
  }
  free(malloc(100000));
}
