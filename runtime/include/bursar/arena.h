// Memory for many objects that die together: an allocation moves a cursor, the end gives everything back at once.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bursar/arena_error.h"
#include "bursar/arena_state.h"

namespace bursar {

/// What an arena can destroy when it ends.
template <typename T>
concept ArenaStorable = std::is_object_v<T> && std::is_nothrow_destructible_v<T>;

class ArenaScope;

/// Hands out memory by moving a cursor through chunks of the heap, and takes it back as a whole: by reset(), by rewinding to a
/// checkpoint, by the end of a scope, by its destructor. Objects with a destructor that does something are destroyed then, newest first;
/// for them, and for them alone, it keeps up to 16 bytes each: for objects of one type made one after the other, 32 bytes together.
///
/// Errors: what cannot be served throws ArenaError, a std::bad_alloc; where bursar is the malloc and the task is over its budget,
/// BudgetExceeded, another one, which names task and budget. Functions whose names begin with try_ return null or nothing instead. When a
/// constructor throws, the arena is as it was before the call (the strong guarantee). Without exceptions use the try_ forms: the others
/// end the program then.
/// Threads: one at a time; ArenaPool lends arenas to many.
/// Cost: some 1 ns for an allocation, the counts of ArenaStats included; a call of the heap for a chunk.
/// A moved-from arena is empty and has the same options. An arena must not be moved while a scope or a resource of it lives.
class BURSAR_RUNTIME_EXPORT Arena {
 public:
  Arena() noexcept = default;
  explicit Arena(const ArenaOptions& options) noexcept : options_(options) {}
  Arena(Arena&& other) noexcept
      : options_(other.options_), state_(std::exchange(other.state_, arena_detail::State{})) {}
  Arena& operator=(Arena&& other) noexcept;
  ~Arena();

  /// A T made from the arguments, T(arguments...) or T{arguments...}. It lives until the arena takes its memory back.
  template <ArenaStorable T, typename... Arguments>
  [[nodiscard]] T* make(Arguments&&... arguments) {
    return make_or<OnFailure::report, T>(std::forward<Arguments>(arguments)...);
  }

  /// The same; null when there is no memory. What the constructor throws is thrown.
  template <ArenaStorable T, typename... Arguments>
  [[nodiscard]] T* try_make(Arguments&&... arguments) noexcept(is_nothrow_makeable<T, Arguments...>) {
    return make_or<OnFailure::give_null, T>(std::forward<Arguments>(arguments)...);
  }

  /// `bytes` bytes at a multiple of `alignment`, a power of two of any size. Zero bytes have an address too, which need not be
  /// theirs alone.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = arena_detail::block_granule) {
    return allocate_or<OnFailure::report>(bytes, alignment);
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment = arena_detail::block_granule) noexcept {
    return allocate_or<OnFailure::give_null>(bytes, alignment);
  }

  /// `count` value-initialized objects, destroyed with the arena.
  template <ArenaStorable T>
  requires std::default_initializable<T>
  [[nodiscard]] std::span<T> make_span(std::size_t count) {
    return *make_array<OnFailure::report, T>(count, value_initialize<T>);
  }
  template <ArenaStorable T>
  requires std::default_initializable<T>
  [[nodiscard]] std::optional<std::span<T>> try_make_span(std::size_t count) {
    return make_array<OnFailure::give_null, T>(count, value_initialize<T>);
  }

  /// `count` objects without a value, for types that need none.
  template <typename T>
  requires(std::is_trivially_default_constructible_v<T>&& std::is_trivially_destructible_v<T>)
      [[nodiscard]] std::span<T> make_span_for_overwrite(std::size_t count) {
    return *make_room<OnFailure::report, T>(count);
  }
  template <typename T>
  requires(std::is_trivially_default_constructible_v<T>&& std::is_trivially_destructible_v<T>)
      [[nodiscard]] std::optional<std::span<T>> try_make_span_for_overwrite(std::size_t count) noexcept {
    return make_room<OnFailure::give_null, T>(count);
  }

  /// A copy of the text, without a NUL behind it. An empty text takes nothing.
  [[nodiscard]] std::string_view copy(std::string_view text) { return *copy_or<OnFailure::report>(text); }
  [[nodiscard]] std::optional<std::string_view> try_copy(std::string_view text) noexcept {
    return copy_or<OnFailure::give_null>(text);
  }
  /// A copy of the elements.
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> copy(std::span<const T> elements) { return *copy_or<OnFailure::report>(elements); }
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::optional<std::span<T>> try_copy(std::span<const T> elements) noexcept {
    return copy_or<OnFailure::give_null>(elements);
  }

  /// The elements of a range, one after the other in the arena. A range that can be walked twice or knows its size takes exactly
  /// their bytes; the elements of another wait in a vector first.
  template <std::ranges::input_range Range, ArenaStorable T = std::ranges::range_value_t<Range>>
  requires std::constructible_from<T, std::ranges::range_reference_t<Range>>
  [[nodiscard]] std::span<T> collect(Range&& range);
  /// The same for ranges that need no vector.
  template <std::ranges::input_range Range, ArenaStorable T = std::ranges::range_value_t<Range>>
  requires std::constructible_from<T, std::ranges::range_reference_t<Range>> &&
      (std::ranges::sized_range<Range> || std::ranges::forward_range<Range>)
          [[nodiscard]] std::optional<std::span<T>> try_collect(Range&& range) {
    return collect_known<OnFailure::give_null, T>(range);
  }

