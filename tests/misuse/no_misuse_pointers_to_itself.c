// no_misuse_pointers_to_itself BYTES: blocks whose first words are their own address, their neighbour's, or a freed
// block's, as in lists that programs make.
#include "misuse.h"

enum { blocks_count = 300 };

int main(int count, char** arguments) {
  (void)count;
  const size_t bytes = number(arguments[1]);
  void** blocks[blocks_count];
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < blocks_count; i++) blocks[i] = hidden(malloc(bytes));
    void* freed = hidden(malloc(bytes));
    free(freed);
    for (int i = 0; i < blocks_count; i++) {
      void* const targets[] = {blocks[i], i ? blocks[i - 1] : NULL, hidden(freed), NULL};
      blocks[i][0] = targets[(i + round) % 4];
      if (bytes >= 2 * sizeof(void*)) blocks[i][1] = targets[(i / 4) % 4];
    }
    for (int i = 0; i < blocks_count; i++) free(blocks[i]);
  }
  return 0;
}
