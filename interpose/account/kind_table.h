// The kinds of tasks by name.
#pragma once

#include <cstdint>

#include "interpose/account/ledger_format.h"

namespace bursar::account::kinds {

/// Puts kind 0 into the table under its name. Pre: the ledger is open; once.
void start(const char* name_outside) noexcept;

/// See tables::kind_named.
[[nodiscard]] uint32_t named(const char* name) noexcept;

/// The kind itself where the ledger has a place for it, else kind 0: the table of a child may be shorter than its parent's.
[[nodiscard]] uint32_t placed(uint32_t kind) noexcept;

/// The entry of `placed(kind)` in the ledger; null while it has none at all. Any number. Cost: a load.
[[nodiscard]] ledger::TaskKind* try_find(uint32_t kind) noexcept;

/// The name, as long as the process lives. Pre: `named` gave the kind, or it is kind 0.
[[nodiscard]] const char* name_of(uint32_t kind) noexcept;

/// How many kinds there are.
[[nodiscard]] uint32_t count() noexcept;

/// In a new child, whose ledger has no kinds yet: they have the same numbers as in the parent. Pre: no other thread counts.
void begin_child() noexcept;

}  // namespace bursar::account::kinds
