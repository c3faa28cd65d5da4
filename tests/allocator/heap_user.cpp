// What the heap's tests share.
#include "tests/allocator/heap_user.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "allocator/check.h"
#include "allocator/depot.h"
#include "allocator/large.h"

namespace bursar::test {
namespace {

/// Blocks up to twice this are filled as a whole.
constexpr size_t filled_bytes = 4 * KiB;
constexpr size_t sparse_step = 64 * KiB;

uint64_t word_at(uint64_t mark, size_t offset) noexcept { return (mark + offset) * 0x9E3779B97F4A7C15u; }

/// Calls `visit(offset, bytes)` for each piece of the block that the pattern covers, none longer than a word.
template <typename Visit>
bool each_piece(size_t bytes, Visit visit) {
  const auto range = [&visit](size_t from, size_t to) {
    for (size_t at = from; at < to; at += sizeof(uint64_t)) {
      if (!visit(at, to - at < sizeof(uint64_t) ? to - at : sizeof(uint64_t))) return false;
    }
    return true;
  };
  if (bytes <= 2 * filled_bytes) return range(0, bytes);
  if (!range(0, filled_bytes)) return false;
  for (size_t at = sparse_step; at + sizeof(uint64_t) < bytes - filled_bytes; at += sparse_step) {
    if (!visit(at, sizeof(uint64_t))) return false;
  }
  return range(round_up(bytes - filled_bytes, sizeof(uint64_t)), bytes);
}

}  // namespace

void* allocate(size_t bytes) noexcept {
  if (bytes <= small_bytes_max) {
    if (void* block = allocate_fast(bytes)) return block;
  }
  return heap::allocate(bytes, block_alignment, Zeroed::no);
}

void deallocate(void* pointer) noexcept {
  if (!try_deallocate_fast(pointer)) heap::deallocate(pointer, Caller::free);
}

void* reallocate(void* pointer, size_t bytes) noexcept {
  const heap::Resized resized = heap::resize(pointer, bytes);
  if (resized.block != nullptr) return resized.block;
  void* moved = allocate(bytes);
  if (moved == nullptr) return nullptr;
  memcpy(moved, pointer, resized.usable_before < bytes ? resized.usable_before : bytes);
  heap::deallocate(pointer, Caller::realloc);
  return moved;
}

void run_attached(size_t count, const std::function<void(size_t)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (size_t number = 0; number < count; ++number) {
    threads.emplace_back([&work, number] {
      const AttachedThread here;
      work(number);
    });
  }
  for (std::thread& one : threads) one.join();
}

void run_attached(const std::function<void()>& work) {
  run_attached(1, [&work](size_t) { work(); });
}

void fill(void* block, size_t bytes, uint64_t mark) noexcept {
  auto* start = static_cast<char*>(block);
  (void)each_piece(bytes, [start, mark](size_t offset, size_t length) {
    const uint64_t word = word_at(mark, offset);
    memcpy(start + offset, &word, length);
    return true;
  });
}

bool holds(const void* block, size_t bytes, uint64_t mark) noexcept {
  const auto* start = static_cast<const char*>(block);
  return each_piece(bytes, [start, mark](size_t offset, size_t length) {
    const uint64_t word = word_at(mark, offset);
    return memcmp(start + offset, &word, length) == 0;
  });
}

bool is_zero(const void* block, size_t bytes) noexcept {
  static constexpr char zeros[4 * KiB] = {};
  const auto* start = static_cast<const char*>(block);
  for (size_t at = 0; at < bytes; at += sizeof(zeros)) {
    const size_t length = bytes - at < sizeof(zeros) ? bytes - at : sizeof(zeros);
    if (memcmp(start + at, zeros, length) != 0) return false;
  }
  return true;
}

Slab& slab_of(const void* block) noexcept { return *static_cast<Slab*>(page_map.run_of(block)); }

std::vector<void*> allocate_many(size_t count, size_t bytes) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) {
    block = allocate(bytes);
    EXPECT_NE(block, nullptr);
    fill(block, bytes, address_of(block));
  }
  return blocks;
}

std::vector<void*> allocate_slab(size_t bytes) { return allocate_many(slab::capacity_of(size_class_of(bytes)), bytes); }

void deallocate_all(const std::vector<void*>& blocks, size_t bytes) {
  for (void* block : blocks) {
    EXPECT_TRUE(holds(block, bytes, address_of(block)));
    deallocate(block);
  }
}

bool heap_works() {
  std::vector<std::pair<void*, size_t>> blocks;
  for (int round = 0; round < 3; ++round) {
    for (const size_t bytes : {1, 64, 64, 1000, 5000, 32768, 100'000, 6'000'000}) {
      void* block = allocate(bytes);
      if (block == nullptr) return false;
      test::fill(block, bytes, address_of(block));
      blocks.emplace_back(block, bytes);
    }
  }
  for (const auto& [block, bytes] : blocks) {
    if (!test::holds(block, bytes, address_of(block))) return false;
    deallocate(block);
  }
  return true;
}

void empty_bins() noexcept {
  const InsideScope inside;
  thread.heap->empty_bins();
}

size_t used_bytes() noexcept {
  const Depot::Figures figures = depot.measure();
  return figures.committed_bytes - figures.free_bytes;
}

uint64_t told_seed() {
  const char* given = getenv("BURSAR_TEST_SEED");
  const uint64_t seed = given != nullptr ? strtoull(given, nullptr, 0) : std::random_device{}();
  printf("repeat with BURSAR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  fflush(stdout);
  return seed;
}

uint64_t Random::next() noexcept {
  uint64_t value = state_ += 0x9E3779B97F4A7C15u;
  value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
  value = (value ^ value >> 27) * 0x94D049BB133111EBu;
  return value ^ value >> 31;
}

size_t Random::bytes(size_t bytes_max) noexcept {
  const size_t doublings = static_cast<size_t>(std::bit_width(bytes_max));
  const size_t high = size_t{1} << between(1, doublings);
  const size_t bytes = between(high / 2, high);
  return bytes > bytes_max ? bytes_max : bytes;
}

void validate_heap() noexcept {
  depot.validate();
  large::validate();
  for (ThreadHeap* heap = heap_registry.first(); heap != nullptr; heap = heap->next_registered) heap->validate();
}

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
bool is_thread_sanitized() noexcept { return true; }
#else
bool is_thread_sanitized() noexcept { return false; }
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
bool is_sanitized() noexcept { return true; }
#else
bool is_sanitized() noexcept { return is_thread_sanitized(); }
#endif

#if defined(BURSAR_EMULATED)
bool is_slow_build() noexcept { return true; }
#else
bool is_slow_build() noexcept { return is_sanitized() || checked_build; }
#endif

}  // namespace bursar::test
