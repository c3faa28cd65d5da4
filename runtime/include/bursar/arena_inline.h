// The bodies of arena.h that inline into their callers. Included by arena.h alone.
#pragma once

namespace bursar {

template <Arena::OnFailure on_failure>
void* Arena::leave(std::size_t bytes, std::size_t alignment) {
  if constexpr (on_failure == OnFailure::report) return allocate_slow(bytes, alignment);
  return try_allocate_slow(bytes, alignment);
}

/// The fast path of typed allocation: one addition moves the cursor and counts (I1).
template <Arena::OnFailure on_failure, std::size_t bytes, std::size_t alignment>
[[gnu::always_inline]] inline void* Arena::allocate_constant() {
  using namespace arena_detail;
  constexpr std::size_t constant_bytes_max = std::size_t{64} * 1024;
  if constexpr (alignment > block_granule || bytes > constant_bytes_max) {
    return allocate_or<on_failure>(bytes, alignment);
  } else {
    constexpr std::uint64_t rounded_bytes = (bytes + block_granule - 1) & ~(block_granule - 1);
    static_assert(chunk_bytes_limit + rounded_bytes < one_allocation, "the offset's sum would carry into the count");
    const std::uint64_t position = state_.position;
    const std::uint64_t next = position + (one_allocation + rounded_bytes);
    if (static_cast<std::uint32_t>(next) > state_.end) [[unlikely]]
      return leave<on_failure>(bytes, alignment);
    state_.position = next;
    return state_.base + static_cast<std::uint32_t>(position);
  }
}

template <Arena::OnFailure on_failure>
[[gnu::always_inline]] inline void* Arena::allocate_or(std::size_t bytes, std::size_t alignment) {
  using namespace arena_detail;
  const std::size_t rounded_bytes = (bytes + block_granule - 1) & ~(block_granule - 1);
  const std::uint64_t position = state_.position;
  std::size_t padding = 0;
  // A power of two up to the granule needs no look at the position: what the next call waits for is one addition.
  if (((alignment - 1) & (alignment | ~(block_granule - 1))) != 0) {
    // Nothing but the powers of two up to the chunk's own alignment passes.
    if (((alignment - 1) & (alignment | ~(memory_alignment - 1))) != 0) [[unlikely]]
      return leave<on_failure>(bytes, alignment);
    padding = -position & (alignment - 1);
  }
  // The end is a multiple of every such alignment: what is left is never negative, and a multiple of the granule (I2).
  const std::size_t offset = static_cast<std::uint32_t>(position) + padding;
  if (bytes > state_.end - offset) [[unlikely]]
    return leave<on_failure>(bytes, alignment);
  state_.position = position + (one_allocation + rounded_bytes + padding);
  return state_.base + offset;
}

template <typename T, typename... Arguments>
[[gnu::always_inline]] inline T* Arena::construct(void* place, Arguments&&... arguments) {
  if constexpr (std::is_constructible_v<T, Arguments...>) {
    return ::new (place) T(std::forward<Arguments>(arguments)...);
  } else {
    return ::new (place) T{std::forward<Arguments>(arguments)...};
  }
}

inline Arena::Mark Arena::mark() const noexcept {
  return {state_.position, state_.finalizers.next, state_.chunk, state_.large, state_.run.end};
}

/// Undoes what was allocated since the mark, unless told that all is well. (A destructor, not a catch: it works without exceptions. It
/// begins only after the allocation, so that nothing of it remains where the compiler sees that the constructor does not throw.)
class ArenaUndo {
 public:
  ArenaUndo(Arena& arena, Arena::Mark mark) noexcept : arena_(&arena), mark_(mark) {}
  ArenaUndo(const ArenaUndo&) = delete;
  ArenaUndo& operator=(const ArenaUndo&) = delete;
  ~ArenaUndo() {
    if (arena_ != nullptr) [[unlikely]]
      arena_->undo(mark_);
  }
  void done() noexcept { arena_ = nullptr; }

