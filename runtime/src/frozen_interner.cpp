// Opens, checks and searches a frozen image.
#include "bursar/frozen_interner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "bursar/memory.h"
#include "runtime/src/frozen_image.h"
#include "runtime/src/interner_core.h"

namespace bursar {

using detail::FrozenHeader;

namespace {

/// Closes at the end of its scope, with errno as it was.
class File {
 public:
  explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    const int before = errno;
    if (descriptor_ >= 0) static_cast<void>(close(descriptor_));
    errno = before;
  }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

bool write_all(int descriptor, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

const char* to_text(FrozenStatus status) noexcept {
  switch (status) {
    case FrozenStatus::ok: return "no error";
    case FrozenStatus::out_of_memory: return "out of memory";
    case FrozenStatus::too_large: return "more than 4 GiB of text";
    case FrozenStatus::file_error: return "the file cannot be read or written";
    case FrozenStatus::not_an_image: return "not an image of an interner";
    case FrozenStatus::other_version: return "an image of another version: make it anew";
    case FrozenStatus::damaged: return "a damaged image: make it anew";
    case FrozenStatus::no_interner: return "an interner that has been moved from";
  }
  return "unknown error";
}

FrozenResult FrozenInterner::borrow(std::span<const std::byte> image) noexcept {
  FrozenResult result;
  result.status = result.interner.use(image.data(), image.size(), Storage::borrowed);
  return result;
}

FrozenResult FrozenInterner::open(const char* path) noexcept {
  FrozenResult result;
  result.status = FrozenStatus::file_error;
  const File file(::open(path, O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &about) != 0) return result;
  const auto bytes = static_cast<std::size_t>(about.st_size);
  if (bytes == 0) {
    result.status = FrozenStatus::not_an_image;
    return result;
  }
  void* mapping = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (mapping == MAP_FAILED) return result;
  result.status = result.interner.use(static_cast<const std::byte*>(mapping), bytes, Storage::mapped);
  return result;
}

FrozenStatus FrozenInterner::save(const char* path) const noexcept {
  if (path == nullptr) {
    errno = EFAULT;
    return FrozenStatus::file_error;
  }
  char beside[4096];
  const int length = std::snprintf(beside, sizeof beside, "%s.%ld.new", path, static_cast<long>(getpid()));
  if (length < 0 || static_cast<std::size_t>(length) >= sizeof beside) {
    errno = ENAMETOOLONG;
    return FrozenStatus::file_error;
  }
  const File file(::open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.descriptor() < 0) return FrozenStatus::file_error;
  if (write_all(file.descriptor(), image()) && fsync(file.descriptor()) == 0 && std::rename(beside, path) == 0) {
    return FrozenStatus::ok;
  }
  const int reason = errno;
  static_cast<void>(unlink(beside));
  errno = reason;
  return FrozenStatus::file_error;
}

FrozenInterner::FrozenInterner(FrozenInterner&& other) noexcept { swap(other); }

FrozenInterner& FrozenInterner::operator=(FrozenInterner&& other) noexcept {
  FrozenInterner taken(std::move(other));
  swap(taken);
  return *this;
}

FrozenInterner::~FrozenInterner() {
  auto* image = const_cast<std::byte*>(image_);
  if (storage_ == Storage::heap) deallocate_memory(image, image_bytes_, memory_alignment);
  if (storage_ == Storage::mapped) static_cast<void>(munmap(image, image_bytes_));
}

std::optional<Symbol> FrozenInterner::find(std::string_view text) const noexcept {
  if (text.empty()) return Symbol();
  if (image_ == nullptr) {
    const std::uint32_t place = detail::keyword_block.place_of(text);
    return place == 0 ? std::nullopt : std::optional(Symbol(SymbolId{place}));
  }
  const auto* header = reinterpret_cast<const FrozenHeader*>(image_);
  const std::uint64_t hash = detail::TextHash(header->secrets)(text);
  const std::size_t bucket = detail::frozen_bucket_of(hash, header->buckets);
  const unsigned char tag = detail::frozen_tag_of(hash);
  const char* const end = region_ + index_[bucket + 1];
  for (const char* entry = region_ + index_[bucket]; entry < end;) {
    if (*entry == 0) {
      std::uint32_t place = 0;
      std::memcpy(&place, entry + 1, sizeof place);
      if (detail::text_at(region_ + place) == text) return Symbol(SymbolId{place});
      entry += detail::frozen_keyword_entry_bytes;
      continue;
    }
    const std::string_view there = detail::text_at(entry + 1);
    if (static_cast<unsigned char>(*entry) == tag && there.size() == text.size() &&
        detail::are_equal(there.data(), text.data(), text.size())) {
      return Symbol(SymbolId{static_cast<std::uint32_t>(entry + 1 - region_)});
    }
    entry = there.data() + there.size();
  }
  return std::nullopt;
}

bool FrozenInterner::owns(Symbol symbol) const noexcept {
  const std::optional<std::string_view> text = text_within(static_cast<std::uint32_t>(symbol.id()), region_bytes_);
  return text.has_value() && find(*text) == symbol;
}

void FrozenInterner::swap(FrozenInterner& other) noexcept {
  std::swap(image_, other.image_);
  std::swap(image_bytes_, other.image_bytes_);
  std::swap(index_, other.index_);
  std::swap(region_, other.region_);
  std::swap(region_bytes_, other.region_bytes_);
  std::swap(texts_, other.texts_);
  std::swap(storage_, other.storage_);
}

/// The text whose length stands at a place, where all of it lies before `end`.
std::optional<std::string_view> FrozenInterner::text_within(std::size_t place, std::size_t end) const noexcept {
  if (place >= end) return std::nullopt;
  const bool is_long = static_cast<unsigned char>(region_[place]) == detail::long_text_mark;
  const std::size_t head_bytes = is_long ? detail::long_text_head_bytes : 1;
  if (end - place < head_bytes) return std::nullopt;
  const std::string_view text = detail::text_at(region_ + place);
  if (text.size() > end - place - head_bytes) return std::nullopt;
  return text;
}

}  // namespace bursar
