#include "bursar/arena.h"

#include <algorithm>

#include "bursar/bursar.h"
#include "runtime/src/arena_work.h"
#include "runtime/src/misuse.h"

namespace bursar {

using arena_detail::Chunk;
using arena_detail::Destroyer;
using arena_detail::Finalizer;
using arena_detail::Finalizers;
using arena_detail::Run;
using arena_detail::State;

namespace {

/// What one arena tells the process's figures at once: often enough to be looked at, too seldom to cost.
constexpr std::uint64_t told_bytes_min = std::uint64_t{1024} * 1024;

/// Destroys single objects, as long as the list ends with such, and none of their destructors makes objects. Pre: no run is open.
void destroy_singles(State& state, const Finalizer* until) noexcept {
  Finalizers& list = state.finalizers;
  // Ends at the mark before the block's first, if nowhere else.
  for (Finalizer* last = list.next; last != until && last[-1].destroyer != nullptr;) {
    const Destroyer& destroyer = *last[-1].destroyer;
    // A loop of its own, with the destructor in it, for two of a kind.
    if (last - 1 != until && last[-2].destroyer == &destroyer) {
      destroyer.destroy_singles(list, state.run, until);
      last = list.next;
    } else {
      // Before the call: a destructor that looks at the arena finds it in order.
      list.next = --last;
      destroyer.destroy_one(last->place);
    }
    if (list.next != last || state.run.destroyer != nullptr) [[unlikely]]
      return;
  }
}

/// Opens the run again whose mark is the list's end, or goes back to the end of the block before. False where there is neither.
bool reopen_run(State& state) noexcept {
  Finalizers& list = state.finalizers;
  if (list.begin == nullptr) return false;
  if (list.next == list.begin) {
    list = *reinterpret_cast<const Finalizers*>(list.begin - arena_detail::finalizers_in_head);
  } else if (const Finalizer mark = list.next[-1]; mark.destroyer == nullptr) {
    --list.next;
    state.run = {list.next[-1].destroyer, mark.place};
  }
  return true;
}

/// Destroys what is newer than when the list's end was `until` and the open run ended at `until_end` (null: none was), newest first. A
/// destructor may allocate in the arena, and even make objects: they go next.
void run_destructors(State& state, const Finalizer* until, const std::byte* until_end) noexcept {
  Finalizers& list = state.finalizers;
  Run& run = state.run;
  for (;;) {
    if (run.destroyer == nullptr) {
      if (list.next == until || list.begin == nullptr) return;
      destroy_singles(state, until);
      if (run.destroyer == nullptr && list.next != until && !reopen_run(state)) return;
      continue;
    }
    // The oldest goes as a single object: it is in the list, which must have been told before its destructor looks at the arena.
    const std::byte* beyond = list.next[-1].place + run.destroyer->stride_bytes;
    const bool is_there = list.next == until;
    if (is_there && until_end > beyond && until_end <= run.end) beyond = until_end;
    if (run.end > beyond) {
      run.destroyer->destroy_run(run, beyond);
      continue;
    }
    if (!is_there || until_end == nullptr) run = {};
    if (is_there) return;
  }
}

}  // namespace

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other) {
    release();
    ArenaWork::end_epoch(*this);
    options_ = other.options_;
    state_ = std::exchange(other.state_, State{});
  }
  return *this;
}

Arena::~Arena() {
  // One that never allocated ends at no cost.
  if (state_.chunks_acquired == 0 && state_.epoch == nullptr) return;
  release();
  ArenaWork::end_epoch(*this);
}

void* Arena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  return ArenaWork(*this).allocate(bytes, alignment).block;
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  const ArenaWork::Outcome outcome = ArenaWork(*this, OnNoMemory::throw_error).allocate(bytes, alignment);
  if (outcome.block == nullptr) throw_error(outcome.fault, bytes);
  return outcome.block;
}

void Arena::throw_error(ArenaFault fault, std::size_t wanted_bytes) const {
  throw ArenaError(fault, options_.name, options_.limit_bytes, state_.held_bytes, wanted_bytes);
}

Arena::Checkpoint Arena::checkpoint() const noexcept {
  Checkpoint place;
  place.first_ = state_.first;
  place.arena_ = this;
  place.chunk_ = state_.chunk;
  place.large_ = state_.large;
  place.finalizer_ = state_.finalizers.next;
  place.run_end_ = mark().run_end;
  place.watched_blocks_ = state_.watched_blocks;
  place.position_ = state_.position;
  place.hidden_offset_ = state_.hidden_offset;
  place.chunk_index_ = state_.chunk == nullptr ? 0 : state_.chunk->index;
  place.resets_ = state_.resets;
  place.live_allocations_ = ArenaWork::live_allocations(state_);
  return place;
}

