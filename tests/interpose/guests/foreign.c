// Pointers that no block begins at: the process ends with one line that names the pointer, and look-ups never fault.
#include "expect.h"

#include <malloc.h>
#include <sys/mman.h>

enum call { call_free, call_realloc, call_usable_size };

static char static_bytes[256] __attribute__((aligned(16)));
static const char constant_bytes[256] __attribute__((aligned(16))) = "constant";

// Says what is to come, then does it.
static void give(enum call call, void* pointer, const char* why) {
  static const char* const names[] = {"free", "realloc", "malloc_usable_size"};
  char line[256];
  const int bytes = snprintf(line, sizeof line, "bursar: invalid %s of %p: %s\n", names[call], pointer, why);
  EXPECT(write(1, line, (size_t)bytes) == bytes);
  free(opaque_pointer(malloc(100)));  // The heap is up, or starts here.
  switch (call) {
    case call_free: free(opaque_pointer(pointer)); break;
    case call_realloc: opaque_pointer(realloc(opaque_pointer(pointer), 100)); break;
    case call_usable_size: opaque(malloc_usable_size(opaque_pointer(pointer))); break;
  }
}

static const char foreign[] = "not a block of this heap (foreign pointer)";

static void* at(uint64_t address) { return (void*)(uintptr_t)address; }

static void* on_stack(void* buffer) { return (void*)(((uintptr_t)buffer + 15) & ~(uintptr_t)15); }

static void* mapped(void) {
  void* page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  return page;
}

static void* unmapped(void) {
  void* page = mapped();
  EXPECT(munmap(page, 65536) == 0);
  return page;
}

static void* unreadable(void) {
  void* page = mapped();
  EXPECT(mprotect(page, 65536, PROT_NONE) == 0);
  return page;
}

static void* in_break(void) {
  char* start = sbrk(4096);
  EXPECT(start != (void*)-1);
  return (void*)(((uintptr_t)start + 15) & ~(uintptr_t)15);
}

static void* far_from_a_block(void) { return (char*)malloc(100) + 64 * GIB; }

// Where the heap's own tables might be looked up out of bounds.
// clang-format off
#define ADDRESSES(of)                                         \
  of(the_first_page, at(16))                                  \
  of(the_end_of_the_first_page, at(4080))                     \
  of(the_last_user_page, at(0x7ffffffff000))                  \
  of(the_first_address_beyond_user_space, at(0x800000000000)) \
  of(a_noncanonical_address, at(0x4141414141414140))          \
  of(the_middle_of_the_hole, at(0x8000000000000000))          \
  of(a_kernel_address, at(0xffff888000000000))                \
  of(the_last_address, at(0xfffffffffffffff0))                \
  of(a_five_level_address, at(0x00ff000000000000))            \
  of(a_tagged_address, at(0x5500000000001000))                \
  of(a_static_variable, static_bytes)                         \
  of(a_constant, (void*)(uintptr_t)constant_bytes)            \
  of(a_mapping, mapped())                                     \
  of(an_unmapped_page, unmapped())                            \
  of(an_unreadable_page, unreadable())                        \
  of(the_program_break, in_break())                           \
  of(an_address_far_from_a_block, far_from_a_block())
// clang-format on

#define FREE_CASE(name, address) \
  CASE_WITH(free_of_##name, aborts) { give(call_free, address, foreign); }
#define REALLOC_CASE(name, address) \
  CASE_WITH(realloc_of_##name, aborts) { give(call_realloc, address, foreign); }
#define USABLE_SIZE_CASE(name, address) \
  CASE_WITH(usable_size_of_##name, aborts) { give(call_usable_size, address, foreign); }

ADDRESSES(FREE_CASE)
ADDRESSES(REALLOC_CASE)
ADDRESSES(USABLE_SIZE_CASE)

CASE_WITH(free_of_a_local_variable, aborts) {
  char buffer[256];
  give(call_free, on_stack(buffer), foreign);
}

CASE_WITH(realloc_of_a_local_variable, aborts) {
  char buffer[256];
  give(call_realloc, on_stack(buffer), foreign);
}

CASE_WITH(free_of_a_large_block_that_is_gone, aborts) {
  // Whatever the heap keeps of such a block, a second free of it must end in one line, not in a fault.
  char* block = malloc(64 * MIB);
  EXPECT(block != NULL);
  char line[128];
  const int bytes = snprintf(line, sizeof line, "bursar: double free of %p\n", (void*)block);
  EXPECT(write(1, line, (size_t)bytes) == bytes);
  free(block);
  free(opaque_pointer(block));
}

CASE_WITH(a_second_free_ends_the_program, aborts) {
  char* block = malloc(40);
  EXPECT(block != NULL);
  char line[128];
  const int bytes = snprintf(line, sizeof line, "bursar: double free of %p\n", (void*)block);
  EXPECT(write(1, line, (size_t)bytes) == bytes);
  free(block);
  free(opaque_pointer(block));
}

CASE_WITH(the_inside_of_a_large_block_is_named, aborts) {
  char* block = malloc(3 * MIB);
  EXPECT(block != NULL);
  char why[100];
  snprintf(why, sizeof why, "inside the block at %p", (void*)block);
  give(call_free, block + 64, why);
}

CASE_WITH(the_first_free_may_be_of_a_foreign_pointer, aborts) {
  static const char line[] = "bursar: invalid free of 0x10: not a block of this heap (foreign pointer)\n";
  EXPECT(write(1, line, sizeof line - 1) == sizeof line - 1);
  free(at(16));
}
