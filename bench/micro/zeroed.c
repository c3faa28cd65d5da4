// What does calloc cost where the pages are fresh, and where they are not?
#include "work.h"

enum { rounds = 4000, blocks = 64, block_bytes = 128 * 1024 };

int main(void) {
  void* live[blocks];
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < blocks; ++i) {
      live[i] = calloc(1, block_bytes);
      touch(live[i], 4096);
    }
    for (int i = 0; i < blocks; ++i) free(live[i]);
  }
  return 0;
}
