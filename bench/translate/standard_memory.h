// The translator's memory as the standard library has it: owned strings, unique_ptr, vectors, hash maps, on the process's malloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bench/translate/bindings.h"
#include "bench/translate/read_source.h"
#include "bench/translate/tokens.h"
#include "bursar/keywords.h"

namespace bursar::translate {

/// The keyword that a word is, else the empty symbol.
[[nodiscard]] inline Symbol keyword_of(std::string_view word) {
  static const std::unordered_map<std::string_view, Symbol> keywords = [] {
    std::unordered_map<std::string_view, Symbol> words;
    const auto add = [&words](std::string_view keyword) {
      words.emplace(keyword, Symbol(SymbolId{bursar::detail::keyword_block.place_of(keyword)}));
    };
    for (const std::string_view keyword : python_keywords) add(keyword);
    for (const std::string_view keyword : python_soft_keywords) add(keyword);
    return words;
  }();
  constexpr std::size_t keyword_bytes_max = 8;
  if (word.size() > keyword_bytes_max) return {};
  const auto found = keywords.find(word);
  return found == keywords.end() ? Symbol() : found->second;
}

/// The tokens of a file that a parser reads, as views of its source; comments and ends of lines within statements are only counted.
class StandardTokens {
 public:
  explicit StandardTokens(std::string_view source) : source_(source) {
    // A token takes some eight bytes of a source as a rule.
    constexpr std::size_t bytes_per_token = 8;
    tokens_.reserve(source.size() / bytes_per_token + 2);
  }

  void add_encoding(std::string_view name) { tokens_.push_back({name, {}, 0, TokenKind::encoding, Operator::none}); }
  void add_name(const Lexeme& lexeme) { add(lexeme, keyword_of(text_of(lexeme))); }
  void add(const Lexeme& lexeme) { add(lexeme, Symbol()); }
  void add_trivia(const Lexeme& /*lexeme*/) { ++trivia_; }

  /// How many were found.
  [[nodiscard]] std::size_t count() const { return tokens_.size() + trivia_; }
  /// How many are kept.
  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] TokenKind kind(std::size_t index) const { return tokens_[index].kind; }
  [[nodiscard]] Operator op(std::size_t index) const { return tokens_[index].op; }
  [[nodiscard]] std::uint32_t line(std::size_t index) const { return tokens_[index].line; }
  /// What a parser asks of each token.
  [[nodiscard]] TokenHead head(std::size_t index) const {
    const Token& token = tokens_[index];
    return {token.kind, token.op, token.keyword};
  }
  [[nodiscard]] std::string_view text(std::size_t index) const { return tokens_[index].text; }
  /// The source from where one token starts to where another does.
  [[nodiscard]] std::string_view between(std::size_t first, std::size_t last) const {
    return {text(first).data(), static_cast<std::size_t>(text(last).data() - text(first).data())};
  }
  /// Of a name's token.
  [[nodiscard]] Symbol keyword(std::size_t index) const { return tokens_[index].keyword; }
  [[nodiscard]] std::string name(std::size_t index) const { return std::string(tokens_[index].text); }

 private:
  struct Token {
    std::string_view text;
    Symbol keyword;
    std::uint32_t line;
    TokenKind kind;
    Operator op;
  };

  [[nodiscard]] std::string_view text_of(const Lexeme& lexeme) const {
    return source_.substr(lexeme.start, lexeme.end - lexeme.start);
  }
  void add(const Lexeme& lexeme, Symbol keyword) {
    tokens_.push_back({text_of(lexeme), keyword, lexeme.line, lexeme.kind, lexeme.op});
  }

  std::string_view source_;
  std::vector<Token> tokens_;
  std::size_t trivia_ = 0;
};

