#include "bursar/memory.h"

#include <array>
#include <cstdio>

#include "runtime/src/misuse.h"

namespace bursar {

void* try_allocate_memory(std::size_t bytes, std::size_t alignment) noexcept {
  return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
}

void* allocate_memory(std::size_t bytes, std::size_t alignment) {
  return ::operator new (bytes, std::align_val_t{alignment});
}

void deallocate_memory(void* block, std::size_t /*bytes*/, std::size_t alignment) noexcept {
  // Without the size: clang has no sized delete unless it is asked for.
  if (block != nullptr) ::operator delete (block, std::align_val_t{alignment});
}

void throw_bad_alloc() { throw std::bad_alloc(); }

void throw_bad_array_length() { throw std::bad_array_new_length(); }

void report_out_of_range(const char* function) noexcept {
  std::array<char, 128> text;
  std::snprintf(text.data(), text.size(), "%s: there is no such element", function);
  report_misuse(text.data());
}

}  // namespace bursar
