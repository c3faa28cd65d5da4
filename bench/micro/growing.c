// What does a block cost that realloc grows from a few bytes to many megabytes?
#include "work.h"

enum { rounds = 60, bytes_max = 64 * 1024 * 1024 };

int main(void) {
  for (int round = 0; round < rounds; ++round) {
    char* block = NULL;
    size_t filled = 0;
    for (size_t bytes = 16; bytes <= bytes_max; bytes += bytes / 2) {
      block = realloc(block, bytes);
      // A page in four is written, as a vector of large elements would.
      for (; filled < bytes; filled += 16384) block[filled] = 1;
    }
    free(block);
  }
  return 0;
}
