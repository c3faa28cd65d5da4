// The translator's memory on the runtime API: an arena a file, symbols for names, tokens in columns, views of the source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/translate/read_source.h"
#include "bench/translate/tokens.h"
#include "bursar/arena_pool.h"
#include "bursar/batch.h"
#include "bursar/interner.h"

namespace bursar::translate {

/// A token as the columns have it.
struct TokenRecord {
  std::uint32_t start = 0;
  std::uint32_t value = 0;  // a name's symbol, the length of others
  std::uint32_t line = 0;
  TokenKind kind = TokenKind::endmarker;
  Operator op = Operator::none;
};
using TokenColumns =
    Batch<&TokenRecord::start, &TokenRecord::value, &TokenRecord::line, &TokenRecord::kind, &TokenRecord::op>;

/// The tokens of a file: places in its source, in columns that are kept for the next file.
class RuntimeTokens {
 public:
  RuntimeTokens(std::string_view source, TokenColumns& columns, Interner& interner)
      : source_(source), columns_(columns), interner_(interner) {
    columns_.clear();
  }

  void add_encoding(std::string_view /*name*/) { columns_.append(0U, 0U, 0U, TokenKind::encoding, Operator::none); }
  void add_name(const Lexeme& lexeme) {
    const Symbol name = interner_.intern(source_.substr(lexeme.start, lexeme.end - lexeme.start));
    columns_.append(lexeme.start, static_cast<std::uint32_t>(name.id()), lexeme.line, lexeme.kind, lexeme.op);
  }
  void add(const Lexeme& lexeme) {
    columns_.append(lexeme.start, lexeme.end - lexeme.start, lexeme.line, lexeme.kind, lexeme.op);
  }

  [[nodiscard]] std::size_t size() const { return columns_.size(); }
  [[nodiscard]] TokenKind kind(std::size_t index) const { return columns_.column<&TokenRecord::kind>()[index]; }
  [[nodiscard]] Operator op(std::size_t index) const { return columns_.column<&TokenRecord::op>()[index]; }
  [[nodiscard]] std::uint32_t line(std::size_t index) const { return columns_.column<&TokenRecord::line>()[index]; }

 private:
  std::string_view source_;
  TokenColumns& columns_;
  Interner& interner_;
};

struct RuntimeMemory {
  using Tokens = RuntimeTokens;

  /// What all files have in common: their names, and the arenas.
  struct Shared {
    explicit Shared(std::size_t threads) : interner(options_for(threads)) {}
    static InternerOptions options_for(std::size_t threads) {
      InternerOptions options;
      options.shards = static_cast<std::uint32_t>(threads);
      return options;
    }
    Interner interner;
    ArenaPool arenas;
  };
  /// What a thread keeps from one file to the next.
  struct Workspace {
    explicit Workspace(Shared& of_all) : shared(of_all) {}
    Shared& shared;
    TokenColumns columns;
  };

  /// The memory of one file.
  class File {
   public:
    explicit File(Workspace& workspace) : workspace_(workspace), arena_(workspace.shared.arenas.checkout()) {}

    [[nodiscard]] std::string_view read(const std::string& path) {
      return read_source(path, [this](std::size_t bytes) { return static_cast<char*>(arena_->allocate(bytes)); });
    }
    [[nodiscard]] Tokens tokens(std::string_view source) {
      return {source, workspace_.columns, workspace_.shared.interner};
    }

   private:
    Workspace& workspace_;
    PooledArena arena_;
  };
};

}  // namespace bursar::translate
