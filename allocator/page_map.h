// From an address to what lies there: the run that holds the block.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

struct Run;

/// A word for every granule of the address space near the heap.
///
///   window 0 (fast)   | base ............................. base + bytes |     word i for granule i
///   windows 1..       where the system put a segment outside window 0; found by a slow look-up
///
///   a window's words:  | header, reads zero | word 0 | word 1 | ...      a word: the run's record - the header
///
/// A word of zero thus leads to the header: a place that reads like the record of a run of kind unused, owned by nobody. So
/// the fast path needs no test for "no run", and the sum costs no instruction of its own.
///
/// The words are reserved readable and made writable piecewise, so that a look-up of any address whatever is one read
/// that cannot fault, and the map costs memory only near segments.
///
/// Reads need no lock: a thread that holds a pointer got it from the allocating thread by some synchronisation,
/// and the entry was written before. Writes happen under the depot's lock, or for memory nobody else knows yet.
///
///   I1  a granule of a run of any kind has the run's record, every other granule none; of a mapping the first granule alone
///   I2  a window, once counted in window_count_, never changes
class PageMap {
 public:
  /// Finds the record of the run that holds the block at `pointer`; the header for whatever is in none. False outside window 0,
  /// and for a pointer that is not a multiple of 16: rotated, its low bits exceed the bound.
  [[nodiscard, gnu::always_inline]] bool find_run(const void* pointer, Run*& run) const noexcept {
    const uintptr_t unit = std::rotr(address_of(pointer) - fast_.base, 4);
    if (unit >= fast_.units) [[unlikely]]
      return false;
    // A plain read, which folds into the sum: of a block's granule the word was written before the block was known.
    run = record_at(fast_.header + words_of(fast_.header)[unit >> (granule_shift - 4)]);
    return true;
  }

  /// The run that holds the address; null for whatever is not ours. Any address will do.
  [[nodiscard]] Run* run_of(const void* pointer) const noexcept {
    const uintptr_t offset = address_of(pointer) - fast_.base;
    if (offset / block_alignment < fast_.units) [[likely]] {
      return run_at(fast_.header, offset >> granule_shift);
    }
    return run_elsewhere(pointer);
  }

  /// How far beyond its beginning the header may be read.
  static constexpr size_t header_bytes = 64 * KiB;

  /// The nearest run that starts at or below the address, in its window; null when there is none. For messages: it walks.
  [[nodiscard]] Run* run_below(const void* pointer) const noexcept;

  /// Prepares the map for [start, start + bytes). False when there is no memory for that.
  [[nodiscard]] bool cover(uintptr_t start, size_t bytes) noexcept;

  /// In a child whose parent's other thread may have been adding a window.
  void forget_after_fork() noexcept { is_adding_.store(false, std::memory_order_relaxed); }

  /// Pre: the granules are covered.
  void set_run(uintptr_t start, size_t granules, Run* run) noexcept;

 private:
  static constexpr size_t windows_max = 64;

  /// How much address space one window covers. The system hands out mappings downwards from a first one, so the
  /// heap of a process that has less than this mapped below its first segment lies in window 0. The map of a window is
  /// 1/4096 of it: 64 MiB of readable reservation, which mlockall may walk in milliseconds (16 GiB, for the whole
  /// address space in one window, takes it a second and 32 MiB of page tables).
  static constexpr size_t window_bytes_max = 256 * GiB;
  static constexpr size_t window_bytes_min = 1 * GiB;

  /// What is made writable at once: 64 KiB of the map, the words of 256 MiB of heap.
  static constexpr size_t piece_entries = 64 * KiB / sizeof(uintptr_t);
  static constexpr size_t committed_words = window_bytes_max / granule_bytes / piece_entries / 64;
  static_assert(window_bytes_min / granule_bytes % piece_entries == 0);

  struct Window {
    uintptr_t base;
    size_t units;                                      // of 16 bytes, the smallest distance between two blocks
    uintptr_t header;                                  // the words follow it
    std::atomic<uint64_t> committed[committed_words];  // a bit per piece of map made writable
  };

  [[nodiscard]] static uintptr_t* words_of(uintptr_t header) noexcept {
    return static_cast<uintptr_t*>(pointer_to(header + header_bytes));
  }
  [[nodiscard]] static Run* record_at(uintptr_t address) noexcept { return static_cast<Run*>(pointer_to(address)); }
  [[nodiscard]] static Run* run_at(uintptr_t header, size_t granule) noexcept {
    const uintptr_t word = __atomic_load_n(&words_of(header)[granule], __ATOMIC_RELAXED);
    return word == 0 ? nullptr : record_at(header + word);
  }
  [[nodiscard]] const Window* window_of(uintptr_t address) const noexcept;
  [[nodiscard]] static bool commit_piece(Window& window, size_t piece) noexcept;
  [[nodiscard]] Run* run_elsewhere(const void* pointer) const noexcept;
  [[nodiscard]] bool add_window(uintptr_t address) noexcept;
  [[nodiscard]] bool add_window_alone(uintptr_t address) noexcept;

  struct {
    uintptr_t base;
    size_t units;
    uintptr_t header;
  } fast_{};  // copied from windows_[0], side by side in one cache line
  Window windows_[windows_max]{};
  std::atomic<size_t> window_count_{0};
  std::atomic<bool> is_adding_{false};  // the emergency adds windows without the depot's lock
};

extern constinit PageMap page_map;

}  // namespace bursar
