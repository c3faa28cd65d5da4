// reuse BYTES same|smaller|realloc: a block comes back at once, so a pointer that was kept points into a new one.
#include "survey.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const size_t bytes = strtoul(arguments[1], NULL, 0);
  void* block = take(bytes);
  if (is(arguments[2], "realloc")) {
    // Compares the old pointer with itself: nobody can pass. Kept, so that the count compares with others' counts.
    void* volatile old = block;
    void* moved = realloc(block, 1024);
    (void)moved;
    return old == block ? not_caught() : 0;
  }
  give(block);
  return take(is(arguments[2], "smaller") ? bytes / 2 : bytes) == block ? not_caught() : 0;
}
