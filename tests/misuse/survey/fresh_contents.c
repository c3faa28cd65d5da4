// fresh_contents BYTES: a new block shows what a freed one held.
#include "survey.h"

enum { blocks_count = 4096 };
static char* blocks[blocks_count];

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0);
  for (int i = 0; i < blocks_count; i++) blocks[i] = memset(take(bytes), 'A', bytes);
  for (int i = 0; i < blocks_count; i++) give(blocks[i]);
  const char* fresh = take(bytes);
  for (size_t i = 0; i < bytes; i++)
    if (fresh[i] != 0) return not_caught();
  return 0;
}
