// Do threads that write to small blocks of their own write to one cache line?
//
//   active    each thread allocates what it writes to: does the allocator cut one line for two threads?
//   passive   the program's first thread allocates the first blocks and hands them out; when the threads free them, do
//             the parts of one line stay with different threads for ever?
#include "work.h"

enum { blocks_full = 1100 * 1000, block_bytes = 8, writes_each = 1000 };

static Arguments arguments;
static int passive;
static volatile char* handed_out[threads_max];

static volatile char* allocate_small(void) {
  volatile char* block = malloc(block_bytes);
  check(block != NULL, "no memory");
  return block;
}

static void work(int index) {
  const long blocks = scaled_share(&arguments, blocks_full);
  volatile char* block = passive ? handed_out[index] : allocate_small();
  for (long i = 0; i < blocks; ++i) {
    for (int j = 0; j < block_bytes; ++j) block[j] = (char)index;
    for (int j = 0; j < writes_each; ++j) ++block[j % block_bytes];
    check(block[0] == (char)(index + writes_each / block_bytes), "another thread wrote there");
    free((void*)block);
    block = allocate_small();
  }
  free((void*)block);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  passive = is_variant(&arguments, "passive");
  hold_others();
  for (int i = 0; i < arguments.threads; ++i) handed_out[i] = allocate_small();
  run_threads(arguments.threads, work);
  return 0;
}
