// A malloc that now and then hands out a block which is still in use: workloads must notice.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { twice_every = 97, header_bytes = 16 };

static const size_t heap_bytes = (size_t)4 << 30;
static char* heap;
static size_t used_bytes;
static char* last;
static unsigned calls;

static size_t* size_of(void* block) { return (size_t*)(void*)((char*)block - header_bytes); }

void* malloc(size_t bytes) {
  if (heap == NULL) {
    heap = mmap(NULL, heap_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (heap == MAP_FAILED) __builtin_trap();
  }
  if (++calls % twice_every == 0 && last != NULL && bytes <= *size_of(last)) return last;
  if (bytes > heap_bytes - used_bytes - 2 * header_bytes) return NULL;
  last = heap + used_bytes + header_bytes;
  *size_of(last) = bytes;
  used_bytes += header_bytes + (bytes + 15) / 16 * 16;
  return last;
}

void free(void* block) { (void)block; }

void* calloc(size_t count, size_t bytes) {
  void* block = malloc(count * bytes);
  return block == NULL ? NULL : memset(block, 0, count * bytes);
}

void* realloc(void* block, size_t bytes) {
  void* moved = malloc(bytes);
  if (moved != NULL && moved != block && block != NULL) {
    memcpy(moved, block, *size_of(block) < bytes ? *size_of(block) : bytes);
  }
  return moved;
}
