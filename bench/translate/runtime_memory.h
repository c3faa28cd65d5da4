// The translator's memory on the runtime API: an arena a file, symbols for names, tokens in columns, views of the source.
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
#include "bench/translate/tokens.h"
#include "bursar/aligned_buffer.h"
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
  [[nodiscard]] std::string_view text(std::size_t index) const {
    if (kind(index) == TokenKind::name) return interner_.view(name(index));
    return source_.substr(columns_.column<&TokenRecord::start>()[index], value(index));
  }
  /// The source from where one token starts to where another does.
  [[nodiscard]] std::string_view between(std::size_t first, std::size_t last) const {
    const auto starts = columns_.column<&TokenRecord::start>();
    return source_.substr(starts[first], starts[last] - starts[first]);
  }
  /// Of a name's token: the name itself, which is a keyword's symbol where it is one.
  [[nodiscard]] Symbol keyword(std::size_t index) const { return name(index); }
  [[nodiscard]] Symbol name(std::size_t index) const { return Symbol(SymbolId{value(index)}); }

 private:
  [[nodiscard]] std::uint32_t value(std::size_t index) const { return columns_.column<&TokenRecord::value>()[index]; }

  std::string_view source_;
  TokenColumns& columns_;
  Interner& interner_;
};

/// A text that grows in a buffer, which is kept for the next file.
class RuntimeOutput {
 public:
  void append(std::string_view text) {
    if (text.size() > buffer_.size() - bytes_) [[unlikely]]
      grow(text.size());
    std::memcpy(buffer_.data() + bytes_, text.data(), text.size());
    bytes_ += text.size();
  }
  void append(char byte) {
    if (bytes_ == buffer_.size()) [[unlikely]]
      grow(1);
    buffer_[bytes_++] = byte;
  }
  void append(std::size_t count, char byte) {
    if (count > buffer_.size() - bytes_) [[unlikely]]
      grow(count);
    std::memset(buffer_.data() + bytes_, byte, count);
    bytes_ += count;
  }
  void reserve(std::size_t bytes) {
    if (bytes > buffer_.size()) grow(bytes - bytes_);
  }
  void clear() { bytes_ = 0; }
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), bytes_}; }

 private:
  [[gnu::noinline]] void grow(std::size_t wanted) {
    auto larger = AlignedBuffer<char>::for_overwrite(std::max(2 * buffer_.size(), bytes_ + wanted));
    if (bytes_ != 0) std::memcpy(larger.data(), buffer_.data(), bytes_);
    buffer_ = std::move(larger);
  }

  AlignedBuffer<char> buffer_ = AlignedBuffer<char>::for_overwrite(std::size_t{16} * 1024);
  std::size_t bytes_ = 0;
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
    explicit Workspace(Shared& of_all) : shared(of_all) {}
    Shared& shared;
    TokenColumns columns;
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
      return {source, workspace_.columns, workspace_.shared.interner};
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
