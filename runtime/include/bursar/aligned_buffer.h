// An array whose start is aligned and whose end may be read past: what vector code wants of its input.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "bursar/arena.h"
#include "bursar/memory.h"

namespace bursar {

/// What a buffer may hold: bytes are all there is to it.
template <typename T>
concept BufferElement = std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>;

/// So many bytes behind the last element may be read: one vector of the widest kind from any element on.
inline constexpr std::size_t buffer_tail_bytes = 64;

/// `size()` elements of trivial type, the first at a multiple of `alignment`, with at least 64 bytes behind the last that may be read and are zero
/// as long as nobody writes there. So a loop may take whole vectors, aligned ones from data() on, and needs no scalar tail: what it reads
/// beyond the end is zero.
///
/// The tail is zero, not poisoned: it is there to be read. tail_is_zero() tells whether somebody wrote past the end.
/// The memory is the heap's, given back by the destructor, or an arena's, which takes it back itself. A moved-from buffer is empty.
/// Errors: std::bad_alloc (ArenaError with an arena), std::bad_array_new_length for a count beyond the address space; try_ forms give an
/// empty buffer: test is_allocated(). Threads: as a std::vector. Cost: one allocation, and 64 bytes set to zero.
template <BufferElement T, std::size_t alignment = memory_alignment>
class AlignedBuffer {
  static_assert((alignment & (alignment - 1)) == 0 && alignment >= alignof(T),
                "a power of two, and enough for the type");

 public:
  AlignedBuffer() noexcept = default;
  /// `count` elements, all bytes zero.
  explicit AlignedBuffer(std::size_t count) : AlignedBuffer(for_overwrite(count)) { fill_with_zeros(); }
  /// The same in an arena, which must outlive it.
  AlignedBuffer(Arena& arena, std::size_t count) : AlignedBuffer(for_overwrite(arena, count)) { fill_with_zeros(); }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), count_(std::exchange(other.count_, 0)), owner_(other.owner_) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~AlignedBuffer() {
    if (owner_ == Owner::buffer) deallocate_memory(first_, reserved_bytes(count_), alignment);
  }

  /// Elements without a value; the tail is zero all the same.
  [[nodiscard]] static AlignedBuffer for_overwrite(std::size_t count) {
    check_count(count);
    return {allocate_memory(reserved_bytes(count), alignment), count, Owner::buffer};
  }
  [[nodiscard]] static AlignedBuffer for_overwrite(Arena& arena, std::size_t count) {
    check_count(count);
    return {arena.allocate(reserved_bytes(count), alignment), count, Owner::arena};
  }
  [[nodiscard]] static AlignedBuffer try_for_overwrite(std::size_t count) noexcept {
    if (count > count_max) [[unlikely]]
      return {};
    return {try_allocate_memory(reserved_bytes(count), alignment), count, Owner::buffer};
  }
  [[nodiscard]] static AlignedBuffer try_for_overwrite(Arena& arena, std::size_t count) noexcept {
    if (count > count_max) [[unlikely]]
      return {};
    return {arena.try_allocate(reserved_bytes(count), alignment), count, Owner::arena};
  }
  /// All bytes zero, as by the constructors.
  [[nodiscard]] static AlignedBuffer try_make(std::size_t count) noexcept {
    return filled_with_zeros(try_for_overwrite(count));
  }
  [[nodiscard]] static AlignedBuffer try_make(Arena& arena, std::size_t count) noexcept {
    return filled_with_zeros(try_for_overwrite(arena, count));
  }
  /// A copy of the elements on the heap, or in an arena.
  [[nodiscard]] static AlignedBuffer copy_of(std::span<const T> elements) {
    return filled_from(for_overwrite(elements.size()), elements);
  }
  [[nodiscard]] static AlignedBuffer copy_of(Arena& arena, std::span<const T> elements) {
    return filled_from(for_overwrite(arena, elements.size()), elements);
  }
  [[nodiscard]] static AlignedBuffer try_copy_of(std::span<const T> elements) noexcept {
    return filled_from(try_for_overwrite(elements.size()), elements);
  }
  [[nodiscard]] static AlignedBuffer try_copy_of(Arena& arena, std::span<const T> elements) noexcept {
    return filled_from(try_for_overwrite(arena, elements.size()), elements);
  }

  /// Whether there is memory: false by default, after a move, and where a try_ function got none. A buffer of no elements has its tail.
  [[nodiscard]] bool is_allocated() const noexcept { return first_ != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] T* data() noexcept { return std::assume_aligned<alignment>(first_); }
  [[nodiscard]] const T* data() const noexcept { return std::assume_aligned<alignment>(first_); }
  [[nodiscard]] T* begin() noexcept { return first_; }
  [[nodiscard]] T* end() noexcept { return first_ + count_; }
  [[nodiscard]] const T* begin() const noexcept { return first_; }
  [[nodiscard]] const T* end() const noexcept { return first_ + count_; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return first_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept { return first_[index]; }
  [[nodiscard]] std::span<T> span() noexcept { return {first_, count_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {first_, count_}; }

  /// Whether the bytes behind the last element are still zero.
  [[nodiscard]] bool tail_is_zero() const noexcept {
    if (first_ == nullptr) return true;
    const std::byte* tail = reinterpret_cast<const std::byte*>(first_ + count_);
    for (std::size_t index = 0; index < buffer_tail_bytes; ++index) {
      if (tail[index] != std::byte{0}) return false;
    }
    return true;
  }

  void swap(AlignedBuffer& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(count_, other.count_);
    std::swap(owner_, other.owner_);
  }

 private:
  static constexpr std::size_t count_max =
      (static_cast<std::size_t>(PTRDIFF_MAX) - 2 * buffer_tail_bytes - alignment) / sizeof(T);

  enum class Owner : unsigned char { buffer, arena };

  AlignedBuffer(void* memory, std::size_t count, Owner owner) noexcept
      : first_(static_cast<T*>(memory)), count_(memory == nullptr ? 0 : count), owner_(owner) {
    if (memory != nullptr) std::memset(static_cast<std::byte*>(memory) + count * sizeof(T), 0, buffer_tail_bytes);
  }

  [[nodiscard]] static constexpr std::size_t reserved_bytes(std::size_t count) noexcept {
    return count * sizeof(T) + buffer_tail_bytes;
  }
  static void check_count(std::size_t count) {
    if (count > count_max) [[unlikely]]
      throw_bad_array_length();
  }
  void fill_with_zeros() noexcept {
    if (first_ != nullptr) std::memset(static_cast<void*>(first_), 0, count_ * sizeof(T));
  }
  [[nodiscard]] static AlignedBuffer filled_with_zeros(AlignedBuffer buffer) noexcept {
    buffer.fill_with_zeros();
    return buffer;
  }
  [[nodiscard]] static AlignedBuffer filled_from(AlignedBuffer buffer, std::span<const T> elements) noexcept {
    if (buffer.is_allocated() && !elements.empty())
      std::memcpy(static_cast<void*>(buffer.first_), elements.data(), elements.size_bytes());
    return buffer;
  }

  // I1  first_ == nullptr: count_ == 0 and the memory is nobody's
  // I2  else first_ is a multiple of alignment, and reserved_bytes(count_) bytes are there
  T* first_ = nullptr;
  std::size_t count_ = 0;
  Owner owner_ = Owner::buffer;
};

}  // namespace bursar
