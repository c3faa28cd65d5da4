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
  return {state_.position, state_.finalizers.next, state_.chunk, state_.large};
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
void destroy_object(void* object) noexcept {
  std::destroy_at(static_cast<T*>(object));
}

/// Stands before an array of objects that are to be destroyed.
template <typename T>
inline constexpr std::size_t array_offset = (sizeof(std::size_t) + alignof(T) - 1) / alignof(T) * alignof(T);

template <typename T>
void destroy_array(void* count_and_array) noexcept {
  T* first = std::launder(reinterpret_cast<T*>(static_cast<std::byte*>(count_and_array) + array_offset<T>));
  for (std::size_t index = *static_cast<std::size_t*>(count_and_array); index != 0; --index)
    std::destroy_at(first + index - 1);
}

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

/// Room for one more finalizer.
[[gnu::always_inline]] inline bool Arena::has_finalizer() noexcept {
  if (state_.finalizers.next != state_.finalizers.end) [[likely]]
    return true;
  return try_extend_finalizers();
}

[[gnu::always_inline]] inline void Arena::add_finalizer(void (*destroy)(void*) noexcept, void* object) noexcept {
  ::new (state_.finalizers.next++) arena_detail::Finalizer{destroy, object};
}

template <Arena::OnFailure on_failure, typename T, typename... Arguments>
[[gnu::always_inline]] inline T* Arena::make_or(Arguments&&... arguments) {
  using namespace arena_detail;
  using Undo = std::conditional_t<is_nothrow_makeable<T, Arguments...>, NothingToUndo, ArenaUndo>;
  constexpr bool has_destructor = !std::is_trivially_destructible_v<T>;
  if constexpr (has_destructor) {
    if (!has_finalizer()) [[unlikely]]
      return fail<on_failure, T>();
  }
  const Mark before = mark();
  void* place = allocate_constant<on_failure, sizeof(T), alignof(T)>();
  if constexpr (on_failure == OnFailure::give_null) {
    if (place == nullptr) [[unlikely]]
      return nullptr;
  }
  Undo undo(*this, before);
  T* object = construct<T>(place, std::forward<Arguments>(arguments)...);
  undo.done();
  if constexpr (has_destructor) {
    // Only now: a constructor that throws leaves nothing to destroy. It may have made objects here, and used the room up.
    if (!has_finalizer()) [[unlikely]] {
      std::destroy_at(object);
      return fail<on_failure, T>();
    }
    add_finalizer(destroy_object<T>, object);
  }
  return object;
}

template <Arena::OnFailure on_failure, typename T>
T* Arena::fail() {
  if constexpr (on_failure == OnFailure::report) throw_error(ArenaFault::no_memory, sizeof(T));
  return nullptr;
}

template <typename T>
std::size_t Arena::array_bytes(std::size_t count) const {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes)) [[unlikely]]
    throw_error(ArenaFault::too_large, count);
  return bytes;
}

/// `fill` constructs the element of an index at a place.
template <typename T, typename Fill>
std::span<T> Arena::make_array(std::size_t count, Fill fill) {
  using namespace arena_detail;
  constexpr bool has_destructor = !std::is_trivially_destructible_v<T>;
  constexpr std::size_t head_bytes = has_destructor ? array_offset<T> : 0;
  constexpr std::size_t alignment =
      has_destructor && alignof(T) < alignof(std::size_t) ? alignof(std::size_t) : alignof(T);
  std::size_t bytes = 0;
  if (__builtin_add_overflow(array_bytes<T>(count), head_bytes, &bytes)) [[unlikely]]
    throw_error(ArenaFault::too_large, count);
  if (count == 0) return {};
  const Mark before = mark();
  auto* place = static_cast<std::byte*>(allocate(bytes, alignment));
  ArenaUndo undo(*this, before);
  DestroyUnlessDone<T> constructed{reinterpret_cast<T*>(place + head_bytes)};
  for (; constructed.count != count; ++constructed.count)
    fill(constructed.first + constructed.count, constructed.count);
  if constexpr (has_destructor) {
    ::new (place) std::size_t(count);
    if (!has_finalizer()) throw_error(ArenaFault::no_memory, bytes);
    add_finalizer(destroy_array<T>, place);
  }
  constructed.count = 0;
  undo.done();
  return {std::launder(constructed.first), count};
}

template <ArenaStorable T>
requires std::default_initializable<T> std::span<T> Arena::make_span(std::size_t count) {
  return make_array<T>(count, [](T* place, std::size_t) { ::new (static_cast<void*>(place)) T(); });
}

inline std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* characters = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(characters, text.data(), text.size());
  return {characters, text.size()};
}

template <typename T>
requires std::is_trivially_copyable_v<T> std::span<T> Arena::copy(std::span<const T> elements) {
  if (elements.empty()) return {};
  T* first = static_cast<T*>(allocate(elements.size_bytes(), alignof(T)));
  std::memcpy(static_cast<void*>(first), elements.data(), elements.size_bytes());
  return {first, elements.size()};
}

template <std::ranges::input_range Range, ArenaStorable T>
requires std::constructible_from<T, std::ranges::range_reference_t<Range>> std::span<T> Arena::collect(Range&& range) {
  if constexpr (std::ranges::sized_range<Range> || std::ranges::forward_range<Range>) {
    auto iterator = std::ranges::begin(range);
    return make_array<T>(static_cast<std::size_t>(std::ranges::distance(range)), [&](T* place, std::size_t) {
      ::new (static_cast<void*>(place)) T(*iterator);
      ++iterator;
    });
  } else {
    return collect_once<T>(std::forward<Range>(range));
  }
}

/// A range that can be walked only once, of a size that nobody knows: its elements wait in a vector of the heap.
template <typename T, typename Range>
std::span<T> Arena::collect_once(Range&& range) {
  static_assert(std::move_constructible<T>, "a range that can be walked only once needs elements that can be moved");
  std::vector<T> waiting;
  for (auto&& element : range) waiting.emplace_back(std::forward<decltype(element)>(element));
  return make_array<T>(waiting.size(), [&](T* place, std::size_t index) {
    ::new (static_cast<void*>(place)) T(std::move(waiting[index]));
  });
}

}  // namespace bursar
