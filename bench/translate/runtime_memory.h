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
#include "bench/translate/runtime_output.h"
#include "bench/translate/runtime_tokens.h"
#include "bench/translate/symbol_cache.h"
#include "bench/translate/tokens.h"
#include "bursar/aligned_buffer.h"
#include "bursar/arena_pool.h"
#include "bursar/interner.h"

namespace bursar::translate {

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

  /// A literal's text, and whether it has escapes: what it means is told when it is asked for, from a buffer.
  struct Literal {
    [[nodiscard]] std::string_view body() const { return {data, bytes}; }
    const char* data = "";
    std::uint32_t bytes = 0;
    bool has_escapes = false;
  };

  /// What all files have in common: the arenas.
  struct Shared {
    explicit Shared(std::size_t /*threads*/) : arenas(options()) {}
    static ArenaPoolOptions options() {
      ArenaPoolOptions options;
      // What the tree of a large file needs: then an arena keeps its first chunk for ever, and what is not touched of it takes no memory.
      options.arena.first_chunk_bytes = std::size_t{1024} * 1024;
      return options;
    }
    ArenaPool arenas;
  };
  /// What a thread keeps from one file to the next. Names mean nothing beyond their file: when there are many, they are given up.
  struct Workspace {
    explicit Workspace(Shared& of_all) : shared(of_all) {}
    void begin_file() {
      // What a single large file needed is not kept for the small ones.
      constexpr std::size_t kept_bytes_max = std::size_t{256} * 1024;
      if (source.size() > kept_bytes_max) source = {};
      tokens.trim();
      constexpr std::size_t names_max = 8192;  // some 200 KiB, and as many as some hundred files have
      if (interner.stats().texts <= names_max) return;
      interner = Interner();
      symbols.clear();
    }
    [[nodiscard]] char* source_of(std::size_t bytes) {
      if (source.size() < bytes) {
        source = {};
        source = AlignedBuffer<char>::for_overwrite(bytes);
      }
      return source.data();
    }
    Shared& shared;
    AlignedBuffer<char> source;
    Interner interner;
    SymbolCache symbols{interner};
    TokenBlocks tokens;
    Output output;
    AlignedBuffer<char> literal;
  };

  /// The memory of one file.
  class File {
   public:
    explicit File(Workspace& workspace) : workspace_(workspace), arena_(workspace.shared.arenas.checkout()) {
      workspace_.begin_file();
    }

    [[nodiscard]] std::string_view read(const std::string& path) {
      return read_source(path, [this](std::size_t bytes) { return workspace_.source_of(bytes); });
    }
    [[nodiscard]] Tokens tokens(std::string_view source) {
      return {source, workspace_.tokens, workspace_.symbols, workspace_.interner};
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
    template <typename Unescape>
    [[nodiscard]] Literal literal(std::string_view body, Unescape /*unescape*/) {
      return {body.data(), static_cast<std::uint32_t>(body.size()), true};
    }
    [[nodiscard]] Literal literal(std::string_view body) {
      return {body.data(), static_cast<std::uint32_t>(body.size()), false};
    }
    /// Valid until the next literal's value is asked for.
    template <typename Unescape>
    [[nodiscard]] std::string_view value_of(const Literal& literal, Unescape unescape) {
      if (!literal.has_escapes) return literal.body();
      AlignedBuffer<char>& buffer = workspace_.literal;
      if (buffer.size() < literal.bytes) buffer = AlignedBuffer<char>::for_overwrite(std::size_t{2} * literal.bytes);
      return {buffer.data(), unescape(literal.body(), buffer.data())};
    }
    [[nodiscard]] std::string_view view(Symbol name) const { return workspace_.interner.view(name); }
    [[nodiscard]] bool is_reserved(Symbol name) const { return is_cpp_keyword(name); }

   private:
    Workspace& workspace_;
    PooledArena arena_;
  };
};

inline Binding& RuntimeMemory::Bindings::at(Symbol name, File& file) { return bindings_.at(name, file.arena()); }

}  // namespace bursar::translate
