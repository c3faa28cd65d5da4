// Buckets of one cache line: from the hash of a text to the places where such texts stand.
#pragma once

#include <simde/x86/sse2.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace bursar::detail {

/// Whether two texts of `bytes` bytes are equal; reads nothing else, some bytes twice.
[[nodiscard]] inline bool are_equal(const char* left, const char* right, std::size_t bytes) noexcept {
  if (bytes > 16) return std::memcmp(left, right, bytes) == 0;
  if (bytes >= 4) {
    auto differ = [=](std::size_t at) {
      std::uint32_t of_left = 0;
      std::uint32_t of_right = 0;
      std::memcpy(&of_left, left + at, sizeof of_left);
      std::memcpy(&of_right, right + at, sizeof of_right);
      return of_left ^ of_right;
    };
    // As the hash reads: no branch on lengths from 4 to 16.
    const std::size_t inner = bytes >> 3 << 2;
    const std::size_t last = bytes - 4;
    return (differ(0) | differ(inner) | differ(last - inner) | differ(last)) == 0;
  }
  if (bytes == 0) return true;
  return ((left[0] ^ right[0]) | (left[bytes / 2] ^ right[bytes / 2]) | (left[bytes - 1] ^ right[bytes - 1])) == 0;
}

/// | 12 tags | 3 unused | passed | 12 places |
/// A tag is eight bits of the hash, never 0. `passed` is not 0 once a text that belongs here stands in a later bucket, for want of room. A place
/// of 0 is none.
struct alignas(64) SymbolBucket {
  static constexpr unsigned slots = 12;
  static constexpr unsigned slots_mask = (1u << slots) - 1;

  std::atomic<std::uint64_t> tags[2];
  std::atomic<std::uint32_t> places[slots];
};
static_assert(sizeof(SymbolBucket) == 64);

/// What of a hash picks what. Shards take the highest bits, buckets the lowest.
[[nodiscard]] inline unsigned char tag_of(std::uint64_t hash) noexcept {
  const auto tag = static_cast<unsigned char>(hash >> 48);
  return tag != 0 ? tag : 1;
}
[[nodiscard]] inline std::size_t shard_of(std::uint64_t hash, std::size_t mask) noexcept { return hash >> 57 & mask; }

/// A row of 2^n buckets. Any number of threads may find() while one, under a lock, inserts. What they miss they look for again under the lock; what they
/// find is never wrong, since the text itself is compared.
class SymbolBuckets {
 public:
  SymbolBuckets() = default;
  SymbolBuckets(SymbolBucket* buckets, unsigned count_bits) noexcept : buckets_(buckets), count_bits_(count_bits) {}

  [[nodiscard]] std::size_t count() const noexcept { return std::size_t{1} << count_bits_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return count() * sizeof(SymbolBucket); }
  /// So many texts go in: seven eighths of the slots. More would pass too many full buckets.
  [[nodiscard]] std::size_t texts_max() const noexcept { return count() * SymbolBucket::slots / 8 * 7; }
  [[nodiscard]] SymbolBucket* buckets() const noexcept { return buckets_; }
  [[nodiscard]] unsigned count_bits() const noexcept { return count_bits_; }

  /// The place of an equal text, or 0. `is_text_at(place)` compares.
  template <typename IsTextAt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsTextAt is_text_at) const noexcept {
    const simde__m128i wanted = simde_mm_set1_epi8(static_cast<char>(tag_of(hash)));
    const std::size_t mask = count() - 1;
    // Ends at a bucket that was never full: some are, since texts_max() leaves an eighth of the slots free.
    for (std::size_t index = hash & mask;; index = (index + 1) & mask) {
      const SymbolBucket& bucket = buckets_[index];
      // Relaxed: a tag alone decides nothing.
      const std::uint64_t low = bucket.tags[0].load(std::memory_order_relaxed);
      const std::uint64_t high = bucket.tags[1].load(std::memory_order_relaxed);
      const simde__m128i tags = simde_mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low));
      auto matches =
          static_cast<unsigned>(simde_mm_movemask_epi8(simde_mm_cmpeq_epi8(tags, wanted))) & SymbolBucket::slots_mask;
      for (; matches != 0; matches &= matches - 1) {
        // Pairs with the release in insert(): the text is there before its place.
        const std::uint32_t place = bucket.places[std::countr_zero(matches)].load(std::memory_order_acquire);
        if (place != 0 && is_text_at(place)) [[likely]]
          return place;
      }
      if (high >> 56 == 0) return 0;
    }
  }

  /// Under the lock, with fewer than texts_max() in it. The text must stand at its place already.
  void insert(std::uint64_t hash, std::uint32_t place) noexcept {
    const std::size_t mask = count() - 1;
    for (std::size_t index = hash & mask;; index = (index + 1) & mask) {
      SymbolBucket& bucket = buckets_[index];
      const unsigned slot = free_slot(bucket);
      if (slot < SymbolBucket::slots) {
        bucket.places[slot].store(place, std::memory_order_release);
        set_byte(bucket, slot, tag_of(hash));
        return;
      }
      set_byte(bucket, passed_byte, 1);
    }
  }

  template <typename Visit>
  void for_each_place(Visit visit) const {
    for (std::size_t index = 0; index < count(); ++index) {
      for (const auto& place : buckets_[index].places) {
        if (const std::uint32_t value = place.load(std::memory_order_relaxed); value != 0) visit(value);
      }
    }
  }

 private:
  static constexpr unsigned passed_byte = 15;

  static unsigned free_slot(const SymbolBucket& bucket) noexcept {
    unsigned slot = 0;
    while (slot < SymbolBucket::slots && bucket.places[slot].load(std::memory_order_relaxed) != 0) ++slot;
    return slot;
  }

  /// Only the holder of the lock writes, so load and store need not be one step.
  static void set_byte(SymbolBucket& bucket, unsigned index, unsigned char value) noexcept {
    std::atomic<std::uint64_t>& word = bucket.tags[index / 8];
    const unsigned shift = index % 8 * 8;
    const std::uint64_t others = word.load(std::memory_order_relaxed) & ~(std::uint64_t{0xff} << shift);
    word.store(others | std::uint64_t{value} << shift, std::memory_order_relaxed);
  }

  SymbolBucket* buckets_ = nullptr;
  unsigned count_bits_ = 0;
};

}  // namespace bursar::detail
