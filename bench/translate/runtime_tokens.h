// The tokens of a file, on the runtime API.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/translate/symbol_cache.h"
#include "bench/translate/tokens.h"
#include "bursar/aligned_buffer.h"
#include "bursar/interner.h"

namespace bursar::translate {

/// A token: a place in the source. 12 bytes, since all tokens of a file are there at a time.
class TokenRecord {
 public:
  TokenRecord() = default;
  TokenRecord(const Lexeme& lexeme, std::uint32_t value_of_kind)
      : start(lexeme.start),
        value(value_of_kind),
        line_(std::min(lexeme.line, line_max) & line_max),
        op_(static_cast<std::uint32_t>(lexeme.op) & op_mask),
        kind_(static_cast<std::uint32_t>(lexeme.kind) & kind_mask) {}

  [[nodiscard]] TokenKind kind() const { return static_cast<TokenKind>(kind_); }
  [[nodiscard]] Operator op() const { return static_cast<Operator>(op_); }
  /// Of lines beyond the last one that has a number here, that.
  [[nodiscard]] std::uint32_t line() const { return line_; }

  std::uint32_t start;
  std::uint32_t value;  // a name's symbol, the length of others

 private:
  static constexpr std::uint32_t line_max = (std::uint32_t{1} << 22) - 1;
  static constexpr std::uint32_t op_mask = (std::uint32_t{1} << 6) - 1;
  static constexpr std::uint32_t kind_mask = (std::uint32_t{1} << 4) - 1;
  static_assert(static_cast<std::uint32_t>(Operator::not_equal) <= op_mask);
  static_assert(static_cast<std::uint32_t>(TokenKind::endmarker) <= kind_mask);

  std::uint32_t line_ : 22;
  std::uint32_t op_ : 6;
  std::uint32_t kind_ : 4;
};
static_assert(sizeof(TokenRecord) == 12);

/// Tokens in blocks of one size: more of them neither move those that are there nor leave holes in the heap.
class TokenBlocks {
 public:
  [[nodiscard]] const TokenRecord& operator[](std::size_t index) const {
    return blocks_[index / block_tokens][index % block_tokens];
  }
  /// Where the token of an index goes; indices rise one by one.
  [[nodiscard]] TokenRecord& place_of(std::size_t index) {
    if (index / block_tokens == blocks_.size()) [[unlikely]]
      blocks_.push_back(AlignedBuffer<TokenRecord>::for_overwrite(block_tokens));
    return blocks_[index / block_tokens][index % block_tokens];
  }
  /// Keeps what files of common size need.
  void trim() {
    constexpr std::size_t kept_blocks_max = 4;
    if (blocks_.size() > kept_blocks_max) blocks_.resize(kept_blocks_max);
  }

 private:
  static constexpr std::size_t block_tokens = 4096;  // 48 KiB
  std::vector<AlignedBuffer<TokenRecord>> blocks_;
};

/// The tokens of a file that a parser reads (comments and ends of lines within statements are only counted), in blocks that are kept for the next
/// one. Rows, not the columns of a Batch: the parser reads all of a token at once.
class RuntimeTokens {
 public:
  RuntimeTokens(std::string_view source, TokenBlocks& records, SymbolCache& symbols, const Interner& interner)
      : source_(source), records_(records), symbols_(symbols), interner_(interner) {}

  void add_encoding(std::string_view /*name*/) { add({Lexeme{.kind = TokenKind::encoding}, 0}); }
  void add_name(const Lexeme& lexeme) {
    const Symbol name = symbols_.intern({source_.data() + lexeme.start, lexeme.end - lexeme.start});
    add({lexeme, static_cast<std::uint32_t>(name.id())});
  }
  void add(const Lexeme& lexeme) { add({lexeme, lexeme.end - lexeme.start}); }
  void add_trivia(const Lexeme& /*lexeme*/) { ++trivia_; }

  /// How many were found.
  [[nodiscard]] std::size_t count() const { return size_ + trivia_; }
  /// How many are kept.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] TokenKind kind(std::size_t index) const { return records_[index].kind(); }
  [[nodiscard]] Operator op(std::size_t index) const { return records_[index].op(); }
  [[nodiscard]] std::uint32_t line(std::size_t index) const { return records_[index].line(); }
  /// What a parser asks of each token.
  [[nodiscard]] TokenHead head(std::size_t index) const {
    const TokenRecord& record = records_[index];
    const TokenKind kind = record.kind();
    return {kind, record.op(), Symbol(SymbolId{kind == TokenKind::name ? record.value : 0})};
  }
  [[nodiscard]] std::string_view text(std::size_t index) const {
    const TokenRecord& record = records_[index];
    if (record.kind() == TokenKind::name) return interner_.view(name(index));
    return source_.substr(record.start, record.value);
  }
  /// The source from where one token starts to where another does.
  [[nodiscard]] std::string_view between(std::size_t first, std::size_t last) const {
    return source_.substr(records_[first].start, records_[last].start - records_[first].start);
  }
  /// Of a name's token: the name itself, which is a keyword's symbol where it is one.
  [[nodiscard]] Symbol keyword(std::size_t index) const { return name(index); }
  [[nodiscard]] Symbol name(std::size_t index) const { return Symbol(SymbolId{records_[index].value}); }

 private:
  void add(const TokenRecord& record) { records_.place_of(size_++) = record; }

  std::string_view source_;
  TokenBlocks& records_;
  SymbolCache& symbols_;
  const Interner& interner_;
  std::size_t size_ = 0;
  std::size_t trivia_ = 0;
};

}  // namespace bursar::translate
