// An interner's texts as one image that never changes: position-independent, checked when it is opened, mapped by any number of processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "bursar/export.h"
#include "bursar/interner.h"

namespace bursar {

namespace detail {
class TextBlocks;
/// In the place of a keyword's text: a zero and where it stands.
inline constexpr std::size_t frozen_keyword_entry_bytes = 1 + sizeof(std::uint32_t);
}  // namespace detail

/// Why an image cannot be made, written or used.
enum class FrozenStatus : std::uint8_t {
  ok,
  out_of_memory,
  too_large,      ///< more than 4 GiB of text
  file_error,     ///< errno tells
  not_an_image,   ///< does not begin as one, or is too short for one
  other_version,  ///< of another layout, or of other keywords
  damaged,        ///< the checksum or the structure is wrong
  no_interner,    ///< freeze: it has been moved from
};

/// For messages.
[[nodiscard]] BURSAR_RUNTIME_EXPORT const char* to_text(FrozenStatus status) noexcept;

struct FrozenResult;

/// A set of texts with symbols of its own, the same in every process and run that uses the image; keywords have their usual ones. Thread safe,
/// without locks: nothing is ever written. Bytes over the text: 4 a text (its length, a tag, half an index entry) and a kilobyte.
class BURSAR_RUNTIME_EXPORT FrozenInterner {
 public:
  /// Of all texts of an interner, those of its base too; nobody may add meanwhile. The same texts make the same image where `seed` is the
  /// same; without one the system's random numbers seed it. Who can read the image knows its seed.
  [[nodiscard]] static FrozenResult freeze(const Interner& interner, std::optional<std::uint64_t> seed = {}) noexcept;

  /// Uses an image in memory, at a multiple of 8, which must live longer. Every byte is read once and checked, so that no image, damaged or
  /// made with intent, can lead a search astray.
  [[nodiscard]] static FrozenResult borrow(std::span<const std::byte> image) noexcept;

  /// Maps a file, and checks it as above. Who can shorten the file while it is mapped can end the process (SIGBUS).
  [[nodiscard]] static FrozenResult open(const char* path) noexcept;

  /// Writes the image to a new file beside `path` and renames it: readers see the old or the new one, whole.
  [[nodiscard]] FrozenStatus save(const char* path) const noexcept;

  FrozenInterner() noexcept = default;
  FrozenInterner(FrozenInterner&& other) noexcept;
  FrozenInterner& operator=(FrozenInterner&& other) noexcept;
  FrozenInterner(const FrozenInterner&) = delete;
  FrozenInterner& operator=(const FrozenInterner&) = delete;
  ~FrozenInterner();

  [[nodiscard]] std::span<const std::byte> image() const noexcept { return {image_, image_bytes_}; }
  [[nodiscard]] std::size_t texts() const noexcept { return texts_; }

  [[nodiscard]] std::optional<Symbol> find(std::string_view text) const noexcept;

  /// The text of a symbol of this image. Cost: one load, of the length.
  [[nodiscard]] std::string_view view(Symbol symbol) const noexcept {
    return detail::text_at(region_ + static_cast<std::uint32_t>(symbol.id()));
  }

  /// Calls visit(text) for every text but keywords, in the order of the image.
  template <typename Visit>
  void for_each(Visit visit) const {
    const char* const end = region_ + region_bytes_;
    for (const char* entry = region_ + detail::keyword_block.bytes_used; entry < end;) {
      if (*entry == 0) {
        entry += detail::frozen_keyword_entry_bytes;
        continue;
      }
      const std::string_view text = detail::text_at(entry + 1);
      visit(text);
      entry = text.data() + text.size();
    }
  }

  /// Whether the image has the symbol: for symbols from outside. Cost: that of find().
  [[nodiscard]] bool owns(Symbol symbol) const noexcept;

 private:
  friend class detail::TextBlocks;
  enum class Storage : std::uint8_t { borrowed, heap, mapped };

  [[nodiscard]] FrozenStatus use(const std::byte* image, std::size_t bytes, Storage storage) noexcept;
  [[nodiscard]] bool has_sound_buckets(std::uint32_t buckets) const noexcept;
  [[nodiscard]] std::optional<std::string_view> text_within(std::size_t place, std::size_t end) const noexcept;
  void swap(FrozenInterner& other) noexcept;

  // I1  image_ has image_bytes_ bytes: header, index of the buckets, region
  // I2  region_ begins with the block of the keywords; its entries end where their buckets do
  const std::byte* image_ = nullptr;
  std::size_t image_bytes_ = 0;
  const std::uint32_t* index_ = nullptr;
  const char* region_ = detail::keyword_block.bytes.data();
  std::size_t region_bytes_ = detail::keyword_block.bytes_used;
  std::size_t texts_ = 0;
  Storage storage_ = Storage::borrowed;
};

struct FrozenResult {
  FrozenInterner interner;
  FrozenStatus status = FrozenStatus::ok;
  [[nodiscard]] explicit operator bool() const noexcept { return status == FrozenStatus::ok; }
};

}  // namespace bursar
