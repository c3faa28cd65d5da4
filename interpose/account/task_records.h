// The records of running tasks: who has which, and when one may be had again.
#pragma once

#include <cstdint>

#include "allocator/heap.h"
#include "interpose/account/ledger_format.h"

namespace bursar::account::records {

using ledger::Tag;

/// Shows all blocks with a tag, as heap::for_each_tag does, which is the one that is used unless a test sets another.
using TagWalk = void (*)(heap::TagVisitor visit, void* context) noexcept;
void set_walk(TagWalk walk) noexcept;

/// The tag for a new task of the kind, with a record that nobody has; the kind's own tag when there is none. Thread safe. Cost: an atomic exchange,
/// but for one in some hundred thousand, which looks at all blocks of the heap.
[[nodiscard]] Tag take(uint32_t kind) noexcept;

/// The task of the record has ended; its tag in the ledger is 0. Thread safe.
void give_back(Tag tag) noexcept;

/// The record that the task has; null when it has none (any more). Any tag but 0.
[[nodiscard]] ledger::Task* try_find(Tag tag) noexcept;

/// In a new child, whose ledger has no records yet: none is taken. Pre: no other thread counts.
void begin_child() noexcept;

/// A block of the parent has this tag, and keeps it: no task of this process will. Pre: after begin_child, before the first take; no other thread counts.
void note_inherited(Tag tag) noexcept;

/// Shows all tags. Pre: the caller did not interrupt the heap.
void walk(heap::TagVisitor visit, void* context) noexcept;

}  // namespace bursar::account::records
