// A program whose own operator new throws: the nothrow forms must catch it and return null.
#include "partial_operators.h"

namespace {
int calls = 0;
}

void* operator new(size_t bytes) {
  ++calls;
  if (bytes == 1234567) throw std::bad_alloc();
  void* block = malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { free(block); }

CASE(nothrow_forms_return_null) {
  EXPECT(::operator new(opaque(1234567), std::nothrow) == nullptr);
  EXPECT(::operator new[](opaque(1234567), std::nothrow) == nullptr);
  EXPECT(calls == 2);
}

CASE(throwing_forms_let_it_pass) {
  bool caught = false;
  try {
    opaque_pointer(::operator new[](opaque(1234567)));
  } catch (const std::bad_alloc&) {
    caught = true;
  }
  EXPECT(caught && calls == 1);
}
