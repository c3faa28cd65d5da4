#include "runtime/src/arena_work.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "bursar/budget.h"
#include "runtime/src/misuse.h"
#include "runtime/src/watchers.h"

namespace bursar {

using arena_detail::block_granule;
using arena_detail::chunk_bytes_limit;
using arena_detail::chunk_head_bytes;
using arena_detail::one_allocation;
using arena_detail::WatchedBlock;

namespace {

/// Smaller ones would be more head than chunk.
constexpr std::size_t chunk_bytes_min = 256;
static_assert(chunk_bytes_min / 2 >= chunk_head_bytes);
/// After a reset one chunk is there for the whole cycle: an eighth larger than the high water, since places of blocks differ a little.
constexpr std::size_t headroom_divisor = 8;
/// It is exchanged for a smaller one beyond 5/4 of the high water.
constexpr std::size_t retained_quarters_max = 5;
/// So far beyond each watched block nothing else lies.
constexpr std::size_t red_zone_bytes = 16;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
  return (value + multiple - 1) & ~(multiple - 1);
}

/// The largest power of two by which every chunk's bytes can be divided: chunks end on a border of cache lines (I2).
constexpr std::size_t chunk_granule = memory_alignment;

bool is_watched() noexcept { return watchers::is_any_there(); }

std::byte* bytes_of(arena_detail::Chunk* chunk) noexcept { return reinterpret_cast<std::byte*>(chunk); }

/// Where in a chunk a block can lie, and where the next one then begins.
struct Place {
  std::size_t block;
  std::size_t next;
};

std::size_t end_of_watched(std::size_t block, std::size_t bytes) noexcept {
  return round_up(block + bytes + red_zone_bytes, sizeof(void*) * 2);
}

Place place_in(const std::byte* base, std::size_t offset, std::size_t bytes, std::size_t alignment) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  if (!is_watched()) {
    const std::size_t block = round_up(address + offset, std::max(alignment, block_granule)) - address;
    return {block, block + round_up(bytes, block_granule)};
  }
  const std::size_t block =
      round_up(address + offset + sizeof(WatchedBlock), std::max(alignment, sizeof(void*) * 2)) - address;
  return {block, end_of_watched(block, bytes)};
}

/// What a record that is hidden says.
WatchedBlock watched(const WatchedBlock* record) noexcept {
  watchers::show(record, sizeof(*record));
  const WatchedBlock copy = *record;
  watchers::hide(record, sizeof(*record));
  return copy;
}

}  // namespace

ArenaWork::Outcome ArenaWork::allocate(std::size_t bytes, std::size_t alignment) {
  constexpr std::size_t bytes_max = std::numeric_limits<std::ptrdiff_t>::max() / 2;
  if (!std::has_single_bit(alignment)) return {nullptr, ArenaFault::bad_alignment};
  if (bytes > bytes_max || alignment > bytes_max) return {nullptr, ArenaFault::too_large};
  sync_count();
  if (state.chunk != nullptr) {
    if (void* block = carve(bytes, alignment)) return {block, {}};
  }
  // What rewinding left behind: chunks in which nothing is live.
  while (state.chunk != nullptr && state.chunk->next != nullptr && bytes + alignment <= state.chunk->next->bytes / 2) {
    enter(state.chunk->next, chunk_head_bytes);
    if (void* block = carve(bytes, alignment)) return {block, {}};
  }
  return allocate_in_new(bytes, alignment);
}

ArenaWork::Outcome ArenaWork::allocate_in_new(std::size_t bytes, std::size_t alignment) {
  // More than any place takes, so that the block fits whatever the chunk's address.
  const std::size_t needed_bytes = round_up(chunk_head_bytes + bytes + (alignment > memory_alignment ? alignment : 0) +
                                                (is_watched() ? 2 * memory_alignment + red_zone_bytes : 0),
                                            chunk_granule);
  const std::size_t available_bytes = options.limit_bytes - std::min(options.limit_bytes, state.held_bytes);
  const std::size_t wanted_bytes = std::min(next_chunk_bytes(), available_bytes / chunk_granule * chunk_granule);
  ArenaFault fault = ArenaFault::limit_exceeded;
  // A block that would take most of a chunk gets one of its own: the rest of the one in use is not lost for it.
  const bool is_large = needed_bytes > wanted_bytes || (state.chunk != nullptr && needed_bytes > wanted_bytes / 2);
  if (needed_bytes > available_bytes) return {nullptr, fault};
  Chunk* chunk = acquire(is_large ? needed_bytes : wanted_bytes, fault);
  if (chunk == nullptr) return {nullptr, fault};
  if (is_large) return {carve_large(chunk, bytes, alignment), {}};
  chunk->next = state.chunk == nullptr ? nullptr : state.chunk->next;
  chunk->index = state.chunk == nullptr ? 0 : state.chunk->index + 1;
  (state.chunk == nullptr ? state.first : state.chunk->next) = chunk;
  for (Chunk* later = chunk->next; later != nullptr; later = later->next) ++later->index;
  state.next_chunk_bytes = std::min(chunk->bytes * 2, std::max(options.chunk_bytes_max, options.first_chunk_bytes));
  enter(chunk, chunk_head_bytes);
  return {carve(bytes, alignment), {}};
}

