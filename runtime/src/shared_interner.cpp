// The shared interner: a table of fixed size and the texts behind it, in shared memory that Boost.Interprocess maps.
#include "bursar/shared_interner.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <utility>

#include "runtime/src/interner_core.h"

namespace bursar {

namespace shm = boost::interprocess;

namespace {

constexpr std::uint64_t shared_magic = 0x31'52'48'53'4e'49'53'42;  // "BSINSHR1", read as a number
constexpr mode_t owner_only = 0600;

/// Held by a thread of whatever process. One whose holder has died is taken over: whatever that one left half done is not in the table, or
/// is whole (see add_locked).
class RobustLock {
 public:
  explicit RobustLock(pthread_mutex_t& mutex) noexcept : mutex_(mutex) {
    if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) static_cast<void>(pthread_mutex_consistent(&mutex_));
  }
  ~RobustLock() { static_cast<void>(pthread_mutex_unlock(&mutex_)); }
  RobustLock(const RobustLock&) = delete;
  RobustLock& operator=(const RobustLock&) = delete;

 private:
  pthread_mutex_t& mutex_;
};

bool make_robust(pthread_mutex_t& mutex) noexcept {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  // Boost's interprocess_mutex is not robust: one process that dies in it would stop all others.
  const bool is_made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                       pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                       pthread_mutex_init(&mutex, &attributes) == 0;
  static_cast<void>(pthread_mutexattr_destroy(&attributes));
  return is_made;
}

SharedStatus status_of(const shm::interprocess_exception& error) noexcept {
  switch (error.get_error_code()) {
    case shm::already_exists_error: return SharedStatus::exists;
    case shm::not_found_error: return SharedStatus::not_found;
    case shm::out_of_memory_error:
    case shm::out_of_space_error:
    case shm::size_error: return SharedStatus::out_of_memory;
    default: return SharedStatus::refused;
  }
}

}  // namespace

/// | header | buckets | region: the block of the keywords, then texts |
struct SharedInterner::Header {
  std::atomic<std::uint64_t> magic;  // stored last: until then the rest is not there
  std::uint64_t keywords_bytes;
  std::uint64_t mapped_bytes;
  std::uint64_t region_bytes;
  std::uint64_t texts_max;
  std::uint64_t count_bits;
  std::array<std::uint64_t, 4> secrets;
  pthread_mutex_t mutex;
  std::atomic<std::uint64_t> texts;
  std::uint64_t region_used;  // under the mutex

  [[nodiscard]] detail::SymbolBuckets buckets() noexcept {
    constexpr std::size_t line_bytes = alignof(detail::SymbolBucket);
    constexpr std::size_t header_bytes = (sizeof(Header) + line_bytes - 1) / line_bytes * line_bytes;
    auto* first = reinterpret_cast<detail::SymbolBucket*>(reinterpret_cast<char*>(this) + header_bytes);
    return {first, static_cast<unsigned>(count_bits)};
  }
  [[nodiscard]] char* region() noexcept { return reinterpret_cast<char*>(buckets().buckets() + buckets().count()); }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "processes share no lock but the mutex");

struct SharedInterner::Layout {
  std::size_t texts_max = 0;
  std::size_t region_bytes = 0;
  unsigned count_bits = 0;
  std::size_t mapped_bytes = 0;  ///< 0: the sizes are beyond what symbols can name

  explicit Layout(const SharedInternerOptions& options) noexcept : texts_max(options.texts_max) {
    constexpr std::size_t region_bytes_max = UINT32_MAX;
    if (options.text_bytes_max > region_bytes_max || options.texts_max > region_bytes_max) return;
    region_bytes = detail::keyword_block.bytes_used + options.text_bytes_max + options.texts_max;
    if (region_bytes > region_bytes_max) return;
    while (detail::SymbolBuckets(nullptr, count_bits).texts_max() < texts_max + detail::keyword_block.words)
      ++count_bits;
    // The header's own bytes are rounded up to a line of the cache.
    mapped_bytes = sizeof(Header) + alignof(detail::SymbolBucket) + detail::SymbolBuckets(nullptr, count_bits).bytes() +
                   region_bytes;
  }
};

