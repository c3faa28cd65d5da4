// One interner for several processes, in shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bursar/export.h"
#include "bursar/interner.h"

namespace bursar {

/// Why there is no shared interner.
enum class SharedStatus : std::uint8_t {
  ok,
  out_of_memory,  ///< no room in shared memory, or sizes beyond 4 GiB of text
  exists,         ///< create: somebody has made one of that name
  not_found,      ///< open: nobody has
  not_ready,      ///< open: its maker is still making it, or died doing so; remove() it then
  not_one,        ///< something else, or of another version
  refused,        ///< the system said no: a bad name, no right
};

/// For messages.
[[nodiscard]] BURSAR_RUNTIME_EXPORT const char* to_text(SharedStatus status) noexcept;

struct SharedResult;

struct SharedInternerOptions {
  std::size_t texts_max = 100'000;       ///< the table's size follows from it
  std::size_t text_bytes_max = 4 << 20;  ///< a byte more a text is kept for its length
};

/// A set of texts whose symbols are the same in every process that has it open. Its size is fixed when it is made. Thread safe, and safe between
/// processes: finding and resolving take no lock; adding takes one, which a process that dies gives free, with the set whole. The memory
/// belongs to the user that made it (mode 0600): its processes are trusted not to write into it past this class.
class BURSAR_RUNTIME_EXPORT SharedInterner {
 public:
  /// Makes one under a name (as for shm_open, without the slash). All its memory is claimed at once.
  [[nodiscard]] static SharedResult create(const char* name, const SharedInternerOptions& options = {}) noexcept;
  [[nodiscard]] static SharedResult open(const char* name) noexcept;
  /// Takes the name away; who has it open goes on. False: there was none.
  static bool remove(const char* name) noexcept;

  SharedInterner() noexcept = default;
  SharedInterner(SharedInterner&& other) noexcept;
  SharedInterner& operator=(SharedInterner&& other) noexcept;
  SharedInterner(const SharedInterner&) = delete;
  SharedInterner& operator=(const SharedInterner&) = delete;
  ~SharedInterner();

  /// As Interner::try_intern: count_limit and bytes_limit are those of the options. One that is not open, or was moved from, says no_interner.
  [[nodiscard]] InternResult try_intern(std::string_view text) noexcept;
  /// The same; throws InternError.
  [[nodiscard]] Symbol intern(std::string_view text) {
    const InternResult result = try_intern(text);
    if (!result) [[unlikely]]
      throw_error(result.status);
    return result.symbol;
  }
  [[nodiscard]] std::optional<Symbol> find(std::string_view text) const noexcept;

  /// The text of a symbol of this interner, from whichever process; valid while this is open.
  [[nodiscard]] std::string_view view(Symbol symbol) const noexcept {
    return detail::text_at(region_ + static_cast<std::uint32_t>(symbol.id()));
  }

  /// So far, without keywords.
  [[nodiscard]] std::size_t texts() const noexcept;

 private:
  struct Header;
  struct Layout;
  struct Mapping;
  [[noreturn]] static void throw_error(InternStatus status);
  [[nodiscard]] std::uint32_t find_place(std::uint64_t hash, std::string_view text) const noexcept;
  [[nodiscard]] InternResult add_locked(std::uint64_t hash, std::string_view text) noexcept;
  [[nodiscard]] SharedStatus format(const Layout& layout) noexcept;
  [[nodiscard]] SharedStatus check() noexcept;
  void swap(SharedInterner& other) noexcept;

  // I1  all three are null, or the last two point into the mapping, which begins with the header
  Mapping* mapping_ = nullptr;
  Header* header_ = nullptr;
  char* region_ = nullptr;
};

struct SharedResult {
  SharedInterner interner;
  SharedStatus status = SharedStatus::ok;
  [[nodiscard]] explicit operator bool() const noexcept { return status == SharedStatus::ok; }
};

}  // namespace bursar