 private:
  Arena* arena_;
  Arena::Mark mark_;
};

namespace arena_detail {

struct NothingToUndo {
  NothingToUndo(Arena& /*arena*/, const auto& /*mark*/) noexcept {}
  void done() noexcept {}
};

template <typename T>
inline constexpr std::size_t stride_bytes = (sizeof(T) + block_granule - 1) / block_granule* block_granule;

/// What a record of the list stands for: an object, or an array with its count before it.
template <typename T>
struct OneObject {
  static void destroy(std::byte* object) noexcept { std::destroy_at(std::launder(reinterpret_cast<T*>(object))); }
  static const Destroyer destroyer;
};
template <typename T>
struct OneArray {
  static constexpr std::size_t offset = (sizeof(std::size_t) + alignof(T) - 1) / alignof(T) * alignof(T);
  static void destroy(std::byte* place) noexcept {
    T* first = std::launder(reinterpret_cast<T*>(place + offset));
    for (std::size_t index = *reinterpret_cast<std::size_t*>(place); index != 0; --index)
      std::destroy_at(first + index - 1);
  }
  static const Destroyer destroyer;
};

// In both loops list and run are set before the call: a destructor that looks at the arena finds it in order.

template <typename Kind>
void destroy_singles(Finalizers& list, const Run& run, const Finalizer* until) noexcept {
  for (Finalizer* last = list.next; last != until && last[-1].destroyer == &Kind::destroyer;) {
    list.next = --last;
    Kind::destroy(last->place);
    if (list.next != last || run.destroyer != nullptr) [[unlikely]]
      return;
  }
}

template <typename T>
void destroy_run(Run& run, const std::byte* beyond) noexcept {
  for (std::byte* end = run.end; end > beyond;) {
    run.end = end -= stride_bytes<T>;
    OneObject<T>::destroy(end);
    if (run.end != end) [[unlikely]]
      return;
  }
}

template <typename T>
constexpr Destroyer OneObject<T>::destroyer = {destroy, arena_detail::destroy_singles<OneObject>, destroy_run<T>,
                                               stride_bytes<T>};
/// An array is never in a run.
template <typename T>
constexpr Destroyer OneArray<T>::destroyer = {destroy, arena_detail::destroy_singles<OneArray>, nullptr, 0};

/// Destroys what a loop has constructed when it is left by an exception.
template <typename T>
struct DestroyUnlessDone {
  T* first;
  std::size_t count = 0;
  ~DestroyUnlessDone() {
    for (; count != 0; --count) std::destroy_at(first + count - 1);
  }
};

}  // namespace arena_detail

/// Whether an object more can be noted.
[[gnu::always_inline]] inline bool Arena::has_room_for_finalizer() noexcept {
  if (state_.finalizers.next < state_.finalizers.limit) [[likely]]
    return true;
  return try_extend_finalizers();
}

/// Notes an object that does not follow the open run. Pre: has_room_for_finalizer().
[[gnu::always_inline]] inline void Arena::add_finalizer(const arena_detail::Destroyer& destroyer,
                                                        std::byte* object) noexcept {
  using arena_detail::Finalizer;
  if (state_.run.destroyer != nullptr) [[unlikely]]
    close_run();
  Finalizer* next = state_.finalizers.next;
  if (next[-1].destroyer == &destroyer && next[-1].place + destroyer.stride_bytes == object) {
    state_.run = {&destroyer, object + destroyer.stride_bytes};
    return;
  }
  ::new (next) Finalizer{&destroyer, object};
  state_.finalizers.next = next + 1;
}

template <Arena::OnFailure on_failure, typename T, typename... Arguments>
[[gnu::always_inline]] inline T* Arena::make_or(Arguments&&... arguments) {
  using namespace arena_detail;
  using Undo = std::conditional_t<is_nothrow_makeable<T, Arguments...>, NothingToUndo, ArenaUndo>;
  constexpr bool has_destructor = !std::is_trivially_destructible_v<T>;
  const Mark before = mark();
  if constexpr (has_destructor) {
    if (!has_room_for_finalizer()) [[unlikely]]
      return fail<on_failure, T>();
  }
  void* place = allocate_constant<on_failure, sizeof(T), alignof(T)>();
  if constexpr (on_failure == OnFailure::give_null) {
    if (place == nullptr) [[unlikely]]
      return nullptr;
  }
  Undo undo(*this, before);
  T* object = construct<T>(place, std::forward<Arguments>(arguments)...);
  if constexpr (has_destructor) {
    // Only now: a constructor that throws leaves nothing to destroy.
    auto* at = static_cast<std::byte*>(place);
    if (state_.run.destroyer == &OneObject<T>::destroyer && state_.run.end == at) [[likely]] {
      state_.run.end = at + stride_bytes<T>;
    } else {
      // The constructor may have made objects here, and used the room up.
      if (!has_room_for_finalizer()) [[unlikely]] {
        std::destroy_at(object);
        return fail<on_failure, T>();
      }
      add_finalizer(OneObject<T>::destroyer, at);
    }
  }
  undo.done();
  return object;
}

template <Arena::OnFailure on_failure, typename T>
T* Arena::fail() {
  if constexpr (on_failure == OnFailure::report) throw_error(ArenaFault::no_memory, sizeof(T));
  return nullptr;
}

/// `fill` constructs the element of an index at a place.
template <Arena::OnFailure on_failure, typename T, typename Fill>
std::optional<std::span<T>> Arena::make_array(std::size_t count, Fill fill) {
  using namespace arena_detail;
  constexpr bool has_destructor = !std::is_trivially_destructible_v<T>;
  constexpr std::size_t head_bytes = has_destructor ? OneArray<T>::offset : 0;
  constexpr std::size_t alignment =
      has_destructor && alignof(T) < alignof(std::size_t) ? alignof(std::size_t) : alignof(T);
  if (count == 0) return std::span<T>();
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes) || __builtin_add_overflow(bytes, head_bytes, &bytes)) {
    if constexpr (on_failure == OnFailure::report) throw_error(ArenaFault::too_large, count);
    return std::nullopt;
  }
  const Mark before = mark();
  auto* place = static_cast<std::byte*>(allocate_or<on_failure>(bytes, alignment));
  if (place == nullptr) return std::nullopt;
  ArenaUndo undo(*this, before);
  DestroyUnlessDone<T> constructed{reinterpret_cast<T*>(place + head_bytes)};
  for (; constructed.count != count; ++constructed.count)
    fill(constructed.first + constructed.count, constructed.count);
  if constexpr (has_destructor) {
    ::new (place) std::size_t(count);
    if (!has_room_for_finalizer()) {
      if constexpr (on_failure == OnFailure::report) throw_error(ArenaFault::no_memory, bytes);
      return std::nullopt;
    }
    add_finalizer(OneArray<T>::destroyer, place);
  }
  constructed.count = 0;
  undo.done();
  return std::span<T>(std::launder(constructed.first), count);
}