std::size_t ArenaWork::next_chunk_bytes() const noexcept {
  const std::size_t bytes = state.next_chunk_bytes != 0 ? state.next_chunk_bytes : options.first_chunk_bytes;
  return round_up(std::clamp(bytes, chunk_bytes_min, chunk_bytes_limit), chunk_granule);
}

/// Null where there is none; what a budget refuses is passed on where the caller may throw.
void* ArenaWork::acquire_memory(std::size_t chunk_bytes) {
  try {
    if (options.upstream != nullptr) return options.upstream->allocate(chunk_bytes, memory_alignment);
    if (on_no_memory == OnNoMemory::throw_error) return allocate_memory(chunk_bytes, memory_alignment);
    return try_allocate_memory(chunk_bytes, memory_alignment);
  } catch (const BudgetExceeded&) {
    if (on_no_memory == OnNoMemory::throw_error) throw;
  } catch (...) {
    // An upstream's, or operator new's: the arena says it in its own words.
  }
  return nullptr;
}

ArenaWork::Chunk* ArenaWork::acquire(std::size_t chunk_bytes, ArenaFault& fault) {
  fault = ArenaFault::no_memory;
  void* memory = acquire_memory(chunk_bytes);
  if (memory == nullptr) return nullptr;
  if (is_watched()) watchers::begin_container(memory, chunk_bytes, chunk_head_bytes);
  auto* chunk = ::new (memory) Chunk{};
  chunk->bytes = chunk_bytes;
  state.held_bytes += chunk_bytes;
  ++state.chunks_acquired;
  return chunk;
}

void ArenaWork::give_back(Chunk* chunk) noexcept {
  const std::size_t chunk_bytes = chunk->bytes;
  state.held_bytes -= chunk_bytes;
  if (is_watched()) watchers::end_container(chunk, chunk_bytes);
  if (options.upstream == nullptr) {
    deallocate_memory(chunk, chunk_bytes, memory_alignment);
  } else {
    options.upstream->deallocate(chunk, chunk_bytes, memory_alignment);
  }
}

/// The arena goes on in this chunk, at this offset of it.
void ArenaWork::enter(Chunk* chunk, std::uint32_t offset_there) noexcept {
  if (state.chunk != nullptr && chunk->index > state.chunk->index) {
    chunk->bytes_before = state.chunk->bytes_before + offset() - chunk_head_bytes;
  }
  state.chunk = chunk;
  if (!is_watched()) {
    state.base = bytes_of(chunk);
    state.end = static_cast<std::uint32_t>(chunk->bytes / chunk_granule * chunk_granule);
  }
  set_offset(offset_there);
}

void* ArenaWork::carve(std::size_t bytes, std::size_t alignment) noexcept {
  const Place place = place_in(bytes_of(state.chunk), offset(), bytes, alignment);
  if (place.next > state.chunk->bytes) return nullptr;
  std::byte* block = bytes_of(state.chunk) + place.block;
  set_offset(static_cast<std::uint32_t>(place.next));
  count_one();
  if (is_watched()) {
    auto* record = reinterpret_cast<WatchedBlock*>(block) - 1;
    watchers::show(record, sizeof(*record));
    state.watched_blocks = ::new (record) WatchedBlock{state.watched_blocks, state.chunk, bytes};
    watchers::hide(record, sizeof(*record));
    watchers::begin_block(state.chunk, block, bytes);
  }
  return block;
}