struct StandardMemory {
  struct NodeBase {
    NodeBase() = default;
    NodeBase(const NodeBase&) = delete;
    NodeBase& operator=(const NodeBase&) = delete;
    virtual ~NodeBase() = default;
  };
  template <typename T>
  using Pointer = std::unique_ptr<T>;
  template <typename T>
  using NodeList = std::vector<std::unique_ptr<T>>;
  template <typename T>
  using ValueList = std::vector<T>;
  using Name = std::string;
  using Text = std::string;
  using Literal = std::string;
  using Tokens = StandardTokens;

  class Output {
   public:
    void append(std::string_view text) { text_.append(text); }
    void append(char byte) { text_.push_back(byte); }
    void append(std::size_t count, char byte) { text_.append(count, byte); }
    /// Begins a text that is about as long as a source of so many bytes, for the sink.
    void begin(TextSink& sink, std::size_t source_bytes) {
      sink_ = &sink;
      text_.reserve(source_bytes + source_bytes / 2);
    }
    /// How many bytes it had.
    std::size_t end() {
      for (std::size_t at = 0; at < text_.size(); at += text_piece_bytes)
        sink_->take(std::string_view(text_).substr(at, text_piece_bytes));
      return text_.size();
    }

   private:
    std::string text_;
    TextSink* sink_ = nullptr;
  };

  class File;

  class Bindings {
   public:
    /// What the scope knows of the name; a new entry where it knows nothing.
    Binding& at(const std::string& name, File& /*file*/) {
      const auto [entry, is_new] = bindings_.try_emplace(name);
      if (is_new) order_.push_back(&*entry);
      return entry->second;
    }
    [[nodiscard]] const Binding* find(const std::string& name) const {
      const auto found = bindings_.find(name);
      return found == bindings_.end() ? nullptr : &found->second;
    }
    /// visit(name, binding), in the order in which the names were met.
    template <typename Visit>
    void for_each(Visit visit) {
      for (auto* entry : order_) visit(entry->first, entry->second);
    }

   private:
    std::unordered_map<std::string, Binding> bindings_;
    std::vector<std::pair<const std::string, Binding>*> order_;
  };

  /// What files have in common: nothing.
  struct Shared {
    explicit Shared(std::size_t /*threads*/) {}
  };
  /// What a thread keeps from one file to the next: nothing.
  struct Workspace {
    explicit Workspace(Shared& /*shared*/) {}
  };

  /// The memory of one file.
  class File {
   public:
    explicit File(Workspace& /*workspace*/) {}

    [[nodiscard]] std::string_view read(const std::string& path) {
      return read_source(path, [this](std::size_t bytes) {
        source_.resize(bytes);
        return source_.data();
      });
    }
    [[nodiscard]] Tokens tokens(std::string_view source) { return Tokens(source); }
    [[nodiscard]] Output& output() { return output_; }

    template <typename T>
    [[nodiscard]] std::unique_ptr<T> make() {
      return std::make_unique<T>();
    }
    template <typename T, typename Value>
    void append(std::vector<T>& list, Value&& value) {
      list.push_back(std::forward<Value>(value));
    }
    [[nodiscard]] std::string text(std::string_view text) { return std::string(text); }
    /// The value of a literal that has escapes: unescape(body, to) writes it, at most as long as the body, and counts.
    template <typename Unescape>
    [[nodiscard]] std::string literal(std::string_view body, Unescape unescape) {
      std::string value(body.size(), '\0');
      value.resize(unescape(body, value.data()));
      return value;
    }
    /// The value of one that has none.
    [[nodiscard]] std::string literal(std::string_view body) { return std::string(body); }
    template <typename Unescape>
    [[nodiscard]] std::string_view value_of(const std::string& literal, Unescape /*unescape*/) {
      return literal;
    }
    [[nodiscard]] std::string_view view(const std::string& name) const { return name; }
    /// Whether a name means something else to C++.
    [[nodiscard]] bool is_reserved(const std::string& name) const {
      static const std::unordered_set<std::string_view> words(std::begin(cpp_keywords), std::end(cpp_keywords));
      return words.contains(name);
    }

   private:
    std::string source_;
    Output output_;
  };
};

}  // namespace bursar::translate
