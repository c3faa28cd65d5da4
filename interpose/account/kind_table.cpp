// The kinds of tasks by name.
#include "interpose/account/kind_table.h"

#include <algorithm>
#include <cstring>

#include "allocator/lock.h"
#include "interpose/account/kind_names.h"
#include "interpose/account/ledger.h"

namespace bursar::account::kinds {
namespace {

using ledger::kind_count;
using ledger::kind_name_bytes;

struct Name {
  char text[kind_name_bytes];
};

/// A hash table that only grows, with names of the process's own: the ledger's belong to the parent when a child begins.
///
///   T1  an entry is 0, or never changes: | hash: 21 bits | kind + 1: 11 |
///   T2  names of kinds below kinds_made never change; of an entry's kind the name is there before the entry
constexpr uint32_t entry_count = 2048;
static_assert(entry_count >= 2 * kind_count, "a look ends at an empty entry");
constinit std::atomic<uint32_t> entries[entry_count]{};
constinit Name names[kind_count]{};
constinit std::atomic<uint32_t> kinds_made{0};
constinit std::atomic<uint32_t> kinds_in_ledger{0};  // the first so many have memory behind them
constinit Lock adding;

constexpr uint32_t kind_bits = 11;
static_assert(kind_count < 1U << kind_bits);

uint32_t hash_of(const char* name) noexcept {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (; *name != '\0'; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 0x100000001b3;
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

/// Looks no further than at what is kept of a name.
bool is_short(const char* name) noexcept { return strnlen(name, kind_name_bytes) < kind_name_bytes; }

uint32_t entry_for(uint32_t hash, uint32_t kind) noexcept { return hash >> kind_bits << kind_bits | (kind + 1); }
uint32_t kind_in(uint32_t entry) noexcept { return (entry & ((1U << kind_bits) - 1)) - 1; }

constexpr uint32_t not_there = UINT32_MAX;

uint32_t find(const char* name, uint32_t hash) noexcept {
  for (uint32_t at = hash;; ++at) {
    // Pairs with the release in insert: the name is there.
    const uint32_t entry = entries[at % entry_count].load(std::memory_order_acquire);
    if (entry == 0) return not_there;
    const bool may_be = entry >> kind_bits == hash >> kind_bits;
    if (may_be && strcmp(names[kind_in(entry)].text, name) == 0) return kind_in(entry);
  }
}

void insert(uint32_t kind) noexcept {
  const uint32_t hash = hash_of(names[kind].text);
  uint32_t at = hash;
  while (entries[at % entry_count].load(std::memory_order_relaxed) != 0) ++at;
  entries[at % entry_count].store(entry_for(hash, kind), std::memory_order_release);
}

/// How many kinds the ledger can have: fewer than kind_count where its table is short.
uint32_t capacity() noexcept { return std::min(kind_count, ledger::book.header().kinds.entry_count); }

/// Gives the kind its place in the ledger. False when there is none.
bool try_place(uint32_t kind) noexcept {
  if (kind >= capacity() || !ledger::book.try_use_kind(kind)) return false;
  ledger::TaskKind& entry = ledger::book.kind(kind);
  memcpy(entry.name, names[kind].text, kind_name_bytes);
  // Pairs with a reader's acquire: the name is whole (K1).
  entry.is_there.store(1, std::memory_order_release);
  kinds_in_ledger.store(kind + 1, std::memory_order_release);
  return true;
}

Name name_from(const char* text) noexcept {
  Name name{};
  kind_names::clean(text, name.text, sizeof(name.text));
  return name;
}

/// The kind of the next number; not_there when the ledger has no room for it.
uint32_t try_make(const Name& name) noexcept {
  const uint32_t kind = kinds_made.load(std::memory_order_relaxed);
  names[kind] = name;
  if (!try_place(kind)) return not_there;
  kinds_made.store(kind + 1, std::memory_order_relaxed);
  insert(kind);
  return kind;
}

constexpr char name_of_others[] = "(other kinds)";

/// In a child whose table is shorter than its parent's, the last kind that it has room for is as any other.
uint32_t kind_of_others() noexcept {
  const uint32_t last = placed(capacity() - 1);
  return strcmp(names[last].text, name_of_others) == 0 ? last : ledger::kind_outside;
}

/// The last kind of the table stands for all that have no other. Where not even it can be had, they are outside.
uint32_t make_or_share(const Name& name) noexcept {
  const uint32_t made = kinds_made.load(std::memory_order_relaxed);
  const uint32_t last = capacity() - 1;
  if (made > last) return kind_of_others();
  const uint32_t kind = try_make(made < last ? name : name_from(name_of_others));
  return kind == not_there ? ledger::kind_outside : kind;
}

}  // namespace

void start(const char* name_outside) noexcept {
  const LockGuard guard(adding);
  (void)try_make(name_from(name_outside));
}

uint32_t named(const char* name) noexcept {
  // A name that is kept is clean: most are found as they come.
  if (name != nullptr && is_short(name)) {
    if (const uint32_t kind = find(name, hash_of(name)); kind != not_there) return placed(kind);
  }
  Name cleaned = name_from(name);
  if (cleaned.text[0] == '\0') cleaned = {"(unnamed)"};
  const uint32_t hash = hash_of(cleaned.text);
  if (const uint32_t kind = find(cleaned.text, hash); kind != not_there) return placed(kind);
  if (kinds_made.load(std::memory_order_relaxed) >= capacity()) return kind_of_others();
  const LockGuard guard(adding);
  const uint32_t kind = find(cleaned.text, hash);  // another may have made it meanwhile
  return kind != not_there ? placed(kind) : make_or_share(cleaned);
}

uint32_t placed(uint32_t kind) noexcept {
  return kind < kinds_in_ledger.load(std::memory_order_relaxed) ? kind : ledger::kind_outside;
}

ledger::TaskKind* try_find(uint32_t kind) noexcept {
  if (kinds_in_ledger.load(std::memory_order_relaxed) == 0) return nullptr;
  return &ledger::book.kind(placed(kind));
}

const char* name_of(uint32_t kind) noexcept { return names[kind].text; }

uint32_t count() noexcept { return kinds_made.load(std::memory_order_relaxed); }

void begin_child() noexcept {
  adding.reset();
  kinds_in_ledger.store(0, std::memory_order_relaxed);
  const uint32_t made = kinds_made.load(std::memory_order_relaxed);
  // The fork may have come between a kind's making and its entry.
  for (auto& entry : entries) entry.store(0, std::memory_order_relaxed);
  for (uint32_t kind = 0; kind < made; ++kind) insert(kind);
  for (uint32_t kind = 0; kind < made; ++kind) {
    if (!try_place(kind)) return;
  }
}

}  // namespace bursar::account::kinds
