// stray_write BYTES write|copy past|before DISTANCE: a write outside the block, by an assignment or inside memcpy.
#include "survey.h"

enum { source_bytes = 2 << 20 };
static char source[source_bytes];

__attribute__((noinline)) static void copy(char* to, size_t bytes) { memcpy(to, source, bytes); }

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0), distance = strtoul(arguments[4], NULL, 0);
  const int past = is(arguments[3], "past");
  char* block = take(bytes);
  if (is(arguments[2], "copy")) {
    if (past)
      copy(block, bytes + distance);
    else
      copy(block - distance, bytes);
  } else {
    char* place = past ? block + bytes + distance - 1 : block - distance;
    *place = (char)(*place ^ 'A');
    give(block);
  }
  return not_caught();
}