void* ArenaWork::carve_large(Chunk* chunk, std::size_t bytes, std::size_t alignment) noexcept {
  const Place place = place_in(bytes_of(chunk), chunk_head_bytes, bytes, alignment);
  std::byte* block = bytes_of(chunk) + place.block;
  chunk->next = state.large;
  chunk->bytes_before = state.large_bytes;
  state.large = chunk;
  state.large_bytes += chunk->bytes - chunk_head_bytes;
  count_one();
  if (is_watched()) {
    auto* record = reinterpret_cast<WatchedBlock*>(block) - 1;
    watchers::show(record, sizeof(*record));
    state.watched_blocks = ::new (record) WatchedBlock{state.watched_blocks, chunk, bytes};
    watchers::hide(record, sizeof(*record));
    watchers::begin_block(chunk, block, bytes);
  }
  return block;
}

bool ArenaWork::is_ahead(const Arena::Checkpoint& checkpoint) const noexcept {
  if (checkpoint.first_ == nullptr) return checkpoint.arena_ != &arena;  // from when the arena was empty
  if (checkpoint.first_ != state.first) return true;
  if (checkpoint.chunk_index_ != state.chunk->index) return checkpoint.chunk_index_ > state.chunk->index;
  const std::uint32_t offset_there =
      std::max(static_cast<std::uint32_t>(checkpoint.position_), checkpoint.hidden_offset_);
  return checkpoint.chunk_ != state.chunk || offset_there > offset();
}

void ArenaWork::go_back(const Arena::Checkpoint& checkpoint) noexcept {
  note_peak();
  wipe_serials(checkpoint);
  const std::size_t bytes = live_bytes(state);
  const std::uint64_t allocations = live_allocations(state);
  free_large(checkpoint.large_);
  if (Chunk* chunk = checkpoint.chunk_ != nullptr ? checkpoint.chunk_ : state.first) {
    const std::uint32_t offset_there =
        std::max(static_cast<std::uint32_t>(checkpoint.position_), checkpoint.hidden_offset_);
    enter(chunk, std::max(offset_there, chunk_head_bytes));
  }
  state.position = (checkpoint.position_ & ~(one_allocation - 1)) | (state.position & (one_allocation - 1));
  state.synced_count = static_cast<std::uint32_t>(state.position >> 32);
  state.live_allocations = checkpoint.live_allocations_;
  state.released_bytes += bytes - live_bytes(state);
  state.released_allocations += allocations - state.live_allocations;
}

/// Where checked pointers may look at what is rewound, it must no longer be what they saw.
void ArenaWork::wipe_serials(const Arena::Checkpoint& checkpoint) noexcept {
  if (state.epoch == nullptr || state.chunk == nullptr) return;
  Chunk* chunk = checkpoint.chunk_ != nullptr ? checkpoint.chunk_ : state.first;
  std::size_t from =
      std::max({checkpoint.hidden_offset_, static_cast<std::uint32_t>(checkpoint.position_), chunk_head_bytes});
  for (; chunk != nullptr; chunk = chunk->next) {
    const std::size_t to = chunk == state.chunk ? offset() : chunk->bytes;
    watchers::show(bytes_of(chunk) + from, to - from);
    std::memset(bytes_of(chunk) + from, 0, to - from);
    watchers::hide(bytes_of(chunk) + from, to - from);
    if (chunk == state.chunk) return;
    from = chunk_head_bytes;
  }
}

std::size_t ArenaWork::forget_everything() noexcept {
  const std::size_t bytes = live_bytes(state);
  go_back(Arena::Checkpoint{});
  return bytes;
}

void ArenaWork::keep_for_high_water() noexcept {
  const std::size_t high_water_bytes = state.high_water_bytes + chunk_head_bytes;
  const std::size_t retained_bytes_max =
      std::max(options.first_chunk_bytes, high_water_bytes / 4 * retained_quarters_max);
  const bool is_one_chunk = state.first != nullptr && state.first->next == nullptr;
  if (is_one_chunk && state.high_water_bytes <= state.first->bytes && state.held_bytes <= retained_bytes_max) return;
  const std::size_t wanted_bytes = high_water_bytes + high_water_bytes / headroom_divisor;
  if (wanted_bytes > chunk_bytes_limit) return;  // No chunk is that large: those there are stay.
  give_all_back();
  state.next_chunk_bytes = std::max(options.first_chunk_bytes, wanted_bytes);
}

