// Keeps every text once and gives 4-byte symbols for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>

#include "bursar/export.h"
#include "bursar/keywords.h"
#include "bursar/symbol.h"

namespace bursar {

class FrozenInterner;

/// Why a text has no symbol.
enum class InternStatus : std::uint8_t {
  ok,
  out_of_memory,
  count_limit,        ///< InternerOptions::texts_max
  bytes_limit,        ///< InternerOptions::text_bytes_max
  symbols_exhausted,  ///< all 2^32 places are given out, or InternerOptions::blocks_max
  no_interner,        ///< it has been moved from, or was never opened
};

/// What the throwing forms throw.
class BURSAR_RUNTIME_EXPORT InternError : public std::bad_alloc {
 public:
  explicit InternError(InternStatus status) noexcept : status_(status) {}
  [[nodiscard]] InternStatus status() const noexcept { return status_; }
  /// Names the limit.
  [[nodiscard]] const char* what() const noexcept override;

 private:
  InternStatus status_;
};

struct InternResult {
  Symbol symbol;
  InternStatus status = InternStatus::ok;
  [[nodiscard]] explicit operator bool() const noexcept { return status == InternStatus::ok; }
};

/// Where an interner's pages come from. Pages are whole, aligned and zero.
struct PageSource {
  void* (*acquire)(std::size_t bytes) noexcept;              ///< null: none
  void (*release)(void* pages, std::size_t bytes) noexcept;  ///< gives them back
  void (*discard)(void* pages,
                  std::size_t bytes) noexcept;  ///< their content is not needed; they read as zero, or as before
};

struct InternerOptions {
  std::size_t texts_max = SIZE_MAX;       ///< keywords are not counted
  std::size_t text_bytes_max = SIZE_MAX;  ///< the same
  std::uint32_t shards = 1;  ///< threads that add different texts at once; rounded up to a power of two, at most 64
  std::uint32_t blocks_max = detail::symbol_blocks_max;  ///< of 64 KiB of text
  std::optional<std::uint64_t> seed;                     ///< for tests; else from the system's random numbers
  const PageSource* pages = nullptr;                     ///< null: the system
  /// Makes an overlay: texts that the base has keep the base's symbols, others are added here and go with the overlay. The base must
  /// live longer, and its symbols are symbols of the overlay.
  const FrozenInterner* base = nullptr;
};

struct InternerStats {
  std::size_t texts = 0;        ///< without keywords
  std::size_t text_bytes = 0;   ///< the same
  std::size_t block_bytes = 0;  ///< of text with lengths, as far as blocks are written
  std::size_t table_bytes = 0;
};

namespace detail {
class InternerCore;
}

/// A set of texts of any bytes. A text has the same symbol as long as the interner lives; nothing is ever removed. Thread safe: finding a text that is
/// there, and resolving a symbol, take no lock and write nothing shared, while others add. Strong guarantee: without memory, or at
/// a limit, everything is as before. The hash is seeded by the system: who does not know the seed cannot choose texts that collide. One that
/// was moved from has the keywords and the empty text to resolve, finds and owns nothing but the latter, and says no_interner when it is to add.
class BURSAR_RUNTIME_EXPORT Interner {
 public:
  /// Throws std::bad_alloc. Cost: some microseconds and 12 KiB, mostly of untouched addresses.
  explicit Interner(const InternerOptions& options = {});
  /// The same; nothing without memory.
  [[nodiscard]] static std::optional<Interner> try_make(const InternerOptions& options = {}) noexcept;

  Interner(Interner&& other) noexcept;
  Interner& operator=(Interner&& other) noexcept;
  Interner(const Interner&) = delete;
  Interner& operator=(const Interner&) = delete;
  ~Interner();

  /// The process's own, 16 shards. Lives to the end of the process; in a child of fork it works as well. Throws std::bad_alloc the first time.
  [[nodiscard]] static Interner& global();

  /// The text's symbol; adds the text where it is new. Cost: some 15 ns for a text that is there, some 60 for one that is new.
  [[nodiscard]] InternResult try_intern(std::string_view text) noexcept;
  /// The same; throws InternError.
  [[nodiscard]] Symbol intern(std::string_view text) {
    const InternResult result = try_intern(text);
    if (!result) [[unlikely]]
      throw_error(result.status);
    return result.symbol;
  }

  /// The text's symbol where it is there. Adds nothing. Lock-free; a text that another thread is just adding may be missed.
  [[nodiscard]] std::optional<Symbol> find(std::string_view text) const noexcept;

  /// The text of a symbol of this interner; valid as long as the interner. Lock-free. Cost: two loads and the length.
  [[nodiscard]] std::string_view view(Symbol symbol) const noexcept {
    return detail::text_at(detail::entry_of(directory_, symbol.id()));
  }

  /// Whether this interner has given the symbol out: for symbols from outside. True or false for every value. Cost: that of find().
  [[nodiscard]] bool owns(Symbol symbol) const noexcept;

  /// Exact where no other thread adds. Cost: a lock for each shard.
  [[nodiscard]] InternerStats stats() const noexcept;

 private:
  friend class FrozenInterner;
  explicit Interner(detail::InternerCore* core) noexcept;
  [[noreturn]] static void throw_error(InternStatus status);

  // I1  core_ is null only after a move; directory_ is core_'s, or then one of the keywords alone
  detail::InternerCore* core_;
  const detail::BlockDirectory* directory_;
};

/// The text's symbol in the global interner. Throws InternError.
[[nodiscard]] inline Symbol intern(std::string_view text) { return Interner::global().intern(text); }

}  // namespace bursar
