// A handler of operator new that frees memory and returns gets its block; all under a limit of the address space.
#include <sys/resource.h>

#include <new>

#include "expect.h"

namespace {

constexpr size_t reserve_bytes = 48 * MIB;
constexpr size_t limit_bytes = 256 * MIB;

void* reserve = nullptr;
int handler_calls = 0;

void free_the_reserve() {
  ++handler_calls;
  ::operator delete(reserve);
  reserve = nullptr;
  std::set_new_handler(nullptr);
}

void limit_the_address_space() {
  const rlimit limit{limit_bytes, limit_bytes};
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

// Takes what there is, in blocks of this size, until the handler is called; the block it then gets is real.
void exhaust(size_t bytes) {
  reserve = ::operator new(reserve_bytes);
  limit_the_address_space();
  std::set_new_handler(free_the_reserve);
  size_t count = 0;
  while (handler_calls == 0) {
    EXPECT(++count * bytes < 4 * limit_bytes);
    auto* block = static_cast<char*>(::operator new(bytes));
    EXPECT(block != nullptr);
    block[0] = block[bytes - 1] = 1;
  }
  EXPECT(handler_calls == 1 && reserve == nullptr);
  EXPECT(::operator new(bytes, std::nothrow) != nullptr);
}

// The chain runs out of memory for good, and again, after everything was freed.
void exhaust_and_recover(size_t bytes) {
  limit_the_address_space();
  size_t counts[3] = {};
  for (size_t& count : counts) {
    void** chain = nullptr;
    try {
      for (;;) {
        auto** block = static_cast<void**>(::operator new(bytes));
        *block = chain;
        chain = block;
        EXPECT(++count * bytes < 2 * limit_bytes);
      }
    } catch (const std::bad_alloc&) {
    }
    while (chain != nullptr) {
      void* next = *chain;
      ::operator delete(chain);
      chain = static_cast<void**>(next);
    }
  }
  EXPECT(counts[0] * bytes > limit_bytes / 2);
  EXPECT(counts[1] > counts[0] / 2 && counts[2] > counts[0] / 2);
}

}  // namespace

CASE(a_handler_that_frees_a_large_block_gets_a_large_one) { exhaust(MIB); }
CASE(a_handler_that_frees_a_large_block_gets_small_ones) { exhaust(1000); }
CASE(after_bad_alloc_large_memory_can_be_used_again) { exhaust_and_recover(MIB); }
CASE(after_bad_alloc_medium_memory_can_be_used_again) { exhaust_and_recover(20000); }
CASE(after_bad_alloc_small_memory_can_be_used_again) { exhaust_and_recover(64); }
