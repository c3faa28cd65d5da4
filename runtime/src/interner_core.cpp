// Finds texts without a lock, and adds them under a shard's.
#include "runtime/src/interner_core.h"

#include <sys/random.h>

#include <ctime>

#include "bursar/bursar.h"
#include "bursar/memory.h"

namespace bursar::detail {

namespace {

/// A shard begins with one page of buckets: 672 texts.
constexpr unsigned first_count_bits = 6;
static_assert(sizeof(SymbolBucket) << first_count_bits == 4096);

/// Texts from here on get a row of blocks of their own, so that no block's end is left empty for them.
constexpr std::size_t own_row_bytes = symbol_block_bytes / 4;

/// Behind the word in which a row keeps the number of its blocks.
constexpr std::size_t row_head_bytes = sizeof(std::uint64_t);

SymbolBuckets unpacked(std::uintptr_t table) noexcept {
  constexpr std::uintptr_t bits_mask = sizeof(SymbolBucket) - 1;
  return {reinterpret_cast<SymbolBucket*>(table & ~bits_mask), static_cast<unsigned>(table & bits_mask)};
}

std::uintptr_t packed(const SymbolBuckets& table) noexcept {
  return reinterpret_cast<std::uintptr_t>(table.buckets()) | table.count_bits();
}

/// What a thread has counted and not yet told bursar.
struct InternBatch {
  std::uint32_t calls_left = 1;
  std::uint32_t calls = 1;  // with which it began
  std::int64_t added = 0;
  std::int64_t saved_bytes = 0;
};
constinit thread_local InternBatch intern_batch;

/// Four atomic additions after so many calls cost less than 0.1 ns a call.
constexpr std::uint32_t batch_calls = 1024;

void tell_batch(std::uint32_t next_calls) noexcept {
  if (&bursar_metrics_count != nullptr) {
    if (intern_batch.added != 0) bursar_metrics_count(BURSAR_INTERNED_STRINGS, intern_batch.added);
    if (intern_batch.saved_bytes != 0) bursar_metrics_count(BURSAR_INTERNER_SAVED_BYTES, intern_batch.saved_bytes);
    // Each call is a hit or adds a text.
    const std::int64_t hits = std::int64_t{intern_batch.calls - intern_batch.calls_left} - intern_batch.added;
    if (hits != 0) bursar_metrics_count(BURSAR_CACHE_HITS, hits);
    if (intern_batch.added != 0) bursar_metrics_count(BURSAR_CACHE_MISSES, intern_batch.added);
  }
  intern_batch = {.calls_left = next_calls, .calls = next_calls};
}

struct TellAtThreadEnd {
  ~TellAtThreadEnd() { tell_batch(1); }
};

[[gnu::noinline]] void end_batch() noexcept {
  thread_local TellAtThreadEnd at_thread_end;
  static_cast<void>(at_thread_end);
  tell_batch(batch_calls);
}

/// A text that was there: its bytes are not kept again.
void count_hit(std::size_t bytes) noexcept {
  intern_batch.saved_bytes += static_cast<std::int64_t>(bytes);
  if (--intern_batch.calls_left == 0) [[unlikely]]
    end_batch();
}

void count_added() noexcept {
  ++intern_batch.added;
  if (--intern_batch.calls_left == 0) [[unlikely]]
    end_batch();
}

Symbol symbol_at(std::uint32_t block, std::size_t offset) noexcept {
  return Symbol(SymbolId{block << symbol_place_bits | static_cast<std::uint32_t>(offset)});
}

std::size_t shard_count_of(std::uint32_t wanted) noexcept {
  const std::size_t count = wanted == 0 ? 1 : wanted;
  return count >= InternerCore::shards_max ? InternerCore::shards_max : std::bit_ceil(count);
}

}  // namespace

std::array<std::uint64_t, 4> make_secrets(std::optional<std::uint64_t> seed) noexcept {
  std::array<std::uint64_t, 4> secrets{};
  if (!seed.has_value()) {
    if (getrandom(secrets.data(), sizeof secrets, 0) == static_cast<ssize_t>(sizeof secrets)) return secrets;
    // Only where the system has no such call: better than a constant.
    timespec now{};
    static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &now));
    seed = static_cast<std::uint64_t>(now.tv_nsec) ^ reinterpret_cast<std::uintptr_t>(&secrets);
  }
  for (std::uint64_t& secret : secrets) secret = TextHash::next_random(*seed);
  return secrets;
}

InternerCore* InternerCore::try_make(const InternerOptions& options) noexcept {
  void* memory = try_allocate_memory(sizeof(InternerCore), alignof(InternerCore));
  if (memory == nullptr) return nullptr;
  auto* core = new (memory) InternerCore(options, shard_count_of(options.shards));
  if (core->blocks_.has_directory() && core->preload_keywords()) return core;
  destroy(core);
  return nullptr;
}

