#include "tests/runtime/failing_memory.h"

#include <cstdlib>

namespace bursar::testing {
namespace {

thread_local std::int64_t blocks = 0;
thread_local std::uint64_t calls = 0;
thread_local std::uint64_t calls_to_failure = 0;  // 0: none
thread_local bool failed = false;

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  ++calls;
  if (calls_to_failure != 0 && --calls_to_failure == 0) {
    failed = true;
    return nullptr;
  }
  if (bytes == 0) bytes = 1;
  void* block = nullptr;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
    block = std::malloc(bytes);
  } else if (posix_memalign(&block, alignment, bytes) != 0) {
    block = nullptr;
  }
  if (block != nullptr) ++blocks;
  return block;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* block = allocate(bytes, alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void deallocate(void* block) noexcept {
  if (block != nullptr) --blocks;
  std::free(block);
}

}  // namespace

std::int64_t live_blocks() noexcept { return blocks; }
std::uint64_t allocation_calls() noexcept { return calls; }

FailNthAllocation::FailNthAllocation(std::uint64_t nth) noexcept {
  failed = false;
  calls_to_failure = nth;
}
FailNthAllocation::~FailNthAllocation() { calls_to_failure = 0; }
bool FailNthAllocation::has_failed() const noexcept { return failed; }

}  // namespace bursar::testing

using bursar::testing::allocate;
using bursar::testing::allocate_or_throw;
using bursar::testing::deallocate;

inline constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, plain); }
void* operator new[](std::size_t bytes) { return allocate_or_throw(bytes, plain); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t& /*unused*/) noexcept { return allocate(bytes, plain); }
void* operator new[](std::size_t bytes, const std::nothrow_t& /*unused*/) noexcept { return allocate(bytes, plain); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t& /*unused*/) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t& /*unused*/) noexcept {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { deallocate(block); }
void operator delete[](void* block) noexcept { deallocate(block); }
void operator delete(void* block, std::size_t /*bytes*/) noexcept { deallocate(block); }
void operator delete[](void* block, std::size_t /*bytes*/) noexcept { deallocate(block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept { deallocate(block); }
void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept { deallocate(block); }
void operator delete(void* block, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept { deallocate(block); }
void operator delete[](void* block, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  deallocate(block);
}
