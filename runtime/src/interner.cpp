// The interner that programs see, and the process's own.
#include "bursar/interner.h"

#include <pthread.h>

#include <utility>

#include "bursar/memory.h"
#include "runtime/src/interner_core.h"

namespace bursar {

using detail::InternerCore;

namespace {

/// As many threads can add at once without much waiting; each shard costs a page or two.
constexpr std::uint32_t global_shards = 16;

InternerOptions global_options() {
  InternerOptions options;
  options.shards = global_shards;
  return options;
}

// Written once, before the handlers of fork that read it are there.
constinit InternerCore* global_core = nullptr;

}  // namespace

const char* InternError::what() const noexcept {
  switch (status_) {
    case InternStatus::ok: return "interner: no error";
    case InternStatus::out_of_memory: return "interner: out of memory";
    case InternStatus::count_limit: return "interner: as many texts as its limit allows (InternerOptions::texts_max)";
    case InternStatus::bytes_limit:
      return "interner: as many bytes as its limit allows (InternerOptions::text_bytes_max)";
    case InternStatus::symbols_exhausted:
      return "interner: no symbols left (InternerOptions::blocks_max, at most 4 GiB of text)";
    case InternStatus::no_interner: return "interner: it has been moved from, or was never opened";
  }
  return "interner: unknown error";
}

Interner::Interner(InternerCore* core) noexcept
    : core_(core), directory_(core != nullptr ? core->directory() : detail::keywords_alone) {}

Interner::Interner(const InternerOptions& options) : Interner(InternerCore::try_make(options)) {
  if (core_ == nullptr) throw_bad_alloc();
}

std::optional<Interner> Interner::try_make(const InternerOptions& options) noexcept {
  InternerCore* core = InternerCore::try_make(options);
  if (core == nullptr) return std::nullopt;
  return Interner(core);
}

Interner::Interner(Interner&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)), directory_(std::exchange(other.directory_, detail::keywords_alone)) {}

Interner& Interner::operator=(Interner&& other) noexcept {
  Interner taken(std::move(other));
  std::swap(core_, taken.core_);
  std::swap(directory_, taken.directory_);
  return *this;
}

Interner::~Interner() { InternerCore::destroy(core_); }

Interner& Interner::global() {
  /// Never destroyed: symbols are resolved to the process's very end.
  struct Immortal {
    alignas(Interner) std::byte memory[sizeof(Interner)];
    Immortal() {
      auto* interner = new (memory) Interner(global_options());
      global_core = interner->core_;
      // Relaxed: symbols of this interner come from here, after this function's static is there for all.
      detail::global_directory.store(interner->directory_, std::memory_order_relaxed);
      // Without the handlers only a child forked while another thread adds can hang; that is no reason to fail here.
      static_cast<void>(pthread_atfork([] { global_core->lock_all(); }, [] { global_core->unlock_all(); },
                                       [] { global_core->unlock_all(); }));
    }
  };
  static Immortal immortal;
  return *std::launder(reinterpret_cast<Interner*>(immortal.memory));
}

InternResult Interner::try_intern(std::string_view text) noexcept {
  if (core_ == nullptr) [[unlikely]]
    return {Symbol(), text.empty() ? InternStatus::ok : InternStatus::no_interner};
  return core_->intern(text);
}

std::optional<Symbol> Interner::find(std::string_view text) const noexcept {
  if (core_ == nullptr) [[unlikely]]
    return text.empty() ? std::optional(Symbol()) : std::nullopt;
  return core_->find(text);
}

bool Interner::owns(Symbol symbol) const noexcept { return core_ == nullptr ? symbol.empty() : core_->owns(symbol); }

InternerStats Interner::stats() const noexcept { return core_ == nullptr ? InternerStats{} : core_->stats(); }

void Interner::throw_error(InternStatus status) { throw InternError(status); }

}  // namespace bursar
