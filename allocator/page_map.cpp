// From an address to what lies there.
#include "allocator/page_map.h"

#include "allocator/os.h"

namespace bursar {
namespace {

/// Above the first segment: room for what is released there later and taken again.
constexpr size_t headroom_divisor = 8;

/// Under RLIMIT_AS the map may take this part of the limit.
constexpr size_t limit_divisor = 64;

constexpr size_t entry_bytes = sizeof(uintptr_t);

size_t within_address_space_limit(size_t bytes_max, size_t bytes_min) noexcept {
  const size_t limit = os::address_space_bytes_max();
  size_t bytes = bytes_max;
  while (bytes > bytes_min && bytes / granule_bytes * entry_bytes > limit / limit_divisor) bytes /= 2;
  return bytes;
}

}  // namespace

constinit PageMap page_map;

const PageMap::Window* PageMap::window_of(uintptr_t address) const noexcept {
  // Pairs with the release in add_window: a window that is counted is complete.
  const size_t count = window_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (address - windows_[i].base < windows_[i].units * block_alignment) return &windows_[i];
  }
  return nullptr;
}

Run* PageMap::run_elsewhere(const void* pointer) const noexcept {
  const Window* window = window_of(address_of(pointer));
  if (window == nullptr) return nullptr;
  return run_at(window->header, (address_of(pointer) - window->base) >> granule_shift);
}

Run* PageMap::run_below(const void* pointer) const noexcept {
  const Window* window = window_of(address_of(pointer));
  if (window == nullptr) return nullptr;
  for (size_t granule = (address_of(pointer) - window->base) >> granule_shift;; --granule) {
    Run* run = run_at(window->header, granule);
    if (run != nullptr || granule == 0) return run;
  }
}

bool PageMap::add_window(uintptr_t address) noexcept {
  // A signal handler that allocates would wait for the very thread it interrupted.
  const os::SignalBlock no_handlers;
  constexpr int looks_max = 1'000'000;
  for (int look = 0; is_adding_.exchange(true, std::memory_order_acquire); ++look) {
    if (look == looks_max) return false;
  }
  const bool added = window_of(address) != nullptr || add_window_alone(address);
  is_adding_.store(false, std::memory_order_release);
  return added;
}

bool PageMap::add_window_alone(uintptr_t address) noexcept {
  const size_t count = window_count_.load(std::memory_order_relaxed);
  if (count == windows_max) return false;
  for (size_t bytes = within_address_space_limit(window_bytes_max, window_bytes_min); bytes >= window_bytes_min;
       bytes /= 2) {
    void* header = os::reserve_readable(header_bytes + bytes / granule_bytes * entry_bytes);
    if (header == nullptr) continue;
    const size_t headroom = bytes / headroom_divisor;
    const uintptr_t top = round_down(address, segment_bytes) + headroom;
    const uintptr_t base = top > bytes ? top - bytes : 0;
    Window& window = windows_[count];
    window.base = base;
    window.units = bytes / block_alignment;
    window.header = address_of(header);
    if (count == 0) {
      fast_.base = window.base;
      fast_.header = window.header;
      // Last: a look-up in another thread reads nothing while the bound is 0.
      __atomic_store_n(&fast_.units, window.units, __ATOMIC_RELEASE);
    }
    window_count_.store(count + 1, std::memory_order_release);
    return true;
  }
  return false;
}

bool PageMap::commit_piece(Window& window, size_t piece) noexcept {
  const uint64_t bit = uint64_t{1} << (piece % 64);
  if ((window.committed[piece / 64].load(std::memory_order_relaxed) & bit) != 0) return true;
  constexpr size_t piece_bytes = piece_entries * entry_bytes;
  if (!os::commit(words_of(window.header) + piece * piece_entries, piece_bytes)) return false;
  window.committed[piece / 64].fetch_or(bit, std::memory_order_relaxed);
  return true;
}

bool PageMap::cover(uintptr_t start, size_t bytes) noexcept {
  const uintptr_t end = start + bytes;
  for (uintptr_t at = start; at < end;) {
    if (window_of(at) == nullptr && !add_window(at)) return false;
    auto& window = const_cast<Window&>(*window_of(at));
    const size_t piece = ((at - window.base) >> granule_shift) / piece_entries;
    if (!commit_piece(window, piece)) return false;
    at = window.base + (piece + 1) * piece_entries * granule_bytes;
  }
  return true;
}

void PageMap::set_run(uintptr_t start, size_t granules, Run* run) noexcept {
  for (size_t i = 0; i < granules; ++i) {
    const uintptr_t at = start + i * granule_bytes;
    const Window& window = *window_of(at);
    uintptr_t& word = words_of(window.header)[(at - window.base) >> granule_shift];
    __atomic_store_n(&word, run == nullptr ? 0 : address_of(run) - window.header, __ATOMIC_RELAXED);
  }
}

}  // namespace bursar