void ArenaWork::give_all_back() noexcept {
  free_large(nullptr);
  for (Chunk* chunk = std::exchange(state.first, nullptr); chunk != nullptr;) {
    Chunk* next = chunk->next;
    give_back(chunk);
    chunk = next;
  }
  state.chunk = nullptr;
  state.base = arena_detail::empty_chunk;
  state.end = 0;
  state.hidden_offset = 0;
  state.position &= ~(one_allocation - 1);
}

void ArenaWork::end_watched_blocks(const WatchedBlock* until) noexcept {
  while (state.watched_blocks != until) {
    WatchedBlock* record = state.watched_blocks;
    const WatchedBlock block = watched(record);
    watchers::end_block(block.chunk, record + 1, block.bytes);
    state.watched_blocks = block.previous;
  }
}

void ArenaWork::find_watched(Arena::Checkpoint& checkpoint, std::uint32_t since) const noexcept {
  if (!is_watched()) return;
  const WatchedBlock* record = state.watched_blocks;
  for (; since != 0; --since) record = watched(record).previous;
  checkpoint.watched_blocks_ = const_cast<WatchedBlock*>(record);
  checkpoint.hidden_offset_ = chunk_head_bytes;
  for (; record != nullptr; record = watched(record).previous) {
    const WatchedBlock block = watched(record);
    if (block.chunk != checkpoint.chunk_) continue;
    const auto offset_there =
        static_cast<std::size_t>(reinterpret_cast<const std::byte*>(record + 1) - bytes_of(block.chunk));
    checkpoint.hidden_offset_ = static_cast<std::uint32_t>(end_of_watched(offset_there, block.bytes));
    break;
  }
}

std::uint32_t ArenaWork::offset() const noexcept {
  return is_watched() ? state.hidden_offset : static_cast<std::uint32_t>(state.position);
}

void ArenaWork::set_offset(std::uint32_t offset_there) noexcept {
  if (is_watched()) {
    state.hidden_offset = offset_there;
  } else {
    state.position = (state.position & ~(one_allocation - 1)) | offset_there;
  }
}

void ArenaWork::sync_count() noexcept {
  state.live_allocations = live_allocations(state);
  state.synced_count = static_cast<std::uint32_t>(state.position >> 32);
}

void ArenaWork::note_peak() noexcept { state.peak_bytes = std::max(state.peak_bytes, live_bytes(state)); }

void ArenaWork::free_large(const Chunk* until) noexcept {
  while (state.large != until) {
    Chunk* chunk = state.large;
    state.large = chunk->next;
    state.large_bytes = chunk->bytes_before;
    give_back(chunk);
  }
}

std::size_t ArenaWork::live_bytes(const State& state) noexcept {
  if (state.chunk == nullptr) return state.large_bytes;
  const std::uint32_t offset = std::max(static_cast<std::uint32_t>(state.position), state.hidden_offset);
  return state.large_bytes + state.chunk->bytes_before + offset - chunk_head_bytes;
}

std::uint64_t ArenaWork::live_allocations(const State& state) noexcept {
  return state.live_allocations +
         static_cast<std::uint32_t>(static_cast<std::uint32_t>(state.position >> 32) - state.synced_count);
}

void ArenaWork::validate(const Arena& arena) noexcept {
  const State& state = arena.state_;
  const auto offset = static_cast<std::uint32_t>(state.position);
  if (offset > state.end || state.end % memory_alignment != 0) report_misuse("Arena: I2 does not hold");
  if (reinterpret_cast<std::uintptr_t>(state.base) % memory_alignment != 0) report_misuse("Arena: I2 does not hold");
  if (state.chunk == nullptr && (state.end != 0 || offset != 0)) report_misuse("Arena: I3 does not hold");
  if (is_watched() && (state.end != 0 || offset != 0)) report_misuse("Arena: I4 does not hold");
  const bool has_room = state.finalizers.next < state.finalizers.limit + (arena_detail::finalizers_to_add - 1);
  if (state.run.destroyer != nullptr && !has_room) report_misuse("Arena: I7 does not hold");
  std::size_t held_bytes = 0;
  bool is_current_there = state.chunk == nullptr;
  for (const Chunk* chunk = state.first; chunk != nullptr; chunk = chunk->next) {
    held_bytes += chunk->bytes;
    is_current_there = is_current_there || chunk == state.chunk;
  }
  for (const Chunk* chunk = state.large; chunk != nullptr; chunk = chunk->next) held_bytes += chunk->bytes;
  if (held_bytes != state.held_bytes || !is_current_there) report_misuse("Arena: I5 does not hold");
}

}  // namespace bursar