void InternerCore::destroy(InternerCore* core) noexcept {
  if (core == nullptr) return;
  core->~InternerCore();
  deallocate_memory(core, sizeof(InternerCore), alignof(InternerCore));
}

InternResult InternerCore::intern(std::string_view text) noexcept {
  if (text.empty()) return {};
  if (base_ != nullptr) {
    if (const std::optional<Symbol> symbol = base_->find(text)) {
      count_hit(text.size());
      return {*symbol, InternStatus::ok};
    }
  }
  const std::uint64_t hash = hash_(text);
  InternerShard& shard = shards_[shard_of(hash, shard_count_ - 1)];
  const std::uint32_t place = find_in(shard, hash, text);
  if (place == 0) [[unlikely]]
    return add(shard, hash, text);
  count_hit(text.size());
  return {Symbol(SymbolId{place}), InternStatus::ok};
}

std::optional<Symbol> InternerCore::find(std::string_view text) const noexcept {
  if (text.empty()) return Symbol();
  if (base_ != nullptr) {
    if (const std::optional<Symbol> symbol = base_->find(text)) return symbol;
  }
  const std::uint64_t hash = hash_(text);
  const std::uint32_t place = find_in(shards_[shard_of(hash, shard_count_ - 1)], hash, text);
  if (place == 0) return std::nullopt;
  return Symbol(SymbolId{place});
}

bool InternerCore::owns(Symbol symbol) const noexcept {
  const std::optional<std::string_view> text = blocks_.checked_text(static_cast<std::uint32_t>(symbol.id()));
  return text.has_value() && find(*text) == symbol;
}

InternerStats InternerCore::stats() noexcept {
  InternerStats stats{.texts = texts_.load(std::memory_order_relaxed),
                      .text_bytes = text_bytes_.load(std::memory_order_relaxed)};
  for (std::size_t index = 0; index < shard_count_; ++index) {
    InternerShard& shard = shards_[index];
    const std::lock_guard lock(shard.mutex);
    stats.block_bytes += shard.block_bytes;
    stats.table_bytes += unpacked(shard.table.load(std::memory_order_relaxed)).bytes();
  }
  return stats;
}

void InternerCore::lock_all() noexcept {
  for (std::size_t index = 0; index < shard_count_; ++index) shards_[index].mutex.lock();
  blocks_.mutex().lock();
}

void InternerCore::unlock_all() noexcept {
  blocks_.mutex().unlock();
  for (std::size_t index = 0; index < shard_count_; ++index) shards_[index].mutex.unlock();
}

InternerCore::InternerCore(const InternerOptions& options, std::size_t shard_count) noexcept
    : pages_(options.pages != nullptr ? *options.pages : system_pages),
      base_(options.base),
      hash_(make_secrets(options.seed)),
      shard_count_(shard_count),
      texts_max_(options.texts_max),
      text_bytes_max_(options.text_bytes_max),
      blocks_(pages_, options.blocks_max, options.base) {}

InternerCore::~InternerCore() {
  auto release = [this](std::uintptr_t table) {
    if (table != 0) pages_.release(unpacked(table).buckets(), unpacked(table).bytes());
  };
  for (InternerShard& shard : shards_) {
    release(shard.table.load(std::memory_order_relaxed));
    for (std::size_t index = 0; index < shard.retired_count; ++index) release(shard.retired[index]);
  }
}

inline bool InternerCore::is_text_at(std::uint32_t place, std::string_view text) const noexcept {
  const std::string_view there = text_at(entry_of(blocks_.directory(), SymbolId{place}));
  return there.size() == text.size() && are_equal(there.data(), text.data(), text.size());
}

inline std::uint32_t InternerCore::find_in(const InternerShard& shard, std::uint64_t hash,
                                           std::string_view text) const noexcept {
  // Pairs with the release in has_room_locked(): the buckets are filled before they are seen.
  const SymbolBuckets table = unpacked(shard.table.load(std::memory_order_acquire));
  return table.find(hash, [&](std::uint32_t place) { return is_text_at(place, text); });
}

[[gnu::noinline]] InternResult InternerCore::add(InternerShard& shard, std::uint64_t hash,
                                                 std::string_view text) noexcept {
  const std::lock_guard lock(shard.mutex);
  // Another thread may have added it, or the table have been replaced, since it was looked for.
  if (const std::uint32_t place = find_in(shard, hash, text); place != 0) {
    count_hit(text.size());
    return {Symbol(SymbolId{place}), InternStatus::ok};
  }
  if (const InternStatus status = reserve(text); status != InternStatus::ok) return {Symbol(), status};
  const InternResult result = add_locked(shard, hash, text);
  if (!result) {
    unreserve(text);
    return result;
  }
  count_added();
  return result;
}

