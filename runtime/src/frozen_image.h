// The bytes of a frozen image.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/src/text_hash.h"

namespace bursar::detail {

/// | header | index: where each bucket begins in the region, and where the last one ends | region |
///
/// The region begins with the block of the keywords; then, bucket by bucket, the texts in the order of their hash:
///
///     | tag | length | text |        a text: its symbol is the place of the length; the tag is not 0
///     | 0 | place (4 bytes) |        a keyword that belongs to the bucket
///
/// In the byte order of the machine that made it; the magic number tells of another one.
struct FrozenHeader {
  std::uint64_t magic = 0;
  std::uint64_t checksum = 0;  ///< of all that follows
  std::uint64_t keywords = 0;  ///< hash of the block of the keywords
  std::uint64_t image_bytes = 0;
  std::uint64_t region_bytes = 0;
  std::uint64_t texts = 0;  ///< without keywords
  std::uint32_t buckets = 0;
  std::uint32_t unused = 0;
  std::array<std::uint64_t, 4> secrets{};
};
static_assert(sizeof(FrozenHeader) == 88 && alignof(FrozenHeader) == 8);

inline constexpr std::uint64_t frozen_magic = 0x31'4e'52'54'4e'49'53'42;  // "BSINTRN1", read as a number
inline constexpr std::uint64_t frozen_checksum_seed = 1;

/// So many texts share an entry of the index: 2 bytes a text, and a text is passed over on average before the wanted one. With 4 the index took 1
/// byte, and finding a fifth more time.
inline constexpr std::size_t texts_per_bucket = 2;

/// The hash's upper half scaled to the number of buckets: they need not be a power of two.
[[nodiscard]] inline std::size_t frozen_bucket_of(std::uint64_t hash, std::uint32_t buckets) noexcept {
  return (hash >> 32) * buckets >> 32;
}
/// From the lower half, which the bucket does not depend on.
[[nodiscard]] inline unsigned char frozen_tag_of(std::uint64_t hash) noexcept {
  const auto tag = static_cast<unsigned char>(hash);
  return tag != 0 ? tag : 1;
}

}  // namespace bursar::detail
