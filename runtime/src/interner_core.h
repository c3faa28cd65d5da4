// What an interner is made of: a table in shards over blocks of text.
#pragma once

#include <array>
#include <mutex>

#include "bursar/frozen_interner.h"
#include "bursar/interner.h"
#include "runtime/src/symbol_buckets.h"
#include "runtime/src/text_entry.h"
#include "runtime/src/text_hash.h"

namespace bursar::detail {

/// mmap, munmap, MADV_DONTNEED.
extern const PageSource system_pages;

/// What a program has before its first text is interned, and what an interner has that was moved from.
extern const BlockDirectory keywords_alone[1];

/// Out of a seed, or of the system's random numbers.
[[nodiscard]] std::array<std::uint64_t, 4> make_secrets(std::optional<std::uint64_t> seed) noexcept;

/// The texts' bytes: blocks of 64 KiB, and rows of blocks for texts that are long. Written by whoever holds the lock of the shard that cuts
/// from a block; read by all.
///   I1  the first base_blocks_ entries of the directory are the base's region (without a base: the block of the keywords), cut in blocks
///   I2  those up to blocks_used_ point into rows; a row's first word is the number of its blocks
class TextBlocks {
 public:
  TextBlocks(const PageSource& pages, std::uint32_t blocks_max, const FrozenInterner* base) noexcept;
  ~TextBlocks();
  TextBlocks(const TextBlocks&) = delete;
  TextBlocks& operator=(const TextBlocks&) = delete;

  [[nodiscard]] bool has_directory() const noexcept { return directory_ != nullptr; }
  [[nodiscard]] const BlockDirectory* directory() const noexcept { return directory_; }

  struct Row {
    char* bytes = nullptr;
    std::uint32_t first_block = 0;
    InternStatus status = InternStatus::ok;
  };
  /// `count` blocks in a row. Thread safe.
  [[nodiscard]] Row acquire(std::size_t count) noexcept;

  /// The text at a place that somebody claims to have, where the place lies in a block and the text ends within its row.
  [[nodiscard]] std::optional<std::string_view> checked_text(std::uint32_t place) const noexcept;

  std::mutex& mutex() noexcept { return mutex_; }

 private:
  [[nodiscard]] std::size_t readable_bytes(std::size_t block) const noexcept;

  const PageSource& pages_;
  const std::size_t base_bytes_;
  const std::size_t base_blocks_;
  const std::size_t blocks_max_;
  BlockDirectory* directory_ = nullptr;
  mutable std::mutex mutex_;
  std::size_t blocks_used_;  // under mutex_
};

/// One part of the table. Readers touch the first line alone.
///   I1  table packs a row of buckets (its address is a multiple of 64) and the bits of its count in the lowest six bits
///   I2  texts < texts_max of the table, places of the table are texts of blocks
///   I3  a retired table reads as zero, or as it was: whoever still looks into it misses, and looks again under the lock
struct alignas(64) InternerShard {
  std::atomic<std::uintptr_t> table{0};

  alignas(64) std::mutex mutex;
  std::size_t texts = 0;
  char* block = nullptr;
  std::uint32_t first_block = 0;
  std::size_t block_used = symbol_block_bytes;
  std::size_t block_bytes = 0;
  std::size_t retired_count = 0;
  std::array<std::uintptr_t, 48> retired{};
};

class InternerCore {
 public:
  static constexpr std::size_t shards_max = 64;

  /// Null without memory.
  [[nodiscard]] static InternerCore* try_make(const InternerOptions& options) noexcept;
  static void destroy(InternerCore* core) noexcept;

  [[nodiscard]] InternResult intern(std::string_view text) noexcept;
  [[nodiscard]] std::optional<Symbol> find(std::string_view text) const noexcept;
  [[nodiscard]] bool owns(Symbol symbol) const noexcept;
  [[nodiscard]] InternerStats stats() noexcept;
  [[nodiscard]] const BlockDirectory* directory() const noexcept { return blocks_.directory(); }

  /// Every text but keywords, those of the base too.
  template <typename Visit>
  void for_each_text(Visit visit) {
    if (base_ != nullptr) base_->for_each(visit);
    for (std::size_t index = 0; index < shard_count_; ++index) {
      const std::lock_guard lock(shards_[index].mutex);
      buckets_of(shards_[index]).for_each_place([&](std::uint32_t place) {
        if (place >= symbol_block_bytes) visit(text_at(entry_of(blocks_.directory(), SymbolId{place})));
      });
    }
  }

  /// Around fork: no shard is half changed in the child.
  void lock_all() noexcept;
  void unlock_all() noexcept;

 private:
  InternerCore(const InternerOptions& options, std::size_t shard_count) noexcept;
  ~InternerCore();

  [[nodiscard]] std::uint32_t find_in(const InternerShard& shard, std::uint64_t hash,
                                      std::string_view text) const noexcept;
  [[nodiscard]] bool is_text_at(std::uint32_t place, std::string_view text) const noexcept;
  [[nodiscard]] InternResult add(InternerShard& shard, std::uint64_t hash, std::string_view text) noexcept;
  [[nodiscard]] InternResult add_locked(InternerShard& shard, std::uint64_t hash, std::string_view text) noexcept;
  [[nodiscard]] bool has_room_locked(InternerShard& shard) noexcept;
  [[nodiscard]] InternResult write_text_locked(InternerShard& shard, std::string_view text) noexcept;
  [[nodiscard]] InternStatus reserve(std::string_view text) noexcept;
  void unreserve(std::string_view text) noexcept;
  [[nodiscard]] bool preload_keywords() noexcept;

  [[nodiscard]] static SymbolBuckets buckets_of(const InternerShard& shard) noexcept;

  const PageSource& pages_;
  const FrozenInterner* const base_;
  const TextHash hash_;
  const std::size_t shard_count_;
  const std::size_t texts_max_;
  const std::size_t text_bytes_max_;
  TextBlocks blocks_;
  alignas(64) std::atomic<std::size_t> texts_{0};
  std::atomic<std::size_t> text_bytes_{0};
  std::array<InternerShard, shards_max> shards_;
};

}  // namespace bursar::detail
