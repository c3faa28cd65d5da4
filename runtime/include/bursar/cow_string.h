// Text that is borrowed as long as nobody changes it, and owned from then on.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "bursar/export.h"
#include "bursar/memory.h"

namespace bursar {

/// What the process has copied through CowString and zero_copy, and what it did not need to.
struct CopyCounts {
  std::uint64_t unchanged = 0;     ///< texts that went through a transformation without a copy
  std::uint64_t copies = 0;        ///< texts that were written anew
  std::uint64_t copied_bytes = 0;  ///< the bytes written for them
};

/// The sum over all threads. Exact for the calling thread and for threads that have ended; what another thread did last, up to
/// copy_batch_calls calls, comes later. Thread safe. Cost: some dozen nanoseconds.
[[nodiscard]] BURSAR_RUNTIME_EXPORT CopyCounts copy_counts() noexcept;

/// A thread adds what it counted to the process's figures after so many calls: the two atomic additions then cost
/// less than 0.1 ns a call.
inline constexpr std::uint32_t copy_batch_calls = 512;

namespace detail {

/// What a thread has counted and not yet added to the process's figures. Starts empty, so that the first call of a thread
/// leaves, and arranges that its end adds the rest.
struct CopyBatch {
  std::uint32_t calls_left = 1;
  std::uint32_t calls = 1;  ///< calls_left at the start of the batch
  std::uint32_t copies = 0;
  std::uint64_t copied_bytes = 0;
};
// Needs no dynamic start, which constinit tells other files: they then reach it without a wrapper's call.
BURSAR_RUNTIME_EXPORT extern constinit thread_local CopyBatch copy_batch;

BURSAR_RUNTIME_EXPORT void flush_copy_batch() noexcept;

inline void count_unchanged() noexcept {
  if (--copy_batch.calls_left == 0) [[unlikely]]
    flush_copy_batch();
}

inline void count_copy(std::size_t bytes) noexcept {
  ++copy_batch.copies;
  copy_batch.copied_bytes += bytes;
  count_unchanged();
}

}  // namespace detail

/// A text of any bytes (invalid UTF-8 and NUL are bytes like others) that is borrowed from somebody, or owned. What is borrowed must live
/// longer than this. 16 bytes. Moving costs two stores and leaves an empty borrowed text; copies are made by clone() alone, so
/// that none goes unseen. Not thread safe; several threads may read one at a time.
class CowString {
 public:
  /// Empty, borrowed.
  constexpr CowString() noexcept = default;

  /// Borrows. Never fails.
  [[nodiscard]] static constexpr CowString borrow(std::string_view text) noexcept {
    return CowString(text.data(), text.size());
  }

  /// Owns a copy. Throws std::bad_alloc.
  [[nodiscard]] static CowString copy(std::string_view text) {
    CowString result = own_uninitialized(text.size());
    result.fill_from(text);
    return result;
  }

  /// Owns `bytes` bytes of no stated content, to be written through mutable_data(). Throws std::bad_alloc.
  [[nodiscard]] static CowString own_uninitialized(std::size_t bytes) {
    if (bytes >= owned_bit) [[unlikely]]
      throw_bad_alloc();
    return {static_cast<char*>(::operator new(bytes)), bytes | owned_bit};
  }

  /// The same; without memory the result is borrowed.
  [[nodiscard]] static CowString try_own_uninitialized(std::size_t bytes) noexcept {
    if (bytes >= owned_bit) [[unlikely]]
      return CowString();
    auto* data = static_cast<char*>(::operator new(bytes, std::nothrow));
    return data == nullptr ? CowString() : CowString(data, bytes | owned_bit);
  }

  CowString(const CowString&) = delete;
  CowString& operator=(const CowString&) = delete;
  CowString(CowString&& other) noexcept
      : data_(std::exchange(other.data_, "")), size_and_owned_(std::exchange(other.size_and_owned_, 0)) {}
  CowString& operator=(CowString&& other) noexcept {
    CowString taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_and_owned_, taken.size_and_owned_);
    return *this;
  }
  constexpr ~CowString() {
    if (is_owned()) ::operator delete(const_cast<char*>(data_));
  }

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_and_owned_ & ~owned_bit; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] constexpr bool is_owned() const noexcept { return (size_and_owned_ & owned_bit) != 0; }
  [[nodiscard]] constexpr bool is_borrowed() const noexcept { return !is_owned(); }

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {data_, size()}; }
  constexpr operator std::string_view() const noexcept { return view(); }

  /// A copy of its own where this owns, else one more borrower. Throws std::bad_alloc.
  [[nodiscard]] CowString clone() const { return is_owned() ? copy(view()) : borrow(view()); }

  /// Makes it own what it borrows. Throws std::bad_alloc and is as before then.
  void own() {
    if (is_borrowed()) *this = copy(view());
  }

  /// The bytes to write to, after own(). Throws std::bad_alloc and is as before then.
  [[nodiscard]] char* mutable_data() {
    own();
    return const_cast<char*>(data_);
  }

  [[nodiscard]] std::string to_string() const { return std::string(view()); }

  friend bool operator==(const CowString& left, const CowString& right) noexcept { return left.view() == right.view(); }
  friend bool operator==(const CowString& left, std::string_view right) noexcept { return left.view() == right; }
  friend std::strong_ordering operator<=>(const CowString& left, const CowString& right) noexcept {
    return left.view() <=> right.view();
  }

 private:
  static constexpr std::size_t owned_bit = ~(~std::size_t{0} >> 1);

  constexpr CowString(const char* data, std::size_t size_and_owned) noexcept
      : data_(data), size_and_owned_(size_and_owned) {}

  void fill_from(std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(const_cast<char*>(data_), text.data(), text.size());
    detail::count_copy(text.size());
  }

  // I1  the highest bit of size_and_owned_ is set exactly where data_ is a block of operator new that no other text owns
  // I2  the other bits are the text's bytes; no object is larger than half the address space
  const char* data_ = "";
  std::size_t size_and_owned_ = 0;
};
static_assert(sizeof(CowString) == 16);

}  // namespace bursar

template <>
struct std::hash<bursar::CowString> {
  std::size_t operator()(const bursar::CowString& text) const noexcept {
    return std::hash<std::string_view>{}(text.view());
  }
};
