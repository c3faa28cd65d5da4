// no_misuse_stale_contents BYTES: whatever the heap writes into free blocks, a program may find it in a block it gets,
// copy it, keep it and free it; none of that is a double free.
#include <string.h>

#include "misuse.h"

enum { blocks_count = 64 };

static void* fresh(size_t bytes) { return hidden(malloc(bytes)); }

int main(int count, char** arguments) {
  (void)count;
  const size_t bytes = number(arguments[1]);
  void* blocks[blocks_count];
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < blocks_count; i++) blocks[i] = fresh(bytes);
    for (int i = round % 3; i < blocks_count; i += 3) {
      free(blocks[i]);
      blocks[i] = fresh(bytes);  // the same block, as it was left
    }
    for (int i = 0; i < blocks_count; i++)
      memmove(blocks[(i * 7 + round) % blocks_count], blocks[i], i % 2 ? bytes : 8);
    void *left = fresh(bytes), *right = fresh(bytes);
    free(left);
    memcpy(right, hidden(left), bytes > 4096 ? 4096 : bytes);  // the marks of a free block, in a live one
    free(right);
    for (int i = 0; i < blocks_count; i++) free(blocks[i]);
  }
  return 0;
}
