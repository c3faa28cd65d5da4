// limits BYTES impossible|execute: a block of nearly all addresses; a block that is run as code.
#include <stdint.h>

#include "survey.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  if (is(arguments[2], "impossible")) return take(SIZE_MAX - 1) != NULL ? not_caught() : 0;
#if defined(__x86_64__)
  static const unsigned char code[] = {0x90, 0x90, 0x90, 0x90, 0xc3};  // nop, ..., ret
#else
  static const unsigned char code[] = {0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6};  // nop, ret of arm64
#endif
  char* block = take(strtoul(arguments[1], NULL, 0));
  memcpy(block, code, sizeof code);
  __builtin___clear_cache(block, block + sizeof code);
  void (*function)(void);
  memcpy(&function, &block, sizeof function);
  function();
  return not_caught();
}
