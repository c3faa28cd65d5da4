// Blocks of text, and the directory that finds them.
#include <sys/mman.h>

#include <algorithm>

#include "runtime/src/interner_core.h"

namespace bursar::detail {

namespace {

void* acquire_system_pages(std::size_t bytes) noexcept {
  // No reserve: of a directory a page or two is ever touched.
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void release_system_pages(void* pages, std::size_t bytes) noexcept {
  // Fails only for what is no mapping; then nothing is lost but the addresses.
  static_cast<void>(munmap(pages, bytes));
}

void discard_system_pages(void* pages, std::size_t bytes) noexcept {
  // Fails where pages are locked: they stay then, with what they hold.
  static_cast<void>(madvise(pages, bytes, MADV_DONTNEED));
}

constexpr std::size_t directory_bytes(std::size_t blocks_max) {
  constexpr std::size_t page_bytes = 4096;
  return (blocks_max * sizeof(BlockDirectory) + page_bytes - 1) / page_bytes * page_bytes;
}

constexpr std::size_t blocks_of(std::size_t bytes) { return (bytes + symbol_block_bytes - 1) / symbol_block_bytes; }

// The first word of a row: how many blocks it has. The texts come behind it.
using RowBlocks = std::uint64_t;

}  // namespace

constinit const BlockDirectory keywords_alone[1] = {keyword_block.bytes.data()};

const PageSource system_pages{acquire_system_pages, release_system_pages, discard_system_pages};

constinit std::atomic<const BlockDirectory*> global_directory{keywords_alone};

TextBlocks::TextBlocks(const PageSource& pages, std::uint32_t blocks_max, const FrozenInterner* base) noexcept
    : pages_(pages),
      base_bytes_(base != nullptr ? base->region_bytes_ : keyword_block.bytes_used),
      base_blocks_(blocks_of(base_bytes_)),
      blocks_max_(std::clamp<std::size_t>(blocks_max, base_blocks_, symbol_blocks_max)),
      blocks_used_(base_blocks_) {
  // Zeroed pages are null pointers.
  directory_ = static_cast<BlockDirectory*>(pages_.acquire(directory_bytes(blocks_max_)));
  if (directory_ == nullptr) return;
  const char* const region = base != nullptr ? base->region_ : keyword_block.bytes.data();
  for (std::size_t block = 0; block < base_blocks_; ++block) {
    directory_[block].store(region + block * symbol_block_bytes, std::memory_order_relaxed);
  }
}

TextBlocks::~TextBlocks() {
  if (directory_ == nullptr) return;
  for (std::size_t block = base_blocks_; block < blocks_used_;) {
    char* row = const_cast<char*>(directory_[block].load(std::memory_order_relaxed));
    RowBlocks count = 0;
    std::memcpy(&count, row, sizeof count);
    pages_.release(row, count * symbol_block_bytes);
    block += count;
  }
  pages_.release(directory_, directory_bytes(blocks_max_));
}

TextBlocks::Row TextBlocks::acquire(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  if (count > blocks_max_ - blocks_used_) return {.status = InternStatus::symbols_exhausted};
  auto* row = static_cast<char*>(pages_.acquire(count * symbol_block_bytes));
  if (row == nullptr) return {.status = InternStatus::out_of_memory};
  const RowBlocks blocks = count;
  std::memcpy(row, &blocks, sizeof blocks);
  const std::size_t first = blocks_used_;
  for (std::size_t index = 0; index < count; ++index) {
    // Relaxed: who reads it has a place from this row, which is published by a release.
    directory_[first + index].store(row + index * symbol_block_bytes, std::memory_order_relaxed);
  }
  blocks_used_ += count;
  return {.bytes = row, .first_block = static_cast<std::uint32_t>(first), .status = InternStatus::ok};
}

/// From a block's start to the end of what is mapped behind it without a gap.
std::size_t TextBlocks::readable_bytes(std::size_t block) const noexcept {
  if (block < base_blocks_) return base_bytes_ - block * symbol_block_bytes;
  const char* const start = directory_[block].load(std::memory_order_relaxed);
  std::size_t end = block + 1;
  while (end < blocks_used_ &&
         directory_[end].load(std::memory_order_relaxed) == start + (end - block) * symbol_block_bytes) {
    ++end;
  }
  return (end - block) * symbol_block_bytes;
}

std::optional<std::string_view> TextBlocks::checked_text(std::uint32_t place) const noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t block = place >> symbol_place_bits;
  if (block >= blocks_used_) return std::nullopt;
  const std::size_t offset = place & (symbol_block_bytes - 1);
  const std::size_t readable = readable_bytes(block);
  if (offset >= readable) return std::nullopt;
  const char* const entry = directory_[block].load(std::memory_order_relaxed) + offset;
  const bool is_long = static_cast<unsigned char>(*entry) == long_text_mark;
  const std::size_t head_bytes = is_long ? long_text_head_bytes : 1;
  if (readable - offset < head_bytes) return std::nullopt;
  const std::string_view text = text_at(entry);
  if (text.size() > readable - offset - head_bytes) return std::nullopt;
  return text;
}

}  // namespace bursar::detail
