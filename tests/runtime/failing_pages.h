// Pages that can be told to fail, and that are counted.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bursar/interner.h"

namespace bursar::testing {

inline std::atomic<std::int64_t> live_page_bytes{0};
inline std::atomic<std::uint64_t> acquisitions_to_failure{0};  // 0: none

inline void* acquire_counted(std::size_t bytes) noexcept {
  if (acquisitions_to_failure != 0 && --acquisitions_to_failure == 0) return nullptr;
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  live_page_bytes += static_cast<std::int64_t>(bytes);
  return pages;
}
inline void release_counted(void* pages, std::size_t bytes) noexcept {
  munmap(pages, bytes);
  live_page_bytes -= static_cast<std::int64_t>(bytes);
}
inline void discard_counted(void* pages, std::size_t bytes) noexcept { madvise(pages, bytes, MADV_DONTNEED); }

inline constexpr PageSource counted_pages{acquire_counted, release_counted, discard_counted};

}  // namespace bursar::testing
