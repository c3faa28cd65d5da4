// From an address to what lies there: the bin a free goes to, and the run that holds the block.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "allocator/units.h"

namespace bursar {

struct Run;

/// Two words for every granule of the address space near the heap.
///
///   window 0 (fast)   | base ............................. base + bytes |     bins_[i], runs_[i] for granule i
///   windows 1..       where the system put a segment outside window 0; found by a slow look-up
///
///   bins_[] of a window:  | header, reads zero | word 0 | word 1 | ...      a word: the bin's address - the header's
///
/// A word of zero thus leads to the header: a place that can be read like any bin, and is nobody's. So the fast path needs no
/// test for "no bin", and the sum costs no instruction of its own.
///
/// The words are reserved readable and made writable piecewise, so that a look-up of any address whatever is one read
/// that cannot fault, and the map costs memory only near segments.
///
/// Reads need no lock: a thread that holds a pointer got it from the allocating thread by some synchronisation,
/// and the entry was written before. Writes happen under the depot's lock, or for memory nobody else knows yet.
///
///   I1  a granule of a slab has its owner's bin in bins, every other granule has zero
///   I2  a granule of a run of any kind has the run's record in runs, every other granule has null
///   I3  a window, once counted in window_count_, never changes
class PageMap {
 public:
  /// Finds the bin of the block at `pointer`: the header, which reads zero, for whatever is not a block in a slab. False outside
  /// window 0, and for a pointer that is not a multiple of 16: rotated, its low bits exceed the bound.
  [[nodiscard, gnu::always_inline]] bool find_bin(const void* pointer, uintptr_t& bin) const noexcept {
    const uintptr_t unit = std::rotr(address_of(pointer) - fast_.base, 4);
    if (unit >= fast_.units) [[unlikely]]
      return false;
    // A plain read, which folds into the sum: of a block's granule the word was written before the block was known.
    bin = fast_.bins + words_of(fast_.bins)[unit >> (granule_shift - 4)];
    return true;
  }

  /// The same with 0 for everything that has no bin there.
  [[nodiscard]] uintptr_t bin_of(const void* pointer) const noexcept {
    uintptr_t bin = 0;
    return find_bin(pointer, bin) && bin != fast_.bins ? bin : 0;
  }

  /// How far beyond a bin's address find_bin's result may be read.
  static constexpr size_t header_bytes = 64 * KiB;

  /// The run that holds the address; null for whatever is not ours. Any address will do.
  [[nodiscard]] Run* run_of(const void* pointer) const noexcept {
    const uintptr_t offset = address_of(pointer) - fast_.base;
    if (offset / block_alignment < fast_.units) [[likely]] {
      return fast_.runs[offset >> granule_shift].load(std::memory_order_relaxed);
    }
    return run_elsewhere(pointer);
  }

  /// The nearest run that starts at or below the address, in its window; null when there is none. For messages: it walks.
  [[nodiscard]] Run* run_below(const void* pointer) const noexcept;

  /// Prepares the map for [start, start + bytes). False when there is no memory for that.
  [[nodiscard]] bool cover(uintptr_t start, size_t bytes) noexcept;

  /// In a child whose parent's other thread may have been adding a window.
  void forget_after_fork() noexcept { is_adding_.store(false, std::memory_order_relaxed); }

  /// Pre: the granules are covered.
  void set_run(uintptr_t start, size_t granules, Run* run) noexcept;
  void set_bin(uintptr_t start, size_t granules, uintptr_t bin) noexcept;

 private:
  static constexpr size_t windows_max = 64;

  /// How much address space one window covers. The system hands out mappings downwards from a first one, so the
  /// heap of a process that has less than this mapped below its first segment lies in window 0. The map of a window is
  /// 1/4096 of it: 64 MiB of readable reservation, which mlockall may walk in milliseconds (16 GiB, for the whole
  /// address space in one window, takes it a second and 32 MiB of page tables).
  static constexpr size_t window_bytes_max = 256 * GiB;
  static constexpr size_t window_bytes_min = 1 * GiB;

  /// What is made writable at once: 64 KiB of each half of the map, the entries of 512 MiB of heap.
  static constexpr size_t piece_entries = 64 * KiB / sizeof(uintptr_t);
  static constexpr size_t committed_words = window_bytes_max / granule_bytes / piece_entries / 64;
  static_assert(window_bytes_min / granule_bytes % piece_entries == 0);

  struct Window {
    uintptr_t base;
    size_t units;    // of 16 bytes, the smallest distance between two blocks
    uintptr_t bins;  // the header; the words follow
    std::atomic<Run*>* runs;
    std::atomic<uint64_t> committed[committed_words];  // a bit per piece of map made writable
  };

  [[nodiscard]] static uintptr_t* words_of(uintptr_t bins) noexcept {
    return static_cast<uintptr_t*>(pointer_to(bins + header_bytes));
  }
  [[nodiscard]] const Window* window_of(uintptr_t address) const noexcept;
  [[nodiscard]] static bool commit_piece(Window& window, size_t piece) noexcept;
  [[nodiscard]] Run* run_elsewhere(const void* pointer) const noexcept;
  [[nodiscard]] bool add_window(uintptr_t address) noexcept;
  [[nodiscard]] bool add_window_alone(uintptr_t address) noexcept;

  struct {
    uintptr_t base;
    size_t units;
    uintptr_t bins;
    std::atomic<Run*>* runs;
  } fast_{};  // copied from windows_[0], side by side in one cache line
  Window windows_[windows_max]{};
  std::atomic<size_t> window_count_{0};
  std::atomic<bool> is_adding_{false};  // the emergency adds windows without the depot's lock
};

extern constinit PageMap page_map;

}  // namespace bursar
