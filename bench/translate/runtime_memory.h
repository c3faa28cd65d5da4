// The translator's memory on the runtime API: an arena a file, symbols for names, views of the source, and buffers that are kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bench/translate/bindings.h"
#include "bench/translate/read_source.h"
#include "bench/translate/runtime_bindings.h"
#include "bench/translate/runtime_lists.h"
#include "bench/translate/symbol_cache.h"
#include "bench/translate/tokens.h"
#include "bursar/aligned_buffer.h"
#include "bursar/arena_pool.h"
#include "bursar/interner.h"

namespace bursar::translate {

/// A token: a place in the source.
struct TokenRecord {
  std::uint32_t start = 0;
  std::uint32_t value = 0;  // a name's symbol, the length of others
  std::uint32_t line = 0;
  TokenKind kind = TokenKind::endmarker;
  Operator op = Operator::none;
};

/// The tokens of a file that a parser reads (comments and ends of lines within statements are only counted), in a buffer that is kept for the next one. Rows, not the columns of a Batch: the parser reads all of a token at once.
class RuntimeTokens {
 public:
  using Buffer = AlignedBuffer<TokenRecord>;

  RuntimeTokens(std::string_view source, Buffer& buffer, SymbolCache& symbols, const Interner& interner)
      : source_(source), buffer_(buffer), symbols_(symbols), interner_(interner), records_(buffer.data()) {}

  void add_encoding(std::string_view /*name*/) { add({0, 0, 0, TokenKind::encoding, Operator::none}); }
  void add_name(const Lexeme& lexeme) {
    const Symbol name = symbols_.intern({source_.data() + lexeme.start, lexeme.end - lexeme.start});
    add({lexeme.start, static_cast<std::uint32_t>(name.id()), lexeme.line, lexeme.kind, lexeme.op});
  }
  void add(const Lexeme& lexeme) {
    add({lexeme.start, lexeme.end - lexeme.start, lexeme.line, lexeme.kind, lexeme.op});
  }

  void add_trivia(const Lexeme& /*lexeme*/) { ++trivia_; }

  /// How many were found.
  [[nodiscard]] std::size_t count() const { return size_ + trivia_; }
  /// How many are kept.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] TokenKind kind(std::size_t index) const { return records_[index].kind; }
  [[nodiscard]] Operator op(std::size_t index) const { return records_[index].op; }
  [[nodiscard]] std::uint32_t line(std::size_t index) const { return records_[index].line; }
  [[nodiscard]] std::string_view text(std::size_t index) const {
    if (kind(index) == TokenKind::name) return interner_.view(name(index));
    return source_.substr(records_[index].start, records_[index].value);
  }
  /// The source from where one token starts to where another does.
  [[nodiscard]] std::string_view between(std::size_t first, std::size_t last) const {
    return source_.substr(records_[first].start, records_[last].start - records_[first].start);
  }
  /// Of a name's token: the name itself, which is a keyword's symbol where it is one.
  [[nodiscard]] Symbol keyword(std::size_t index) const { return name(index); }
  [[nodiscard]] Symbol name(std::size_t index) const { return Symbol(SymbolId{records_[index].value}); }

 private:
  void add(const TokenRecord& record) {
    if (size_ == buffer_.size()) [[unlikely]]
      grow();
    records_[size_++] = record;
  }
  [[gnu::noinline]] void grow() {
    constexpr std::size_t first_tokens = 1024;
    Buffer larger = Buffer::for_overwrite(std::max(2 * size_, first_tokens));
    std::copy_n(records_, size_, larger.data());
    buffer_ = std::move(larger);
    records_ = buffer_.data();
  }