template <Arena::OnFailure on_failure, typename T>
std::optional<std::span<T>> Arena::make_room(std::size_t count) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes)) [[unlikely]] {
    if constexpr (on_failure == OnFailure::report) throw_error(ArenaFault::too_large, count);
    return std::nullopt;
  }
  void* place = allocate_or<on_failure>(bytes, alignof(T));
  if (place == nullptr) return std::nullopt;
  return std::span<T>(static_cast<T*>(place), count);
}

template <Arena::OnFailure on_failure>
inline std::optional<std::string_view> Arena::copy_or(std::string_view text) {
  if (text.empty()) return std::string_view();
  char* characters = static_cast<char*>(allocate_or<on_failure>(text.size(), 1));
  if constexpr (on_failure == OnFailure::give_null) {
    if (characters == nullptr) return std::nullopt;
  }
  std::memcpy(characters, text.data(), text.size());
  return std::string_view(characters, text.size());
}

template <Arena::OnFailure on_failure, typename T>
std::optional<std::span<T>> Arena::copy_or(std::span<const T> elements) {
  if (elements.empty()) return std::span<T>();
  void* place = allocate_or<on_failure>(elements.size_bytes(), alignof(T));
  if (place == nullptr) return std::nullopt;
  std::memcpy(place, elements.data(), elements.size_bytes());
  return std::span<T>(static_cast<T*>(place), elements.size());
}

template <std::ranges::input_range Range, ArenaStorable T>
requires std::constructible_from<T, std::ranges::range_reference_t<Range>> std::span<T> Arena::collect(Range&& range) {
  if constexpr (std::ranges::sized_range<Range> || std::ranges::forward_range<Range>) {
    return *collect_known<OnFailure::report, T>(range);
  } else {
    return collect_once<T>(std::forward<Range>(range));
  }
}

template <Arena::OnFailure on_failure, typename T, typename Range>
std::optional<std::span<T>> Arena::collect_known(Range& range) {
  auto iterator = std::ranges::begin(range);
  return make_array<on_failure, T>(static_cast<std::size_t>(std::ranges::distance(range)), [&](T* place, std::size_t) {
    ::new (static_cast<void*>(place)) T(*iterator);
    ++iterator;
  });
}

/// A range that can be walked only once, of a size that nobody knows: its elements wait in a vector of the heap.
template <typename T, typename Range>
std::span<T> Arena::collect_once(Range&& range) {
  static_assert(std::move_constructible<T>, "a range that can be walked only once needs elements that can be moved");
  std::vector<T> waiting;
  for (auto&& element : range) waiting.emplace_back(std::forward<decltype(element)>(element));
  return *make_array<OnFailure::report, T>(waiting.size(), [&](T* place, std::size_t index) {
    ::new (static_cast<void*>(place)) T(std::move(waiting[index]));
  });
}

}  // namespace bursar