void Arena::rewind(const Checkpoint& checkpoint) noexcept {
  ArenaWork work(*this);
  if (checkpoint.resets_ != state_.resets) report_misuse("Arena::rewind: the checkpoint is from before a reset");
  if (work.is_ahead(checkpoint)) report_misuse("Arena::rewind: the checkpoint is no place of this arena any more");
  run_destructors(state_, checkpoint.finalizer_, checkpoint.run_end_);
  work.end_watched_blocks(checkpoint.watched_blocks_);
  work.go_back(checkpoint);
}

bool Arena::try_extend_finalizers() noexcept {
  using namespace arena_detail;
  Finalizers& list = state_.finalizers;
  const std::size_t count = list.begin == nullptr ? finalizers_first : finalizers_later;
  auto* head =
      static_cast<Finalizer*>(try_allocate((finalizers_in_head + count) * sizeof(Finalizer), alignof(Finalizer)));
  if (head == nullptr) return false;
  if (state_.run.destroyer != nullptr) close_run();
  ::new (head) Finalizers(list);
  Finalizer* first = head + finalizers_in_head;
  ::new (first - 1) Finalizer{nullptr, nullptr};
  list = {first, first, first + count - (finalizers_to_add - 1)};
  return true;
}

/// Notes where the open run ends; there is room (I7).
void Arena::close_run() noexcept {
  ::new (state_.finalizers.next++) Finalizer{nullptr, state_.run.end};
  state_.run = {};
}

void Arena::undo(Mark mark) noexcept {
  const auto since = static_cast<std::uint32_t>((state_.position >> 32) - (mark.position >> 32));
  Checkpoint place;
  place.first_ = mark.chunk == nullptr ? nullptr : state_.first;
  place.arena_ = this;
  place.chunk_ = mark.chunk;
  place.chunk_index_ = mark.chunk == nullptr ? 0 : mark.chunk->index;
  place.large_ = mark.large;
  place.position_ = mark.position;
  place.resets_ = state_.resets;
  place.live_allocations_ = ArenaWork::live_allocations(state_) - since;
  place.finalizer_ = mark.finalizer;
  place.run_end_ = mark.run_end;
  ArenaWork(*this).find_watched(place, since);
  rewind(place);
}

void Arena::reset() noexcept {
  ArenaWork work(*this);
  run_destructors(state_, nullptr, nullptr);
  state_.finalizers = {};
  state_.run = {};
  work.end_watched_blocks(nullptr);
  const std::size_t cycle_bytes = work.forget_everything();
  const std::size_t decayed = state_.high_water_bytes - state_.high_water_bytes / std::max(options_.decay_divisor, 1U);
  state_.high_water_bytes = std::max(cycle_bytes, decayed);
  work.keep_for_high_water();
  ArenaWork::count_reset(state_);
  ArenaWork::tell_figures(*this, ArenaWork::Tell::when_enough);
}

void Arena::release() noexcept {
  ArenaWork work(*this);
  run_destructors(state_, nullptr, nullptr);
  state_.finalizers = {};
  state_.run = {};
  work.end_watched_blocks(nullptr);
  work.forget_everything();
  work.give_all_back();
  state_.high_water_bytes = 0;
  state_.next_chunk_bytes = 0;
  ArenaWork::count_reset(state_);
  ArenaWork::tell_figures(*this, ArenaWork::Tell::everything);
}

ArenaStats Arena::stats() const noexcept {
  ArenaStats stats;
  stats.bytes = ArenaWork::live_bytes(state_);
  stats.allocations = ArenaWork::live_allocations(state_);
  stats.total_bytes = state_.released_bytes + stats.bytes;
  stats.total_allocations = state_.released_allocations + stats.allocations;
  stats.peak_bytes = std::max(state_.peak_bytes, stats.bytes);
  stats.high_water_bytes = std::max(state_.high_water_bytes, stats.bytes);
  stats.held_bytes = state_.held_bytes;
  for (const Chunk* chunk = state_.first; chunk != nullptr; chunk = chunk->next) ++stats.chunks;
  for (const Chunk* chunk = state_.large; chunk != nullptr; chunk = chunk->next) ++stats.chunks;
  stats.chunks_acquired = state_.chunks_acquired;
  stats.resets = state_.resets;
  return stats;
}

void ArenaWork::tell_figures(Arena& arena, Tell tell) noexcept {
  if (bursar_metrics_count == nullptr) return;
  State& state = arena.state_;
  const std::uint64_t bytes = state.released_bytes + live_bytes(state);
  const std::uint64_t allocations = state.released_allocations + live_allocations(state);
  if (tell == Tell::when_enough && bytes - state.told_bytes < told_bytes_min) return;
  if (bytes == state.told_bytes && allocations == state.told_allocations) return;
  bursar_metrics_count(BURSAR_ARENA_BYTES, static_cast<std::int64_t>(bytes - state.told_bytes));
  bursar_metrics_count(BURSAR_ARENA_ALLOCATIONS, static_cast<std::int64_t>(allocations - state.told_allocations));
  state.told_bytes = bytes;
  state.told_allocations = allocations;
}

void Arena::validate() const noexcept { ArenaWork::validate(*this); }

}  // namespace bursar