  std::string_view source_;
  Buffer& buffer_;
  SymbolCache& symbols_;
  const Interner& interner_;
  TokenRecord* records_;  // buffer_'s
  std::size_t size_ = 0;
  std::size_t trivia_ = 0;
};

/// A text that grows in a buffer, which is kept for the next file.
class RuntimeOutput {
 public:
  /// Inlined, so that a word that is known when this is compiled becomes a store or two.
  [[gnu::always_inline]] void append(std::string_view text) {
    if (text.size() > room()) [[unlikely]]
      grow(text.size());
    if (__builtin_constant_p(text.size())) {
      std::memcpy(to_, text.data(), text.size());
    } else {
      copy(to_, text.data(), text.size());
    }
    to_ += text.size();
  }
  [[gnu::always_inline]] void append(char byte) {
    if (room() == 0) [[unlikely]]
      grow(1);
    *to_++ = byte;
  }
  /// Indentation is short: then a fixed number of bytes is written, of which `count` stay.
  [[gnu::always_inline]] void append(std::size_t count, char byte) {
    constexpr std::size_t written_bytes = 32;
    if (count > written_bytes || room() < written_bytes) [[unlikely]]
      return append_many(count, byte);
    std::memset(to_, byte, written_bytes);
    to_ += count;
  }
  void reserve(std::size_t bytes) {
    if (bytes > buffer_.size()) grow(bytes - size());
  }
  void clear() { to_ = buffer_.data(); }
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), size()}; }

 private:
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(to_ - buffer_.data()); }
  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(end_ - to_); }

  /// Names are short: two words that overlap do for most, without a call.
  [[gnu::always_inline]] static void copy(char* to, const char* from, std::size_t bytes) {
    if (bytes > 16) {
      std::memcpy(to, from, bytes);
    } else if (bytes >= 8) {
      copy_twice<std::uint64_t>(to, from, bytes);
    } else if (bytes >= 4) {
      copy_twice<std::uint32_t>(to, from, bytes);
    } else {
      for (std::size_t index = 0; index < bytes; ++index) to[index] = from[index];
    }
  }
  template <typename Word>
  [[gnu::always_inline]] static void copy_twice(char* to, const char* from, std::size_t bytes) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + bytes - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + bytes - sizeof last, &last, sizeof last);
  }

  [[gnu::noinline]] void append_many(std::size_t count, char byte) {
    if (count > room()) grow(count);
    std::memset(to_, byte, count);
    to_ += count;
  }
  [[gnu::noinline]] void grow(std::size_t wanted) {
    const std::size_t bytes = size();
    auto larger = AlignedBuffer<char>::for_overwrite(std::max(2 * buffer_.size(), bytes + wanted));
    if (bytes != 0) std::memcpy(larger.data(), buffer_.data(), bytes);
    buffer_ = std::move(larger);
    to_ = buffer_.data() + bytes;
    end_ = buffer_.data() + buffer_.size();
  }

  AlignedBuffer<char> buffer_ = AlignedBuffer<char>::for_overwrite(std::size_t{16} * 1024);
  // I1  to_ is a place in buffer_ or its end, which end_ is
  char* to_ = buffer_.data();
  char* end_ = buffer_.data() + buffer_.size();
};

struct RuntimeMemory {
  using NodeBase = ListedNode;
  template <typename T>
  using Pointer = T*;
  template <typename T>
  using NodeList = ArenaNodeList<T>;
  template <typename T>
  using ValueList = ArenaValueList<T>;
  using Name = Symbol;
  using Text = std::string_view;
  using Tokens = RuntimeTokens;
  using Output = RuntimeOutput;

  class File;

  class Bindings {
   public:
    Binding& at(Symbol name, File& file);
    [[nodiscard]] const Binding* find(Symbol name) const { return bindings_.find(name); }
    template <typename Visit>
    void for_each(Visit visit) {
      bindings_.for_each(visit);
    }

   private:
    RuntimeBindings bindings_;
  };

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
    explicit Workspace(Shared& of_all) : shared(of_all), symbols(of_all.interner) {}
    Shared& shared;
    SymbolCache symbols;
    RuntimeTokens::Buffer tokens;
    Output output;
  };

  /// The memory of one file.
  class File {
   public:
    explicit File(Workspace& workspace) : workspace_(workspace), arena_(workspace.shared.arenas.checkout()) {
      workspace_.output.clear();
    }

    [[nodiscard]] std::string_view read(const std::string& path) {
      return read_source(path, [this](std::size_t bytes) { return static_cast<char*>(arena_->allocate(bytes)); });
    }
    [[nodiscard]] Tokens tokens(std::string_view source) {
      return {source, workspace_.tokens, workspace_.symbols, workspace_.shared.interner};
    }
    [[nodiscard]] Output& output() { return workspace_.output; }
    [[nodiscard]] Arena& arena() { return *arena_; }

    template <typename T>
    [[nodiscard]] T* make() {
      return arena_->make<T>();
    }
    template <typename T>
    void append(ArenaNodeList<T>& list, std::type_identity_t<T>* node) {
      list.push_back(node);
    }
    template <typename T>
    void append(ArenaValueList<T>& list, const std::type_identity_t<T>& value) {
      list.push_back(*arena_, value);
    }
    /// Borrows from the source.
    [[nodiscard]] std::string_view text(std::string_view text) { return text; }
    template <typename Write>
    [[nodiscard]] std::string_view written_text(std::size_t bytes, Write write) {
      auto* const to = static_cast<char*>(arena_->allocate(bytes));
      return {to, write(to)};
    }
    [[nodiscard]] std::string_view view(Symbol name) const { return workspace_.shared.interner.view(name); }
    [[nodiscard]] bool is_reserved(Symbol name) const { return is_cpp_keyword(name); }

   private:
    Workspace& workspace_;
    PooledArena arena_;
  };
};

inline Binding& RuntimeMemory::Bindings::at(Symbol name, File& file) { return bindings_.at(name, file.arena()); }

}  // namespace bursar::translate
