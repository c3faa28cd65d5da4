// Sums by the names of threads.
#include "interpose/account/render_thread_totals.h"

#include <cstring>

namespace bursar::ledger {
namespace {

bool is_same(const Name& a, const Name& b) noexcept {
  return a.length() == b.length() && memcmp(a.data(), b.data(), a.length()) == 0;
}

bool is_alive(const Slot& slot) noexcept { return slot.thread_id.load(std::memory_order_relaxed) != 0; }

Name name_of(const Slot& slot) noexcept { return thread_kind_name(slot.thread_name, sizeof slot.thread_name); }

Name name_of(const ThreadKind& kind) noexcept { return thread_kind_name(kind.name, sizeof kind.name); }

bool is_there(const ThreadKind& kind) noexcept { return kind.is_there.load(std::memory_order_acquire) != 0; }

}  // namespace

Name thread_kind_name(const char* name, size_t bytes) noexcept {
  Name kind;
  bool after_digit = false;
  for (size_t i = 0; i + 1 < bytes && name[i] != '\0'; ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    const bool is_digit = byte >= '0' && byte <= '9';
    const bool steers = byte < ' ' || byte == 0x7f;
    if (!is_digit) kind.add(steers ? "?" : &name[i], 1);
    if (is_digit && !after_digit) kind.add("*");
    after_digit = is_digit;
  }
  return kind;
}

bool ThreadReader::has_ended_thread(const Name& name) const noexcept {
  for (const ThreadKind& kind : view_.header->thread_kinds) {
    if (is_there(kind) && is_same(name_of(kind), name)) return true;
  }
  return false;
}

bool ThreadReader::is_first_alive(size_t slot, const Name& name) const noexcept {
  for (size_t i = 1; i < slot; ++i) {
    if (is_alive(view_.slots[i]) && is_same(name_of(view_.slots[i]), name)) return false;
  }
  return true;
}

void ThreadReader::add_living(ThreadTotals& thread) const noexcept {
  for (size_t i = 1; i < view_.slot_count; ++i) {
    const Slot& slot = view_.slots[i];
    if (!is_alive(slot) || !is_same(name_of(slot), thread.name)) continue;
    ++thread.threads;
    ++thread.alive;
    add_to(thread.flow, difference(read(slot.all), read(slot.at_thread_start)));
  }
}

bool ThreadReader::next(ThreadTotals& thread) noexcept {
  while (at_ < thread_kind_count) {
    const ThreadKind& kind = view_.header->thread_kinds[at_++];
    if (!is_there(kind)) continue;
    thread = {.name = name_of(kind), .threads = read(kind.threads), .alive = 0, .flow = read(kind.flow)};
    add_living(thread);
    return true;
  }
  while (at_ - thread_kind_count + 1 < view_.slot_count) {
    const size_t index = at_++ - thread_kind_count + 1;
    const Slot& slot = view_.slots[index];
    if (!is_alive(slot)) continue;
    thread = {.name = name_of(slot), .threads = 0, .alive = 0, .flow = {}};
    if (has_ended_thread(thread.name) || !is_first_alive(index, thread.name)) continue;
    add_living(thread);
    return true;
  }
  if (at_++ != thread_kind_count + (view_.slot_count == 0 ? 0 : view_.slot_count - 1)) return false;
  thread = {.name = {}, .threads = 0, .alive = 0, .flow = {}};
  if (view_.slot_count == 0) return false;
  thread.name.add("(ended or too many)");
  thread.threads = read(view_.slots[0].threads);
  thread.flow = read(view_.slots[0].all);
  return (thread.threads | thread.flow.allocations | thread.flow.frees) != 0;
}

}  // namespace bursar::ledger