InternResult InternerCore::add_locked(InternerShard& shard, std::uint64_t hash, std::string_view text) noexcept {
  if (!has_room_locked(shard)) return {Symbol(), InternStatus::out_of_memory};
  const InternResult written = write_text_locked(shard, text);
  if (!written) return written;
  unpacked(shard.table.load(std::memory_order_relaxed)).insert(hash, static_cast<std::uint32_t>(written.symbol.id()));
  ++shard.texts;
  return written;
}

/// Twice the buckets where one more text would be too many. The old ones stay readable, empty, for who is just looking into them.
bool InternerCore::has_room_locked(InternerShard& shard) noexcept {
  const std::uintptr_t old_word = shard.table.load(std::memory_order_relaxed);
  const SymbolBuckets old = unpacked(old_word);
  if (old_word != 0 && shard.texts < old.texts_max()) return true;
  const SymbolBuckets sized(nullptr, old_word == 0 ? first_count_bits : old.count_bits() + 1);
  auto* buckets = static_cast<SymbolBucket*>(pages_.acquire(sized.bytes()));
  if (buckets == nullptr) return false;
  SymbolBuckets table(buckets, sized.count_bits());
  if (old_word != 0) {
    old.for_each_place([&](std::uint32_t place) {
      table.insert(hash_(text_at(entry_of(blocks_.directory(), SymbolId{place}))), place);
    });
  }
  shard.table.store(packed(table), std::memory_order_release);
  if (old_word != 0) {
    shard.retired[shard.retired_count++] = old_word;
    pages_.discard(old.buckets(), old.bytes());
  }
  return true;
}

InternResult InternerCore::write_text_locked(InternerShard& shard, std::string_view text) noexcept {
  const std::size_t bytes = entry_bytes(text);
  if (bytes > own_row_bytes) {
    const std::size_t count = (row_head_bytes + bytes + symbol_block_bytes - 1) / symbol_block_bytes;
    const TextBlocks::Row row = blocks_.acquire(count);
    if (row.bytes == nullptr) return {Symbol(), row.status};
    write_entry(row.bytes + row_head_bytes, text);
    shard.block_bytes += row_head_bytes + bytes;
    return {symbol_at(row.first_block, row_head_bytes), InternStatus::ok};
  }
  if (bytes > symbol_block_bytes - shard.block_used) {
    const TextBlocks::Row row = blocks_.acquire(1);
    if (row.bytes == nullptr) return {Symbol(), row.status};
    shard.block = row.bytes;
    shard.first_block = row.first_block;
    shard.block_used = row_head_bytes;
    shard.block_bytes += row_head_bytes;
  }
  write_entry(shard.block + shard.block_used, text);
  const Symbol symbol = symbol_at(shard.first_block, shard.block_used);
  shard.block_used += bytes;
  shard.block_bytes += bytes;
  return {symbol, InternStatus::ok};
}

/// Counts a text that is about to be added, where the limits allow.
InternStatus InternerCore::reserve(std::string_view text) noexcept {
  if (texts_.fetch_add(1, std::memory_order_relaxed) >= texts_max_) {
    texts_.fetch_sub(1, std::memory_order_relaxed);
    return InternStatus::count_limit;
  }
  const std::size_t before = text_bytes_.fetch_add(text.size(), std::memory_order_relaxed);
  if (before > text_bytes_max_ || text.size() > text_bytes_max_ - before) {
    unreserve(text);
    return InternStatus::bytes_limit;
  }
  return InternStatus::ok;
}

void InternerCore::unreserve(std::string_view text) noexcept {
  texts_.fetch_sub(1, std::memory_order_relaxed);
  text_bytes_.fetch_sub(text.size(), std::memory_order_relaxed);
}

SymbolBuckets InternerCore::buckets_of(const InternerShard& shard) noexcept {
  return unpacked(shard.table.load(std::memory_order_relaxed));
}

/// The keywords stand in block 0 already: only their places go into the table. A base finds them by itself.
bool InternerCore::preload_keywords() noexcept {
  for (std::size_t index = 0; index < shard_count_; ++index) {
    if (!has_room_locked(shards_[index])) return false;
  }
  if (base_ != nullptr) return true;
  for (std::size_t index = 0; index < keyword_block.words; ++index) {
    const std::uint64_t hash = hash_(keyword_block.word(index));
    InternerShard& shard = shards_[shard_of(hash, shard_count_ - 1)];
    unpacked(shard.table.load(std::memory_order_relaxed)).insert(hash, keyword_block.places[index]);
    ++shard.texts;
  }
  return true;
}

}  // namespace bursar::detail
