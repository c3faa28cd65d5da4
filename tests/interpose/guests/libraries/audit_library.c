// For LD_AUDIT: the loader opens it in a namespace of its own, before the program's libraries, and calls it for each.
#include <link.h>
#include <stdlib.h>
#include <string.h>

static __thread char variable[200] = {7};  // Of the same static reserve as everybody's.
static char* block;

unsigned int la_version(unsigned int version) {
  block = malloc(1000);
  memset(block, variable[0], 1000);
  return version;
}

unsigned int la_objopen(struct link_map* map, Lmid_t namespace, uintptr_t* cookie) {
  (void)map;
  (void)namespace;
  (void)cookie;
  free(block);
  block = calloc(1, 2000);
  return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int index, uintptr_t* from, uintptr_t* to, unsigned int* flags,
                       const char* name) {
  (void)index;
  (void)from;
  (void)to;
  (void)flags;
  (void)name;
  free(malloc(10));
  return symbol->st_value;
}