  /// A place to come back to. It is of no use after a reset, or after rewinding to an earlier one.
  class Checkpoint;
  [[nodiscard]] Checkpoint checkpoint() const noexcept;
  /// Destroys and takes back what was allocated since; memory of the heap is kept for the next allocations, but for blocks that had
  /// a chunk of their own. A checkpoint of another arena or from before a reset ends the program with one line.
  void rewind(const Checkpoint& checkpoint) noexcept;
  /// Rewinds at the end of the block. Scopes nest.
  [[nodiscard]] ArenaScope scope() noexcept;

  /// Destroys everything and takes it back. The arena keeps one chunk, large enough for the most that any cycle needed, less what
  /// ArenaOptions::decay_divisor lets it forget; so cycles of like size call the heap no more after the second one.
  void reset() noexcept;
  /// The same, and gives all memory back to the heap.
  void release() noexcept;

  [[nodiscard]] ArenaStats stats() const noexcept;
  [[nodiscard]] const ArenaOptions& options() const noexcept { return options_; }

  /// Ends the program with one line where an invariant of arena_state.h does not hold.
  void validate() const noexcept;

 private:
  friend class ArenaScope;
  friend class ArenaUndo;
  enum class OnFailure : unsigned char { report, give_null };

  template <typename T, typename... Arguments>
  static constexpr bool is_nothrow_makeable = std::is_nothrow_constructible_v<T, Arguments...> ||
                                              (std::is_aggregate_v<T> && !std::is_constructible_v<T, Arguments...>);

  template <OnFailure on_failure, typename T, typename... Arguments>
  T* make_or(Arguments&&... arguments);
  template <typename T, typename... Arguments>
  T* construct(void* place, Arguments&&... arguments);
  template <OnFailure on_failure, std::size_t bytes, std::size_t alignment>
  void* allocate_constant();
  template <OnFailure on_failure>
  void* allocate_or(std::size_t bytes, std::size_t alignment);
  template <OnFailure on_failure>
  void* leave(std::size_t bytes, std::size_t alignment);
  template <OnFailure on_failure, typename T>
  T* fail();
  [[nodiscard]] bool has_room_for_finalizer() noexcept;
  void add_finalizer(const arena_detail::Destroyer& destroyer, std::byte* object) noexcept;
  template <typename T>
  static void value_initialize(T* place, std::size_t /*index*/) {
    ::new (static_cast<void*>(place)) T();
  }
  template <OnFailure on_failure, typename T, typename Fill>
  std::optional<std::span<T>> make_array(std::size_t count, Fill fill);
  template <OnFailure on_failure, typename T>
  std::optional<std::span<T>> make_room(std::size_t count);
  template <OnFailure on_failure>
  std::optional<std::string_view> copy_or(std::string_view text);
  template <OnFailure on_failure, typename T>
  std::optional<std::span<T>> copy_or(std::span<const T> elements);
  template <OnFailure on_failure, typename T, typename Range>
  std::optional<std::span<T>> collect_known(Range& range);
  template <typename T, typename Range>
  std::span<T> collect_once(Range&& range);

  // The ways out: in the compiled part.
  [[nodiscard]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  [[nodiscard]] void* try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] bool try_extend_finalizers() noexcept;
  void close_run() noexcept;
  struct Mark;
  [[nodiscard]] Mark mark() const noexcept;
  void undo(Mark mark) noexcept;
  [[noreturn]] void throw_error(ArenaFault fault, std::size_t wanted_bytes) const;

  friend struct ArenaWork;  // the compiled part

  ArenaOptions options_;
  arena_detail::State state_;
};

/// Where an arena stood before a call: as little as a checkpoint can be made from again. Passed by value and of fields that are no
/// neighbours in the State: a copy of two at once would wait for the store of one.
struct Arena::Mark {
  std::uint64_t position;
  arena_detail::Finalizer* finalizer;
  arena_detail::Chunk* chunk;
  arena_detail::Chunk* large;
  std::byte* run_end;
};

/// Where an arena stood.
class Arena::Checkpoint {
 public:
  Checkpoint() noexcept = default;

 private:
  friend class Arena;
  friend struct ArenaWork;
  arena_detail::Chunk* first_ = nullptr;  // tells arenas apart that have chunks
  const Arena* arena_ = nullptr;          // tells those apart that have none
  arena_detail::Chunk* chunk_ = nullptr;
  arena_detail::Chunk* large_ = nullptr;
  arena_detail::Finalizer* finalizer_ = nullptr;
  std::byte* run_end_ = nullptr;  // null: no run was open
  arena_detail::WatchedBlock* watched_blocks_ = nullptr;
  std::uint64_t position_ = 0;
  std::uint32_t hidden_offset_ = 0;
  std::uint32_t chunk_index_ = 0;
  std::uint64_t resets_ = 0;
  std::uint64_t live_allocations_ = 0;
};

/// Rewinds its arena at its end to where the arena stood at its beginning. Moved-from, or after dismiss(), it does nothing.
class [[nodiscard]] ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) noexcept : arena_(&arena), checkpoint_(arena.checkpoint()) {}
  ArenaScope(ArenaScope&& other) noexcept
      : arena_(std::exchange(other.arena_, nullptr)), checkpoint_(other.checkpoint_) {}
  ArenaScope& operator=(ArenaScope&& other) noexcept {
    if (this != &other) {
      rewind();
      arena_ = std::exchange(other.arena_, nullptr);
      checkpoint_ = other.checkpoint_;
    }
    return *this;
  }
  ~ArenaScope() { rewind(); }

  /// What was allocated in the scope stays.
  void dismiss() noexcept { arena_ = nullptr; }

 private:
  void rewind() noexcept {
    if (Arena* arena = std::exchange(arena_, nullptr)) arena->rewind(checkpoint_);
  }

  Arena* arena_;
  Arena::Checkpoint checkpoint_;
};

inline ArenaScope Arena::scope() noexcept { return ArenaScope(*this); }

}  // namespace bursar

#include "bursar/arena_inline.h"
