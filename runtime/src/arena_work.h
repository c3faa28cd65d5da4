// What an arena does when it leaves its fast path: chunks, large blocks, going back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bursar/arena.h"

namespace bursar {

struct ArenaWork {
  using Chunk = arena_detail::Chunk;
  using State = arena_detail::State;

  explicit ArenaWork(Arena& arena) noexcept : options(arena.options_), state(arena.state_) {}

  struct Outcome {
    void* block;
    ArenaFault fault;
  };
  /// What the fast path could not serve.
  [[nodiscard]] Outcome allocate(std::size_t bytes, std::size_t alignment) noexcept;

  /// Whether the arena cannot get back to it: it is another arena's, or further on than the arena is.
  [[nodiscard]] bool is_ahead(const Arena::Checkpoint& checkpoint) const noexcept;
  void go_back(const Arena::Checkpoint& checkpoint) noexcept;
  /// Goes back to the start of the first chunk, gives the large blocks back, and tells how many bytes had been live.
  std::size_t forget_everything() noexcept;
  /// Gives chunks back, unless there is one alone of about the size of the high water.
  void keep_for_high_water() noexcept;
  void give_all_back() noexcept;
  void end_watched_blocks(const arena_detail::WatchedBlock* until) noexcept;

  /// The list as it was when `next` was its end.
  [[nodiscard]] static arena_detail::Finalizers block_of(arena_detail::Finalizers list,
                                                         arena_detail::Finalizer* next) noexcept;
  /// Fills what a checkpoint needs in a watched program, for the moment `since` allocations ago.
  void find_watched(Arena::Checkpoint& checkpoint, std::uint32_t since) const noexcept;

  enum class Tell : unsigned char { when_enough, everything };
  /// Adds what is new to the process's figures.
  static void tell_figures(Arena& arena, Tell tell) noexcept;
  /// Pointers that watch the arena's resets see its end.
  static void end_epoch(Arena& arena) noexcept;
  [[nodiscard]] static ArenaEpoch* begin_epoch(Arena& arena);
  static void count_reset(State& state) noexcept;

  [[nodiscard]] static std::size_t live_bytes(const State& state) noexcept;
  [[nodiscard]] static std::uint64_t live_allocations(const State& state) noexcept;
  static void validate(const Arena& arena) noexcept;

  const ArenaOptions& options;
  State& state;

 private:
  enum class Kind : unsigned char { in_order, large };
  [[nodiscard]] std::size_t next_chunk_bytes() const noexcept;
  [[nodiscard]] Outcome allocate_in_new(std::size_t bytes, std::size_t alignment) noexcept;
  /// A chunk of so many bytes, or null and the reason.
  [[nodiscard]] Chunk* acquire(std::size_t chunk_bytes, ArenaFault& fault) noexcept;
  void give_back(Chunk* chunk) noexcept;
  void enter(Chunk* chunk, std::uint32_t offset) noexcept;
  [[nodiscard]] void* carve(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] void* carve_large(Chunk* chunk, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] std::uint32_t offset() const noexcept;
  void set_offset(std::uint32_t offset) noexcept;
  void count_one() noexcept { state.position += arena_detail::one_allocation; }
  void sync_count() noexcept;
  void note_peak() noexcept;
  void wipe_serials(const Arena::Checkpoint& checkpoint) noexcept;
  void free_large(const Chunk* until) noexcept;
};

}  // namespace bursar