const char* to_text(SharedStatus status) noexcept {
  switch (status) {
    case SharedStatus::ok: return "no error";
    case SharedStatus::out_of_memory: return "not enough shared memory";
    case SharedStatus::exists: return "there is a shared interner of that name";
    case SharedStatus::not_found: return "there is no shared interner of that name";
    case SharedStatus::not_ready: return "the shared interner is being made, or its maker died";
    case SharedStatus::not_one: return "not a shared interner of this version";
    case SharedStatus::refused: return "the system refuses the shared memory";
  }
  return "unknown error";
}

struct SharedInterner::Mapping {
  shm::mapped_region region;
};

SharedResult SharedInterner::create(const char* name, const SharedInternerOptions& options) noexcept {
  SharedResult result;
  result.status = SharedStatus::out_of_memory;
  const Layout layout(options);
  if (layout.mapped_bytes == 0) return result;
  bool has_name = false;
  try {
    shm::shared_memory_object memory(shm::create_only, name, shm::read_write, shm::permissions(owner_only));
    has_name = true;
    // Claimed, not only sized: what is not there would end the process when it is touched, not here.
    if (posix_fallocate(memory.get_mapping_handle().handle, 0, static_cast<off_t>(layout.mapped_bytes)) == 0) {
      result.interner.mapping_ = new Mapping{shm::mapped_region(memory, shm::read_write)};
      result.status = result.interner.format(layout);
    }
  } catch (const shm::interprocess_exception& error) {
    result.status = status_of(error);
  } catch (const std::bad_alloc&) {
    result.status = SharedStatus::out_of_memory;
  }
  if (has_name && !result) remove(name);
  return result;
}

SharedResult SharedInterner::open(const char* name) noexcept {
  SharedResult result;
  try {
    shm::shared_memory_object memory(shm::open_only, name, shm::read_write);
    shm::offset_t bytes = 0;
    if (!memory.get_size(bytes) || bytes == 0) {
      result.status = SharedStatus::not_ready;
      return result;
    }
    result.interner.mapping_ = new Mapping{shm::mapped_region(memory, shm::read_write)};
    result.status = result.interner.check();
  } catch (const shm::interprocess_exception& error) {
    result.status = status_of(error);
  } catch (const std::bad_alloc&) {
    result.status = SharedStatus::out_of_memory;
  }
  return result;
}

/// As Boost does it, but without memory: a name that cannot be taken away for want of it would stay for ever.
bool SharedInterner::remove(const char* name) noexcept {
  std::array<char, NAME_MAX + 2> path;
  const int length = std::snprintf(path.data(), path.size(), "%s%s", name[0] == '/' ? "" : "/", name);
  return length > 0 && static_cast<std::size_t>(length) < path.size() && shm_unlink(path.data()) == 0;
}

SharedInterner::SharedInterner(SharedInterner&& other) noexcept { swap(other); }

SharedInterner& SharedInterner::operator=(SharedInterner&& other) noexcept {
  SharedInterner taken(std::move(other));
  swap(taken);
  return *this;
}

SharedInterner::~SharedInterner() { delete mapping_; }

InternResult SharedInterner::try_intern(std::string_view text) noexcept {
  if (text.empty()) return {};
  if (header_ == nullptr) [[unlikely]]
    return {Symbol(), InternStatus::no_interner};
  const std::uint64_t hash = detail::TextHash(header_->secrets)(text);
  if (const std::uint32_t place = find_place(hash, text); place != 0)
    return {Symbol(SymbolId{place}), InternStatus::ok};
  const RobustLock lock(header_->mutex);
  if (const std::uint32_t place = find_place(hash, text); place != 0)
    return {Symbol(SymbolId{place}), InternStatus::ok};
  return add_locked(hash, text);
}

std::optional<Symbol> SharedInterner::find(std::string_view text) const noexcept {
  if (text.empty()) return Symbol();
  if (header_ == nullptr) [[unlikely]]
    return std::nullopt;
  const std::uint32_t place = find_place(detail::TextHash(header_->secrets)(text), text);
  return place == 0 ? std::nullopt : std::optional(Symbol(SymbolId{place}));
}

