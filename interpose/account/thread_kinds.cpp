// What ended threads did, by their names.
#include "interpose/account/thread_kinds.h"

#include <cstring>

#include "allocator/lock.h"
#include "interpose/account/counting.h"
#include "interpose/account/ledger.h"

namespace bursar::account::thread_kinds {
namespace {

using ledger::ThreadKind;

constinit Lock lock;  // of new rows

constexpr size_t name_bytes = sizeof(ThreadKind::name);
static_assert(name_bytes > ledger::thread_name_bytes);

constexpr bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

/// worker-3 becomes worker-*; what could steer a terminal becomes a question mark.
void make_kind(const char* name, char (&kind)[name_bytes]) noexcept {
  size_t length = 0;
  for (size_t i = 0; i < ledger::thread_name_bytes && name[i] != '\0'; ++i) {
    const bool continues_number = i != 0 && is_digit(name[i - 1]) && is_digit(name[i]);
    if (continues_number) continue;
    const auto byte = static_cast<unsigned char>(name[i]);
    const char shown = byte < ' ' || byte == 0x7f ? '?' : name[i];
    kind[length++] = is_digit(name[i]) ? '*' : shown;
  }
  kind[length] = '\0';
}

bool is_row(const ThreadKind& row, const char* kind) noexcept {
  // Pairs with the release in set_name: the name is written.
  return row.is_there.load(std::memory_order_acquire) != 0 && strcmp(row.name, kind) == 0;
}

/// Pre: it fits, with its NUL.
void set_name(ThreadKind& row, const char* name) noexcept {
  memcpy(row.name, name, strlen(name) + 1);
  row.is_there.store(1, std::memory_order_release);
}

ThreadKind& find_row(const char* kind) noexcept {
  auto& rows = ledger::book.header().thread_kinds;
  for (ThreadKind& row : rows) {
    if (is_row(row, kind)) return row;
  }
  const LockGuard guard(lock);
  constexpr size_t last = ledger::thread_kind_count - 1;
  for (size_t i = 0; i < last; ++i) {
    if (is_row(rows[i], kind)) return rows[i];
    if (rows[i].is_there.load(std::memory_order_relaxed) != 0) continue;
    set_name(rows[i], kind);
    return rows[i];
  }
  ThreadKind& others = rows[last];
  if (others.is_there.load(std::memory_order_relaxed) == 0) set_name(others, "(others)");
  return others;
}

}  // namespace

void add(const char* name, const PlainFlow& flow, ledger::Flow& at_start) noexcept {
  char kind[name_bytes];
  make_kind(name, kind);
  ThreadKind& row = find_row(kind);
  row.threads.fetch_add(1, std::memory_order_relaxed);
  hand_over(row.flow.allocations, at_start.allocations, flow.allocations);
  hand_over(row.flow.frees, at_start.frees, flow.frees);
  hand_over(row.flow.allocated_bytes, at_start.allocated_bytes, flow.allocated_bytes);
  hand_over(row.flow.freed_bytes, at_start.freed_bytes, flow.freed_bytes);
}

void forget_after_fork() noexcept { lock.reset(); }

}  // namespace bursar::account::thread_kinds
