// Makes a frozen image, and checks one.
#include <algorithm>
#include <vector>

#include "bursar/frozen_interner.h"
#include "bursar/memory.h"
#include "runtime/src/frozen_image.h"
#include "runtime/src/interner_core.h"

namespace bursar {

using detail::FrozenHeader;

namespace {

std::string_view keyword_bytes() noexcept {
  return {detail::keyword_block.bytes.data(), detail::keyword_block.bytes_used};
}

std::uint64_t keywords_hash() noexcept { return detail::TextHash(detail::frozen_checksum_seed)(keyword_bytes()); }

/// Of everything behind the checksum.
std::uint64_t checksum_of(const std::byte* image, std::size_t bytes) noexcept {
  constexpr std::size_t skipped = offsetof(FrozenHeader, keywords);
  return detail::TextHash(detail::frozen_checksum_seed)(
      {reinterpret_cast<const char*>(image) + skipped, bytes - skipped});
}

/// A text on its way into the image.
struct Entry {
  std::string_view text;
  std::uint32_t bucket = 0;
  std::uint32_t keyword_place = 0;  ///< 0: not a keyword
  unsigned char tag = 0;

  [[nodiscard]] std::size_t bytes() const noexcept {
    if (keyword_place != 0) return detail::frozen_keyword_entry_bytes;
    return 1 + detail::entry_bytes(text);
  }
};

char* write_entry(const Entry& entry, char* out) noexcept {
  if (entry.keyword_place != 0) {
    *out = 0;
    std::memcpy(out + 1, &entry.keyword_place, sizeof entry.keyword_place);
    return out + detail::frozen_keyword_entry_bytes;
  }
  *out++ = static_cast<char>(entry.tag);
  detail::write_entry(out, entry.text);
  return out + detail::entry_bytes(entry.text);
}

/// Every text and every keyword, in the order of the buckets; texts of one bucket by their bytes, so that the same set is the same image.
std::vector<Entry> collect(detail::InternerCore& core, const FrozenHeader& header) {
  std::vector<Entry> entries;
  const detail::TextHash hash(header.secrets);
  auto add = [&](std::string_view text, std::uint32_t keyword_place) {
    const std::uint64_t hashed = hash(text);
    entries.push_back({text, static_cast<std::uint32_t>(detail::frozen_bucket_of(hashed, header.buckets)),
                       keyword_place, detail::frozen_tag_of(hashed)});
  };
  for (std::size_t index = 0; index < detail::keyword_block.words; ++index) {
    add(detail::keyword_block.word(index), detail::keyword_block.places[index]);
  }
  core.for_each_text([&](std::string_view text) { add(text, 0); });
  std::sort(entries.begin(), entries.end(), [](const Entry& left, const Entry& right) {
    return left.bucket != right.bucket ? left.bucket < right.bucket : left.text < right.text;
  });
  return entries;
}

void write_image(const FrozenHeader& header, const std::vector<Entry>& entries, std::byte* image) noexcept {
  auto* index = reinterpret_cast<std::uint32_t*>(image + sizeof header);
  char* const region = reinterpret_cast<char*>(index + header.buckets + 1);
  std::memcpy(region, keyword_bytes().data(), keyword_bytes().size());
  char* out = region + keyword_bytes().size();
  std::size_t next = 0;
  for (std::uint32_t bucket = 0; bucket < header.buckets; ++bucket) {
    index[bucket] = static_cast<std::uint32_t>(out - region);
    for (; next < entries.size() && entries[next].bucket == bucket; ++next) out = write_entry(entries[next], out);
  }
  index[header.buckets] = static_cast<std::uint32_t>(out - region);
  std::memcpy(image, &header, sizeof header);
  const std::uint64_t checksum = checksum_of(image, header.image_bytes);
  std::memcpy(image + offsetof(FrozenHeader, checksum), &checksum, sizeof checksum);
}

}  // namespace

FrozenResult FrozenInterner::freeze(const Interner& interner, std::optional<std::uint64_t> seed) noexcept try {
  FrozenResult result;
  if (interner.core_ == nullptr) {
    result.status = FrozenStatus::no_interner;
    return result;
  }
  detail::InternerCore& core = *interner.core_;
  std::size_t texts = 0;
  core.for_each_text([&](std::string_view /*text*/) { ++texts; });
  FrozenHeader header{.magic = detail::frozen_magic, .keywords = keywords_hash(), .texts = texts};
  header.buckets = static_cast<std::uint32_t>((texts + detail::keyword_block.words) / detail::texts_per_bucket + 1);
  header.secrets = detail::make_secrets(seed);
  const std::vector<Entry> entries = collect(core, header);
  header.region_bytes = keyword_bytes().size();
  for (const Entry& entry : entries) header.region_bytes += entry.bytes();
  if (header.region_bytes > UINT32_MAX) {
    result.status = FrozenStatus::too_large;
    return result;
  }
  header.image_bytes = sizeof header + (header.buckets + std::size_t{1}) * sizeof(std::uint32_t) + header.region_bytes;
  auto* image = static_cast<std::byte*>(try_allocate_memory(header.image_bytes, memory_alignment));
  if (image == nullptr) throw_bad_alloc();
  write_image(header, entries, image);
  result.status = result.interner.use(image, header.image_bytes, Storage::heap);
  return result;
} catch (const std::bad_alloc&) {
  FrozenResult failed;
  failed.status = FrozenStatus::out_of_memory;
  return failed;
}

/// Takes the image over, good or not; only a good one is searched afterwards.
FrozenStatus FrozenInterner::use(const std::byte* image, std::size_t bytes, Storage storage) noexcept {
  FrozenInterner taken;
  taken.image_ = image;
  taken.image_bytes_ = bytes;
  taken.storage_ = storage;
  if (bytes < sizeof(FrozenHeader) || reinterpret_cast<std::uintptr_t>(image) % alignof(FrozenHeader) != 0) {
    return FrozenStatus::not_an_image;
  }
  const FrozenHeader& header = *reinterpret_cast<const FrozenHeader*>(image);
  if (header.magic != detail::frozen_magic) return FrozenStatus::not_an_image;
  if (header.keywords != keywords_hash()) return FrozenStatus::other_version;
  const std::size_t index_bytes = (std::size_t{header.buckets} + 1) * sizeof(std::uint32_t);
  const bool has_its_size = header.image_bytes == bytes && header.buckets != 0 && header.region_bytes <= UINT32_MAX &&
                            header.region_bytes >= keyword_bytes().size() &&
                            sizeof header + index_bytes + header.region_bytes == bytes;
  if (!has_its_size || header.checksum != checksum_of(image, bytes)) return FrozenStatus::damaged;
  taken.index_ = reinterpret_cast<const std::uint32_t*>(image + sizeof header);
  taken.region_ = reinterpret_cast<const char*>(taken.index_ + header.buckets + 1);
  taken.region_bytes_ = header.region_bytes;
  taken.texts_ = header.texts;
  if (!taken.has_sound_buckets(header.buckets)) return FrozenStatus::damaged;
  swap(taken);
  return FrozenStatus::ok;
}

/// A checksum is no lock: whoever makes an image with intent makes a fitting one. So each entry is walked over once.
bool FrozenInterner::has_sound_buckets(std::uint32_t buckets) const noexcept {
  if (std::string_view(region_, keyword_bytes().size()) != keyword_bytes()) return false;
  std::size_t place = keyword_bytes().size();
  for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) {
    const std::size_t end = index_[bucket + 1];
    if (index_[bucket] != place || end < place || end > region_bytes_) return false;
    while (place < end) {
      if (region_[place] == 0) {
        std::uint32_t keyword_place = 0;
        if (end - place < detail::frozen_keyword_entry_bytes) return false;
        std::memcpy(&keyword_place, region_ + place + 1, sizeof keyword_place);
        const auto words_end = detail::keyword_block.places.begin() + detail::keyword_block.words;
        if (std::find(detail::keyword_block.places.begin(), words_end, keyword_place) == words_end) return false;
        place += detail::frozen_keyword_entry_bytes;
        continue;
      }
      const std::optional<std::string_view> text = text_within(place + 1, end);
      if (!text.has_value()) return false;
      place = static_cast<std::size_t>(text->data() + text->size() - region_);
    }
  }
  return place == region_bytes_;
}

}  // namespace bursar