std::size_t SharedInterner::texts() const noexcept {
  return header_ == nullptr ? 0 : header_->texts.load(std::memory_order_relaxed);
}

void SharedInterner::throw_error(InternStatus status) { throw InternError(status); }

std::uint32_t SharedInterner::find_place(std::uint64_t hash, std::string_view text) const noexcept {
  return header_->buckets().find(hash, [&](std::uint32_t place) {
    const std::string_view there = detail::text_at(region_ + place);
    return there.size() == text.size() && detail::are_equal(there.data(), text.data(), text.size());
  });
}

/// At whichever step a process dies, the set is whole: bytes that are claimed and not in the table are only lost, and a slot whose place is
/// there and whose tag is not finds nothing.
InternResult SharedInterner::add_locked(std::uint64_t hash, std::string_view text) noexcept {
  if (header_->texts.load(std::memory_order_relaxed) >= header_->texts_max)
    return {Symbol(), InternStatus::count_limit};
  const std::size_t used = header_->region_used;
  const std::size_t bytes = detail::entry_bytes(text);
  if (bytes > header_->region_bytes - used) return {Symbol(), InternStatus::bytes_limit};
  header_->region_used = used + bytes;
  // Before the text is in the table: a count that is one too high does not let the table overflow.
  header_->texts.fetch_add(1, std::memory_order_relaxed);
  detail::write_entry(region_ + used, text);
  header_->buckets().insert(hash, static_cast<std::uint32_t>(used));
  return {Symbol(SymbolId{static_cast<std::uint32_t>(used)}), InternStatus::ok};
}

/// Fresh memory is zero: buckets are empty as they are.
SharedStatus SharedInterner::format(const Layout& layout) noexcept {
  header_ = new (mapping_->region.get_address()) Header{};
  header_->keywords_bytes = detail::keyword_block.bytes_used;
  header_->mapped_bytes = layout.mapped_bytes;
  header_->region_bytes = layout.region_bytes;
  header_->texts_max = layout.texts_max;
  header_->count_bits = layout.count_bits;
  header_->secrets = detail::make_secrets({});
  if (!make_robust(header_->mutex)) return SharedStatus::refused;
  region_ = header_->region();
  std::memcpy(region_, detail::keyword_block.bytes.data(), detail::keyword_block.bytes_used);
  header_->region_used = detail::keyword_block.bytes_used;
  const detail::TextHash hash(header_->secrets);
  for (std::size_t index = 0; index < detail::keyword_block.words; ++index) {
    header_->buckets().insert(hash(detail::keyword_block.word(index)), detail::keyword_block.places[index]);
  }
  // Pairs with the acquire in check().
  header_->magic.store(shared_magic, std::memory_order_release);
  return SharedStatus::ok;
}

SharedStatus SharedInterner::check() noexcept {
  const std::size_t bytes = mapping_->region.get_size();
  if (bytes < sizeof(Header)) return SharedStatus::not_one;
  auto* header = static_cast<Header*>(mapping_->region.get_address());
  const std::uint64_t magic = header->magic.load(std::memory_order_acquire);
  if (magic == 0) return SharedStatus::not_ready;
  constexpr std::uint64_t count_bits_max = 32;
  const bool is_one = magic == shared_magic && header->mapped_bytes <= bytes && header->count_bits <= count_bits_max &&
                      header->keywords_bytes == detail::keyword_block.bytes_used;
  if (!is_one) return SharedStatus::not_one;
  const auto region_offset = static_cast<std::size_t>(header->region() - reinterpret_cast<char*>(header));
  if (region_offset > bytes || header->region_bytes > bytes - region_offset) return SharedStatus::not_one;
  header_ = header;
  region_ = header->region();
  return SharedStatus::ok;
}

void SharedInterner::swap(SharedInterner& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(header_, other.header_);
  std::swap(region_, other.region_);
}

}  // namespace bursar
