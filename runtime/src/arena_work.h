// What an arena does when it leaves its fast path: chunks, large blocks, going back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bursar/arena.h"

namespace bursar {

struct ArenaWork {
  using Chunk = arena_detail::Chunk;
  using State = arena_detail::State;

  /// With throw_error, what operator new throws for a task over its budget passes through allocate().
  explicit ArenaWork(Arena& of_arena, OnNoMemory without_memory = OnNoMemory::give_null) noexcept
      : arena(of_arena), options(of_arena.options_), state(of_arena.state_), on_no_memory(without_memory) {}

  struct Outcome {
    void* block;
    ArenaFault fault;
  };
  /// What the fast path could not serve.
  [[nodiscard]] Outcome allocate(std::size_t bytes, std::size_t alignment);

  /// Whether the arena cannot get back to it: it is another arena's, or further on than the arena is.
  [[nodiscard]] bool is_ahead(const Arena::Checkpoint& checkpoint) const noexcept;
  void go_back(const Arena::Checkpoint& checkpoint) noexcept;
  /// Goes back to the start of the first chunk, gives the large blocks back, and tells how many bytes had been live.
  std::size_t forget_everything() noexcept;
  /// Gives chunks back, unless there is one alone of about the size of the high water.
  void keep_for_high_water() noexcept;
  void give_all_back() noexcept;
  void end_watched_blocks(const arena_detail::WatchedBlock* until) noexcept;

  /// Fills what a checkpoint needs in a watched program, for the moment `since` allocations ago.
  void find_watched(Arena::Checkpoint& checkpoint, std::uint32_t since) const noexcept;

  enum class Tell : unsigned char { when_enough, everything };
  /// Adds what is new to the process's figures.
  static void tell_figures(Arena& arena, Tell tell) noexcept;
  /// Pointers that watch the arena's resets see its end.
  static void end_epoch(Arena& arena) noexcept;
  [[nodiscard]] static ArenaEpoch* try_begin_epoch(Arena& arena) noexcept;
  static void count_reset(State& state) noexcept;

  [[nodiscard]] static std::size_t live_bytes(const State& state) noexcept;
  [[nodiscard]] static std::uint64_t live_allocations(const State& state) noexcept;
  static void validate(const Arena& arena) noexcept;

  const Arena& arena;
  const ArenaOptions& options;
  State& state;
  const OnNoMemory on_no_memory;

 private:
  [[nodiscard]] std::size_t next_chunk_bytes() const noexcept;
  [[nodiscard]] Outcome allocate_in_new(std::size_t bytes, std::size_t alignment);
  /// A chunk of so many bytes, or null and the reason.
  [[nodiscard]] Chunk* acquire(std::size_t chunk_bytes, ArenaFault& fault);
  [[nodiscard]] void* acquire_memory(std::size_t chunk_bytes);
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
